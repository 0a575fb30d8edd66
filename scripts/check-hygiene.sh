#!/usr/bin/env bash
# Formatting; no unfinished code; nothing in the repository that ties it to one machine or mirror.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
wrong() {
    bad=1
    echo "check-hygiene: $*"
}

unformatted=$(cargo fmt --all -- --check -l 2>&1 || true)
[ -z "$unformatted" ] || wrong "run cargo fmt --all: $unformatted"

files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done; }

# Unfinished code, outside #[cfg(test)] (which ends a file, by this project's custom) and tests/.
for file in $(files '*.rs' | grep -v -E '(^|/)tests/'); do
    found=$(awk '/^[[:space:]]*#\[cfg\(test\)\]/ { exit } { line = $0; sub(/^[[:space:]]*\/\/.*/, "", line) }
        line ~ /(^|[^A-Za-z0-9_])(todo|unimplemented|dbg)!/ { printf "%s:%d: %s\n", FILENAME, FNR, $0 }' "$file")
    [ -z "$found" ] || wrong "unfinished code: $found"
done

# Lock files and settings name packages and hashes, never the place they came from.
for lock in $(files '*package-lock.json'); do
    if grep -n -m1 '"resolved": "http' "$lock"; then wrong "$lock names a registry host (omit-lockfile-registry-resolved)"; fi
done
canonical='source = "registry+https://github.com/rust-lang/crates.io-index"'
for lock in $(files '*Cargo.lock'); do
    if grep -n '^source = ' "$lock" | grep -v -F "$canonical" | head -n 3 | grep .; then wrong "$lock names another registry"; fi
done
for file in $(files '*.npmrc' '*pip.conf' '*requirements*.txt' '*.cargo/config*' '*sources.list*'); do
    if grep -n -i -E 'registry *=|index-url|extra-index|replace-with|_auth|^ *deb ' "$file" | grep -v 'omit-lockfile-registry-resolved'; then
        wrong "$file names a registry"
    fi
done
hosts='registry\.npmjs\.org|registry\.yarnpkg\.com|files\.pythonhoste[d]\.org|pypi\.org/simple|(static|index)\.crates\.io|deb\.debian\.org|security\.debian\.org'
found=$(files | grep -v -F scripts/check-hygiene.sh | tr '\n' '\0' | xargs -0 grep -I -n -E "$hosts" || true)
[ -z "$found" ] || wrong "a registry host: $found"

# No path of the machine that it was written on.
found=$(files | tr '\n' '\0' | xargs -0 grep -I -n -F "$PWD/" || true)
[ -z "$found" ] || wrong "a path of this machine: $found"

[ "$bad" -eq 0 ] && echo "check-hygiene: clean"
exit "$bad"
