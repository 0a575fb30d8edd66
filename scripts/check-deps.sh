#!/usr/bin/env bash
# Keeps the dependency tree lean (docs/ARCHITECTURE.md): one HTTP stack, one TLS stack, ring, no
# aws-config; and keeps I/O out of shared/domain.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0

# "name vVERSION" of everything that is compiled into the workspace (dev-dependencies apart).
tree=$(cargo tree --workspace --edges normal,build --prefix none --format '{p}')

# name, version pattern, why
while read -r name version why; do
    found=$(grep -E "^$name v$version" <<<"$tree" | cut -d' ' -f1,2 | sort -u || true)
    if [ -n "$found" ]; then
        bad=1
        echo "check-deps: ${found//$'\n'/, } must not be in the tree: $why"
        cargo tree --workspace --edges normal,build --depth 4 --invert "$(head -n1 <<<"$found" | sed 's/ v/@/')" | head -n 12
    fi
done <<'LIST'
hyper 0\.14\. the legacy HTTP stack: an aws-sdk crate has its default features on
h2 0\.[0-3]\. the legacy HTTP stack: an aws-sdk crate has its default features on
http 0\.2\. the legacy HTTP types
rustls 0\.2[0-2]\. the legacy TLS stack, with open advisories
aws-lc-rs .* ring is the one TLS backend: aws-lc costs 22 ms at the first handshake
aws-lc-sys .* ring is the one TLS backend: aws-lc costs 22 ms at the first handshake
aws-config .* credentials are in the function's environment
aws-sdk-(sts|sso|ssooidc) .* comes with aws-config
reqwest 0\.1[0-2]\. a second HTTP client: oauth2 has its default features on
openssl(-sys)? .* rustls is the one TLS stack
native-tls .* rustls is the one TLS stack
LIST

python3 - <<'PY' || bad=1
import re, sys, tomllib
forbidden = re.compile(r"^(tokio.*|async-.*|futures.*|reqwest|hyper.*|http|axum|tower.*|aws[-_].*|lambda[-_].*|serde_dynamo|oauth2|rusqlite|outbound|platforms|cloud|functions|local|simulator)$")
manifest = tomllib.load(open("shared/domain/Cargo.toml", "rb"))
tables = [manifest, *manifest.get("target", {}).values()]
wrong = sorted({
    settings.get("package", name) if isinstance(settings, dict) else name
    for table in tables
    for kind in ("dependencies", "build-dependencies", "dev-dependencies")
    for name, settings in table.get(kind, {}).items()
    if forbidden.match(settings.get("package", name) if isinstance(settings, dict) else name)
})
for name in wrong:
    print(f"check-deps: shared/domain depends on {name}: the domain has no I/O, no async, no AWS or HTTP crate")
sys.exit(1 if wrong else 0)
PY

[ "$bad" -eq 0 ] && echo "check-deps: $(sort -u <<<"$tree" | grep -c .) crates, none unwanted; the domain is free of I/O"
exit "$bad"
