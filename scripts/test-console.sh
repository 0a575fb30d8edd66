#!/usr/bin/env bash
# The web console: types, generated client, component tests, and the whole of it in a browser against the local stack.
# Installs what it needs. Without Node.js or Chromium it says what it skips; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() {
    echo "SKIPPED: $*"
    [ "${CI:-}" != "true" ] || exit 1
    exit 0
}

node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null || skip "console tests: Node.js 20 or newer is not there"
scripts/build-console.sh
cd console

echo "-- types"
npm run --silent types
npm run --silent widget

echo "-- components"
npm run --silent test

chromium=${CHROMIUM:-/usr/bin/chromium}
if ! [ -x "$chromium" ]; then
    sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq chromium; } >/dev/null 2>&1 || true
fi
[ -x "$chromium" ] || skip "console in a browser: Debian's chromium is not there and could not be installed"

echo "-- in a browser, against the local stack"
(cd .. && cargo build --quiet --workspace --bin local)
npm run --silent e2e
