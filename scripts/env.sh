# Sourced by the other scripts, from the repository's root: where the tests find their tools.
# A variable that is already set wins. The tests use the same defaults without it.
root=$PWD
venv=$root/.tools/venv
case $(uname -m) in
aarch64 | arm64) rie_arch=arm64 ;;
*) rie_arch=x86_64 ;;
esac
first_rie() {
    local found
    for found in "$venv"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"$rie_arch"; do
        [ -e "$found" ] && echo "$found" && return
    done
    echo "$venv/aws-lambda-rie-is-not-installed"
}
export HERALD_RIE=${HERALD_RIE:-$(first_rie)}
export HERALD_SAM=${HERALD_SAM:-$venv/bin/sam}
export HERALD_MINISTACK=${HERALD_MINISTACK:-$root/.tools/ministack/bin/ministack}
export HERALD_REAL=${HERALD_REAL:-$root/tests/real}
export HERALD_SNAC=${HERALD_SNAC:-$root/.tools/snac/usr/bin/snac}
export HERALD_BOOTSTRAP=${HERALD_BOOTSTRAP:-${CARGO_TARGET_DIR:-$root/target}/release/bootstrap}
# The platforms' published OpenAPI documents; large, so not part of the repository.
if [ -z "${HERALD_SPECS:-}" ] && [ -d "$root/../shared/platforms/specs" ]; then
    HERALD_SPECS=$(cd "$root/../shared/platforms/specs" && pwd)
    export HERALD_SPECS
fi
export SAM_CLI_TELEMETRY=0
