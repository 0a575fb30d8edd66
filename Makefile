# The two commands are `make run` and `make test`; the rest serves their upkeep.
.PHONY: run console fonts test test-deploy test-full bench openapi check tools clean-tools

# Builds and starts the whole bundle on this machine, with a simulator of the platforms.
run: console fonts
	cargo run

# The web console, compiled into whatever is built afterwards.
console:
	scripts/build-console.sh

# The fonts of the PDF report, for the layer of its function.
fonts:
	scripts/build-fonts.sh

# Installs what the tests need, then runs all of them.
test: tools
	scripts/test.sh

# Deploys the release bundle into an emulated AWS account and runs the suite of the local stack against it; a part of `make test`.
test-deploy: tools fonts
	cargo build --release --workspace --bin bootstrap
	cargo build --workspace
	cargo test --workspace --test deployed -- --show-output

# The same with the unsampled matrices.
test-full: tools
	HERALD_FULL=1 scripts/test.sh

# Cold start, cost per call and throughput; writes docs/benchmarks.md.
bench:
	scripts/bench.sh

# The HTTP contract, generated from the handlers' own types.
openapi:
	cargo run --quiet -- openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

# The quick checks, without building for release and without running tests.
check: tools
	scripts/check-hygiene.sh
	scripts/check-deps.sh
	cargo clippy --workspace --all-targets -- -D warnings
	scripts/check-template.py template.yaml

tools:
	scripts/install-test-tools.sh

clean-tools:
	rm -rf .tools tests/real/node_modules console/node_modules
