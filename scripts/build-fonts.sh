#!/usr/bin/env bash
# Puts the fonts of the PDF report where the layer of its function is packed from. Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/../infra/fonts"

sum=$(cat package-lock.json "../../scripts/build-fonts.sh" | sha256sum | cut -d' ' -f1)
[ "$(cat layer.built 2>/dev/null || true)" != "$sum" ] || [ ! -d layer/fonts ] || exit 0

# Everything else works without them, so a laptop without Node.js or network starts all the same.
without() {
    echo "build-fonts: $*; reports are made as CSV only" >&2
    [ "${CI:-}" != "true" ] || exit 1
    exit 0
}
command -v npm >/dev/null 2>&1 || without "Node.js with npm is not there"
npm ci --no-fund --no-audit --loglevel=error || without "the fonts could not be fetched"
rm -rf layer
mkdir -p layer/fonts
# Text is regular; headings are bold, in the scripts whose fonts are small.
cp node_modules/@expo-google-fonts/*/400Regular/*.ttf layer/fonts/
cp node_modules/@expo-google-fonts/*/700Bold/*.ttf layer/fonts/
rm layer/fonts/NotoSans{SC,JP,KR}_700Bold.ttf
cp node_modules/@expo-google-fonts/noto-sans/LICENSE_FONT layer/fonts/OFL.txt
# The packages hold every weight.
rm -rf node_modules
echo "$sum" >layer.built
