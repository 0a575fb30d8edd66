#!/usr/bin/env bash
# Unpacks Debian's snac2 (a small server of the Mastodon API, MIT) into a folder.
# Nothing on the system changes and no root is needed: apt works on private lists, and the
# mirror is the one this machine already uses.
#   scripts/install-snac.sh [TARGET]      (default .tools/snac)
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-.tools/snac}

. /etc/os-release
: "${VERSION_CODENAME:?no Debian release name in /etc/os-release}"

# The first Debian mirror in the machine's own sources, in either of apt's two formats:
# the entry that serves this very release (not its -security or -updates).
mirror_and_key() {
    python3 - "$VERSION_CODENAME" <<'PY'
import glob, re, sys
release = sys.argv[1]

def found(uri, key):
    print(uri.rstrip("/"))
    print(key)
    sys.exit(0)

for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
    for stanza in re.split(r"\n\s*\n", open(path).read()):
        fields = {}
        for line in stanza.splitlines():
            if line.startswith("#") or ":" not in line or line[0].isspace():
                continue
            name, value = line.split(":", 1)
            fields[name.strip().lower()] = value.strip()
        if fields.get("enabled", "yes").lower() == "no":
            continue
        if release in fields.get("suites", "").split() and "main" in fields.get("components", "").split():
            key = fields.get("signed-by", "")
            found(fields["uris"].split()[0], key if key.startswith("/") else "")
for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
    try:
        lines = open(path).read().splitlines()
    except FileNotFoundError:
        continue
    for line in lines:
        entry = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
        if entry and entry.group(3).rstrip("/") == release and "main" in entry.group(4).split():
            key = re.search(r"signed-by=(\S+)", entry.group(1) or "")
            found(entry.group(2), key.group(1) if key else "")
sys.exit("no Debian mirror for %s in /etc/apt/sources.list*" % release)
PY
}
# One assignment, so that a failure inside ends the script.
answer=$(mirror_and_key)
mirror=$(sed -n 1p <<<"$answer")
key=$(sed -n 2p <<<"$answer")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
private=(
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=
    -o Acquire::Languages=none -o Acquire::Retries=3
)
options=""
[ -z "$key" ] || options="[signed-by=$key] "

got=""
for suite in "$VERSION_CODENAME-backports" "$VERSION_CODENAME"; do
    echo "deb ${options}$mirror $suite main" >"$work/sources.list"
    apt-get -qq "${private[@]}" update >&2 || continue
    if (cd "$work" && apt-get -qq "${private[@]}" download snac2 >&2); then
        got=$suite
        break
    fi
done
deb=$(find "$work" -maxdepth 1 -name 'snac2_*.deb')
if [ -z "$got" ] || [ -z "$deb" ]; then
    echo "install-snac: the mirror offers no snac2 for $VERSION_CODENAME" >&2
    exit 1
fi
rm -rf "$target"
mkdir -p "$target"
dpkg-deb --extract "$deb" "$target"
missing=$(ldd "$target/usr/bin/snac" | grep 'not found' || true)
if [ -n "$missing" ]; then
    echo "install-snac: libraries are missing (packages libcurl4, libssl3):" >&2
    echo "$missing" >&2
    rm -rf "$target"
    exit 3
fi
echo "snac2 $(dpkg-deb --field "$deb" Version) from $got in $target"
