#!/usr/bin/env bash
# Measures and writes docs/benchmarks.md (design bars and how each is taken stand there).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
# One selection for the whole workspace: `-p` would resolve other features and build all again.
cargo build --release --workspace --bin bootstrap --bin local --bin bench
exec "${CARGO_TARGET_DIR:-target}/release/bench" "$@"
