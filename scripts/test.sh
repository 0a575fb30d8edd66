#!/usr/bin/env bash
# Every check and every test, with the time each step took and what was skipped, and why.
# HERALD_FULL=1 runs the unsampled matrices. With CI=true a skipped real server or tool is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
target=${CARGO_TARGET_DIR:-target}
log=$target/herald-test.log
mkdir -p "$target"
: >"$log"
names=()
results=()
started=$SECONDS

cat <<PLAN
Plan:
  1 hygiene    formatting, no unfinished code, no registry host or local path
  2 deps       the lean dependency tree, a domain without I/O
  3 clippy     the whole workspace, warnings are errors
  4 template   sam validate, SAM translator, cfn-lint on its output, own rules
  5 release    the one release build: $HERALD_BOOTSTRAP
  6 build      everything else that is tested
  7 tests      cargo test --workspace$([ -n "${HERALD_FULL:-}" ] && echo ", unsampled matrices")
  8 console    beside the tests: its types, components, and the whole of it in Chromium against the local stack
Tools:
  HERALD_RIE=$HERALD_RIE
  HERALD_REAL=$HERALD_REAL
  HERALD_SNAC=$HERALD_SNAC
  HERALD_SPECS=${HERALD_SPECS:-(unset, checks against the published platform documents are skipped)}
PLAN

# step NAME COMMAND…: runs it, keeps the time and the outcome, goes on.
step() {
    local name=$1 begin=$SECONDS status=0
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    "$@" || status=$?
    names+=("$name")
    if [ "$status" -eq 0 ]; then results+=("ok      $((SECONDS - begin)) s"); else results+=("FAILED  $((SECONDS - begin)) s"); fi
    printf -- '-- %s: %s\n' "$name" "${results[-1]}"
    return "$status"
}

check_template() {
    scripts/check-template.py template.yaml | tee -a "$log"
    return "${PIPESTATUS[0]}"
}

# Runs beside the tests, which mostly wait for clocks and servers; what it printed is shown when both are through.
console_log=$target/herald-console.log
start_console() {
    scripts/test-console.sh >"$console_log" 2>&1 &
    console=$!
}

end_console() {
    local status=0
    wait "$console" || status=$?
    tee -a "$log" <"$console_log"
    return "$status"
}

# The binary that the browser is shown is built before two of them could want to.
build_tests() {
    cargo test --quiet --workspace --no-run && cargo build --quiet --workspace --bin local
}

# The tests' whole output goes to the log; what passing tests printed is not shown.
run_tests() {
    RUST_TEST_THREADS=${RUST_TEST_THREADS:-4} cargo test --workspace --no-fail-fast -- --show-output 2>&1 | tee -a "$log" |
        awk '/^successes:$/ { hidden = 1 } /^(failures:$|test result:)/ { hidden = 0 } !hidden { print; fflush() }'
    return "${PIPESTATUS[0]}"
}

failed=0
step hygiene scripts/check-hygiene.sh || failed=1
# Before anything is compiled, so that it is in what is tested.
step console-build scripts/build-console.sh || failed=1
step fonts scripts/build-fonts.sh || failed=1
step deps scripts/check-deps.sh || failed=1
step clippy cargo clippy --workspace --all-targets -- -D warnings || failed=1
step template check_template || failed=1
if step release cargo build --release --workspace --bin bootstrap && step build build_tests; then
    start_console
    step tests run_tests || failed=1
    step console end_console || failed=1
else
    failed=1
    names+=(tests console)
    results+=("NOT RUN (no build)" "NOT RUN (no build)")
fi

printf '\n================ summary\n'
for i in "${!names[@]}"; do printf '%-10s %s\n' "${names[$i]}" "${results[$i]}"; done
passed=$(sed -n 's/^test result: .* \([0-9][0-9]*\) passed;.*/\1/p' "$log" | paste -sd+ | sed 's/^$/0/')
ignored=$(sed -n 's/^test result: .* \([0-9][0-9]*\) ignored;.*/\1/p' "$log" | paste -sd+ | sed 's/^$/0/')
echo "tests      $((passed)) passed, $((ignored)) ignored; whole run $((SECONDS - started)) s; log $log"

skipped=$(grep '^SKIPPED:' "$log" | sort -u || true)
if [ -n "$skipped" ]; then
    echo "skipped:"
    sed 's/^SKIPPED:/   /' <<<"$skipped"
    required=$(grep -v HERALD_SPECS <<<"$skipped" || true)
    if [ "${CI:-}" = "true" ] && [ -n "$required" ]; then
        echo "FAILED: with CI=true every real server and tool is required"
        failed=1
    fi
else
    echo "skipped:   nothing"
fi
[ "$failed" -eq 0 ] && echo "PASSED" || echo "FAILED"
exit "$failed"
