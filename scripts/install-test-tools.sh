#!/usr/bin/env bash
# Installs what the tests need beside Rust, Node 20 and Python 3.11. Safe to run again: what is
# there in the right version is left alone. Everything goes into .tools/ and tests/real/, except
# Debian packages that are missing, which need root or sudo.
# With CI=true a tool that cannot be installed ends the run; elsewhere its tests are skipped, loudly.
set -euo pipefail
cd "$(dirname "$0")/.."
stamps=.tools/stamps
mkdir -p "$stamps"
failed=()

say() { printf '%s\n' "install-test-tools: $*"; }

need() { command -v "$1" >/dev/null || {
    say "$1 is missing: $2" >&2
    exit 1
}; }
need cargo "install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
need python3 "install python3 and python3-venv"
need node "install Node.js 20 or later"
need npm "install npm (it comes with Node.js)"
node_major=$(node -p 'process.versions.node.split(".")[0]')
[ "$node_major" -ge 20 ] || {
    say "Node.js 20 or later is needed, this is $(node --version)" >&2
    exit 1
}

# 1. Debian packages: a compiler for better-sqlite3 (inside the PDS), snac's two libraries, a reader of PDF.
wanted=(build-essential python3-venv libcurl4 libssl3 ca-certificates poppler-utils)
absent=()
if command -v dpkg-query >/dev/null; then
    for package in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || absent+=("$package")
    done
fi
if [ ${#absent[@]} -gt 0 ]; then
    say "Debian packages ${absent[*]} (compiler for a native module, snac's libraries, a reader of PDF), from the machine's own sources"
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo"
    if ! { $sudo apt-get -qq update && DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install --no-install-recommends --yes "${absent[@]}"; }; then
        failed+=("Debian packages ${absent[*]}")
    fi
fi

# done_before NAME FILE…: true when NAME was installed from exactly these files, in this place.
stamp_of() { { pwd; uname -m; cat "$@"; } | sha256sum | cut -d' ' -f1; }
done_before() {
    local name=$1
    shift
    [ "$(cat "$stamps/$name" 2>/dev/null || true)" = "$(stamp_of "$@")" ]
}
mark() {
    local name=$1
    shift
    stamp_of "$@" >"$stamps/$name"
}

# 2. The SAM translator and validator, cfn-lint, the Lambda Runtime Interface Emulator.
install_venv() {
    rm -rf .tools/venv
    python3 -m venv .tools/venv &&
        .tools/venv/bin/pip install --quiet --disable-pip-version-check --requirement scripts/requirements.txt &&
        .tools/venv/bin/cfn-lint --version >/dev/null
}
if done_before venv scripts/requirements.txt && [ -x .tools/venv/bin/sam ]; then
    say "aws-sam-cli, cfn-lint and the Lambda emulator are there"
else
    say "aws-sam-cli and cfn-lint into .tools/venv (template gate; the Lambda Runtime Interface Emulator)"
    if install_venv; then mark venv scripts/requirements.txt; else failed+=("aws-sam-cli and cfn-lint"); fi
fi

# 3. An emulated AWS account to deploy into.
install_ministack() {
    rm -rf .tools/ministack
    python3 -m venv .tools/ministack &&
        .tools/ministack/bin/pip install --quiet --disable-pip-version-check --requirement scripts/requirements-ministack.txt &&
        [ -x .tools/ministack/bin/ministack ]
}
if done_before ministack scripts/requirements-ministack.txt && [ -x .tools/ministack/bin/ministack ]; then
    say "ministack is there"
else
    say "ministack into .tools/ministack (an AWS account on this machine that the bundle is deployed into)"
    if install_ministack; then mark ministack scripts/requirements-ministack.txt; else failed+=("ministack"); fi
fi

# 4. A Bluesky PDS with its PLC directory, a certified OAuth provider.
install_node() (
    cd tests/real
    # A native module is compiled against the headers beside node, where it has them; else npm fetches them.
    prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
    if [ -e "$prefix/include/node/node.h" ]; then export npm_config_nodedir="$prefix"; fi
    npm ci --loglevel=error && node -e 'new (require("better-sqlite3"))(":memory:").close()'
)
manifest=(tests/real/package.json tests/real/package-lock.json tests/real/.npmrc)
node --version >"$stamps/.node"
if done_before node "${manifest[@]}" "$stamps/.node" && [ -d tests/real/node_modules/@atproto/pds ]; then
    say "the Bluesky PDS, PLC directory and OAuth provider are there"
else
    say "Bluesky PDS, PLC directory, oidc-provider into tests/real/node_modules (real servers for the tests)"
    if install_node; then mark node "${manifest[@]}" "$stamps/.node"; else failed+=("the Bluesky PDS and the OAuth provider"); fi
fi

# 5. snac, a real server of the Mastodon API.
if done_before snac scripts/install-snac.sh /etc/os-release && [ -x .tools/snac/usr/bin/snac ]; then
    say "snac is there"
else
    say "snac2 from Debian backports into .tools/snac (a real Mastodon-API server; runs unprivileged)"
    if scripts/install-snac.sh; then mark snac scripts/install-snac.sh /etc/os-release; else failed+=("snac2"); fi
fi

if [ ${#failed[@]} -gt 0 ]; then
    echo "=====================================================================" >&2
    for tool in "${failed[@]}"; do say "NOT INSTALLED: $tool" >&2; done
    if [ "${CI:-}" = "true" ]; then
        say "with CI=true every tool is required" >&2
        exit 1
    fi
    say "the tests that need it will be SKIPPED, and the run will say so" >&2
    echo "=====================================================================" >&2
fi
