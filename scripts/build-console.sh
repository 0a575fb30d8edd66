#!/usr/bin/env bash
# Builds the web console into console/embed, from where it is compiled into the bundle. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../console"

if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then
    echo "build-console: Node.js 20 or newer with npm is not there; the API is built without the web console" >&2
    [ "${CI:-}" != "true" ] || exit 1
    exit 0
fi

sum() { sha256sum | cut -d' ' -f1; }
locked=$(cat package-lock.json .npmrc | sum)
if [ "$(cat node_modules/.locked 2>/dev/null || true)" != "$locked" ]; then
    npm ci --no-fund --no-audit --loglevel=error
    echo "$locked" >node_modules/.locked
fi
# The client's types, from the contract.
contract=$(sum <../docs/openapi.json)
if [ "$(cat node_modules/.contract 2>/dev/null || true)" != "$contract" ] || [ ! -f src/api/schema.d.ts ]; then
    npm run --silent api >/dev/null
    echo "$contract" >node_modules/.contract
fi
sources=$(find src public index.html vite.config.ts tsconfig.json package-lock.json scripts/pack.mjs -type f ! -name '*.test.*' | LC_ALL=C sort |
    tr '\n' '\0' | xargs -0 sha256sum | sum)
if [ "$(cat node_modules/.built 2>/dev/null || true)" = "$sources" ] && [ -f embed/files.tsv ]; then
    exit 0
fi
npm run --silent types
npm run --silent build
echo "$sources" >node_modules/.built
