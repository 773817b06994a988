# AI Bridge for Envoy. `make` lists what there is. Everything that is built or installed goes below target/.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# Documents and tests name the path of the built filter, so an inherited CARGO_TARGET_DIR does not move it.
export CARGO_TARGET_DIR := $(CURDIR)/target
WASM := target/wasm32-wasip1/release/ai_bridge.wasm
WASM_TARGET := --target wasm32-wasip1
# Panic messages name source files. Remapped paths keep this machine's directories out of the module, and make it the
# same on every machine. The linker writes each index and address with as few bytes as it needs, not with five: 33 KB less.
# The cost up to which LLVM compiles functions marked `#[inline]`, such as most of the standard library's, into their callers.
# Its default of 325 holds for code that is optimised for size, too. With 120 the module is 29 KB smaller and as fast.
INLINE := 120
WASM_FLAGS := --config 'target.wasm32-wasip1.rustflags=["--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo","--remap-path-prefix=$(CURDIR)=/ai-bridge","-Clink-arg=--compress-relocations","-Cllvm-args=-inlinehint-threshold=$(INLINE)"]'
# Envoy logs a stack trace of a trap only if the module contains its functions' names. They take a tenth of the module, so
# they are included only on demand. The code is the same.
WASM_FLAGS += $(if $(NAMES),--config 'profile.release.strip="debuginfo"')
# The same filter for Envoy's dynamic modules. Paths are remapped as above.
MODULE := target/release/libai_bridge.so
MODULE_FLAGS := --config 'build.rustflags=["--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo","--remap-path-prefix=$(CURDIR)=/ai-bridge"]'
TOOLS := target/tools

# Python writes its caches below target/ as well.
export PYTHONPYCACHEPREFIX := $(CURDIR)/target/pycache
PYTHON := $(TOOLS)/python/bin/python
PYTEST := $(PYTHON) -m pytest -o cache_dir="$(CURDIR)/target/pytest"
# Test files run in parallel, one more than there are CPUs because tests wait as much as they compute. One after the other:
# PYTEST_WORKERS=0.
PYTEST_WORKERS ?= $(shell cpus=$$(nproc); echo $$((cpus < 5 ? cpus + 1 : 6)))
PYTEST_PARALLEL := $(PYTEST) --numprocesses=$(PYTEST_WORKERS) --dist=loadfile --no-loadscope-reorder

.PHONY: help
help: ## This list.
	@echo "AI Bridge for Envoy"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: prerequisites ## The filter: target/wasm32-wasip1/release/ai_bridge.wasm (NAMES=1: with names, for a stack trace in Envoy's log)
	cargo rustc --locked --package ai-bridge --lib --release $(WASM_TARGET) $(WASM_FLAGS) --crate-type cdylib
	@ls -l $(WASM)

.PHONY: native
native: prerequisites ## The filter as an Envoy dynamic module: target/release/libai_bridge.so (envoy/native)
	cargo rustc --locked --package ai-bridge --lib --profile native --features native $(MODULE_FLAGS) --crate-type cdylib
	@mkdir -p $(dir $(MODULE))
	@# Renamed into place, so that an Envoy that has loaded the old file keeps it.
	@cp target/native/libai_bridge.so $(MODULE).new && mv $(MODULE).new $(MODULE)
	@ls -l $(MODULE)

# The host that carries the filter in `make run`, `e2e` and `chaos`: wasm, or native for Envoy's dynamic modules.
HOST ?= wasm
export HOST
FILTER := $(if $(filter native,$(HOST)),native,build)

.PHONY: run
run: $(FILTER) mock-upstream tools ## The demo on loopback: a line for each request. KEYS=real: the real providers, with the keys of your environment; PORT=…; HOST=native: as a dynamic module
	@# Ctrl-C is blocked until Python has a handler for it.
	@$$(env --block-signal=INT true 2>/dev/null && echo env --block-signal=INT) $(PYTHON) -S tests/demo.py $(if $(KEYS),--keys "$(KEYS)") $(if $(filter command,$(firstword $(origin PORT))),--port "$(PORT)") $(DEMO)

.PHONY: unit
unit: prerequisites ## The inner loop: all native Rust tests, in less than a minute once they are built. One: cargo test --test exchange NAME
	cargo test --locked --workspace

.PHONY: test
test: ## Everything: unit and property tests, the filter, the official SDKs, and the tests in real Envoy.
	@# In parallel, so that the compilers use the CPUs while tools are downloaded.
	$(MAKE) --jobs=3 before-envoy
	HOST=wasm $(PYTEST_PARALLEL) tests/envoy tests/records
	HOST=native $(PYTEST_PARALLEL) $(DECISIVE)

# The tests that `make test` also runs with the dynamic module, in two minutes: bytes and records of every transcript, replies,
# holding and translating, uploads and streams that break off, reloads, values and metrics.
DECISIVE := $(patsubst %,tests/envoy/test_%.py,native native_envoy_gateway native_interface native_versions transcripts bedrock callers metrics outcomes pool_transport protocols reconfigure refusals secrecy streaming upstreams usage_splice)

.PHONY: test-native
test-native: native native-panics mock-upstream chaos-program tools sdks ## The tests in real Envoy with the dynamic module. Some of them: E2E='-k streamed -x'
	HOST=native $(PYTEST_PARALLEL) tests/envoy $(E2E)

SANITIZED = cargo +nightly test --locked --target "$$(rustc -vV | sed -n 's/^host: //p')" --package ai-bridge --features native --test native
.PHONY: sanitize
sanitize: ## The native host's tests under the address and the thread sanitizer. Needs a nightly toolchain with rust-src.
	@rustup run nightly cargo --version >/dev/null 2>&1 || { echo "make sanitize needs the nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
	@[ -d "$$(rustup run nightly rustc --print sysroot)/lib/rustlib/src/rust" ] || { echo "make sanitize needs the standard library's source: rustup component add rust-src --toolchain nightly" >&2; exit 1; }
	RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/sanitize/address $(SANITIZED)
	@# The standard library is built, too: the sanitizer has to see what its locks order.
	RUSTFLAGS=-Zsanitizer=thread CARGO_TARGET_DIR=target/sanitize/thread $(SANITIZED) -Zbuild-std

# The module with hooks that panic on demand, for envoy/test_native.py.
.PHONY: native-panics
native-panics: prerequisites
	cargo rustc --locked --package ai-bridge --lib --features native-panics --crate-type cdylib

.PHONY: e2e
e2e: $(FILTER) mock-upstream chaos-program tools sdks ## Only the tests in real Envoy. Some of them: make e2e E2E='-k streamed -x'
	$(PYTEST_PARALLEL) tests/envoy $(E2E)

.PHONY: compose-test
compose-test: build mock-upstream tools $(TOOLS)/ratelimit.stamp ## Brings envoy/compose up in a Docker of its own and tests it (Debian packages docker.io, docker-compose: needs root).
	@tests/tools/install-servers docker
	REQUIRE_SERVERS=1 $(PYTEST) tests/envoy/test_compose.py

.PHONY: agents
agents: build mock-upstream tools $(TOOLS)/agents.stamp $(TOOLS)/agents-python.stamp ## Claude Code, Codex, Copilot CLI, Gemini CLI and libraries through the gateway, offline (needs root; installs 2 GB). Some: AGENTS='-k codex'; AGENTS=--write: their page anew.
	$(PYTEST) tests/agents $(AGENTS)

.PHONY: transcripts
transcripts: $(TOOLS)/sdk-python.stamp ## Checks the transcripts against themselves and the official SDKs.
	$(TOOLS)/sdk-python/bin/python tests/check-transcripts.py

.PHONY: verify
verify: $(TOOLS)/python.stamp ## Checks an Envoy configuration that loads the filter, offline: make verify FILE=/etc/envoy/envoy.yaml
	@$(PYTHON) envoy/verify $(or $(FILE),envoy/envoy.yaml)

.PHONY: chaos
chaos: $(FILTER) chaos-program tools ## Clients and providers that misbehave: SECONDS=600, SEED=… repeats a run, ONLY=… one request of it (TIMES=…).
	@$(PYTHON) tests/chaos/run.py --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(TIMES),--times $(TIMES))

VERSION := $(shell sed -n '/^\[workspace.package\]/,/^$$/s/^version = "\(.*\)"/\1/p' Cargo.toml)

.PHONY: image
image: build ## The filter as an OCI image layout, target/image: one layer with plugin.wasm. Prints its digest.
	@python3 envoy/image/pack.py image --wasm $(WASM) --version $(VERSION) --out target/image

.PHONY: artifact
artifact: build ## The filter as an OCI artifact of two layers, target/artifact. Prints its digest.
	@python3 envoy/image/pack.py artifact --wasm $(WASM) --version $(VERSION) --out target/artifact

.PHONY: sbom
sbom: build $(TOOLS)/python.stamp ## What the filter is made of, as CycloneDX: target/ai_bridge.cdx.json
	@cargo metadata --locked --format-version 1 --filter-platform wasm32-wasip1 \
		| $(PYTHON) envoy/image/sbom.py --wasm $(WASM) --lock Cargo.lock >target/ai_bridge.cdx.json
	@ls -l target/ai_bridge.cdx.json

.PHONY: release
release: ## What a release consists of, reproducible, with checksums: target/dist/ai-bridge-VERSION (envoy/image/release.py lists it)
	@envoy/image/ready $(VERSION)
	@$(MAKE) --no-print-directory image artifact sbom native
	@python3 envoy/image/release.py --version $(VERSION) --wasm $(WASM) --built target --also $(MODULE) --out target/dist/ai-bridge-$(VERSION)

.PHONY: publish
publish: ## Pushes image, artifact and SBOM: make publish REGISTRY=ghcr.io/you (log in first: target/tools/crane auth login).
	@envoy/image/ready $(VERSION) "$(REGISTRY)"
	@$(MAKE) --no-print-directory image artifact sbom $(TOOLS)/crane.stamp
	@envoy/image/publish $(TOOLS)/crane "$(REGISTRY)" $(VERSION)

.PHONY: report
report: ## Spend, tokens, errors and times of records: make report FILE=records.jsonl (REPORT='--html report.html': more options).
	@python3 envoy/records/report.py $(REPORT) $(FILE)

.PHONY: bench
bench: build native tools ## What the filter costs, beside Envoy alone and filters that do less: 12 minutes. Part of it: tests/bench/run --help
	tests/bench/run

.PHONY: bench-readers
bench-readers: prerequisites tools ## How fast the filter's readers are inside Envoy, without traffic. Some: ONLY=request/messages.
	cargo rustc --locked --package micro --lib --release $(WASM_TARGET) $(WASM_FLAGS) --crate-type cdylib
	tests/bench/readers $(if $(ONLY),--only $(ONLY))

.PHONY: instructions
instructions: prerequisites ## Counts the readers' instructions into tests/bench/instructions.txt; CHECK=1: compares. Needs valgrind.
	@# callgrind selects the counted function by its name.
	cargo build --locked --release --package micro --config 'profile.release.strip="debuginfo"'
	tests/bench/instructions $(if $(CHECK),--check)

.PHONY: lint
lint: prerequisites ## Formatting, clippy for the host and for wasm, documentation; warnings are errors.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --package ai-bridge --lib $(WASM_TARGET) -- -D warnings
	cargo clippy --locked --package ai-bridge --lib --test native --features native -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items

# Bash has a variable SECONDS of its own, which the environment may contain; only a value from the command line counts.
FUZZ_SECONDS := $(if $(filter command,$(firstword $(origin SECONDS))),$(SECONDS),60)

.PHONY: fuzz
fuzz: ## Runs each fuzz target for a minute, from the transcripts on: make fuzz SECONDS=600 TARGETS=exchange. Needs a nightly toolchain and cargo-fuzz.
	@rustup run nightly cargo --version >/dev/null 2>&1 || { echo "make fuzz needs the nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
	@command -v cargo-fuzz >/dev/null || { echo "make fuzz needs cargo-fuzz: cargo install --locked cargo-fuzz" >&2; exit 1; }
	@command -v python3 >/dev/null || { echo "make fuzz needs python3 for fuzz/seeds" >&2; exit 1; }
	fuzz/seeds
	@# Safe Rust needs no address sanitizer, which costs half the speed.
	cd fuzz && for target in $(or $(TARGETS),$$(cargo +nightly fuzz list)); do \
		CARGO_TARGET_DIR=$(CURDIR)/fuzz/target cargo +nightly fuzz run --sanitizer none "$$target" -- \
			-max_total_time=$(FUZZ_SECONDS) -dict=words.dict -print_final_stats=1; \
	done

.PHONY: check
check: lint test audit ## What must hold before a merge: lint, test and audit.

.PHONY: audit
audit: $(TOOLS)/cargo-deny.stamp ## Licences, sources and duplicates of all dependencies (ADVISORIES=1: known holes too; needs github.com).
	$(TOOLS)/cargo-deny --locked --config .deny.toml check licenses bans sources $(if $(ADVISORIES),advisories)

.PHONY: prices
prices: $(TOOLS)/python.stamp ## Makes envoy/prices/prices.json anew from the table of models that envoy/prices/requirements.txt pins (43 MB).
	@$(PYTHON) envoy/prices/make.py

.PHONY: clean
clean: ## Removes target/, and with it everything that was built or installed.
	rm -rf target

# === Prerequisites of the targets above ===

.PHONY: prerequisites
prerequisites:
	@tests/tools/prerequisites

# All that `make test` does before Envoy starts, the slowest first.
.PHONY: before-envoy
before-envoy: native-tests tools build native native-panics sdks transcripts

# The native tests, and the programs that the tests in Envoy start: together, so that their dependencies are compiled once.
.PHONY: native-tests
native-tests: prerequisites
	cargo build --locked --workspace --bins --tests
	cargo test --locked --workspace
	cargo test --locked --package ai-bridge --features native --test native

# Both in the dev profile, which is optimized enough for tests (see Cargo.toml). The benchmark builds the mock itself.
.PHONY: mock-upstream
mock-upstream: prerequisites
	cargo build --locked --package mock-upstream

.PHONY: chaos-program
chaos-program: prerequisites
	cargo build --locked --package chaos

.PHONY: tools
tools: $(TOOLS)/python.stamp $(TOOLS)/func-e.stamp

# crane pushes to registries and pulls from them, with the library that the gateways use to pull.
$(TOOLS)/crane.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(TOOLS)/python.stamp
	@tests/tools/install-go-program crane github.com/google/go-containerregistry/cmd/crane v0.22.1 1.25.0
	@touch $@

$(TOOLS)/registry.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(TOOLS)/python.stamp
	@tests/tools/install-go-program registry github.com/distribution/distribution/v3/cmd/registry v3.1.2 1.26.0
	@touch $@

# Fetches modules with Istio's own code.
$(TOOLS)/istio-fetch.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(wildcard tests/tools/istio-fetch/*) $(TOOLS)/python.stamp
	@tests/tools/install-go-program istio-fetch tests/tools/istio-fetch local 1.26.0
	@touch $@

# Istio's control plane, its agent's parts and istioctl, as tests use them: nine minutes of CPU, so not among the servers.
$(TOOLS)/istio-discovery.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(wildcard tests/tools/istio-discovery/*) $(TOOLS)/python.stamp
	@tests/tools/install-go-program istio-discovery tests/tools/istio-discovery local 1.26.0
	@touch $@

.PHONY: gateways
gateways: $(patsubst %,$(TOOLS)/%.stamp,istio-discovery envoy-gateway registry crane) ## Istio's control plane and Envoy Gateway, for the tests of envoy/istio and envoy/envoy-gateway: about 20 minutes of CPU, 440 MB.

.PHONY: envoys
envoys: $(TOOLS)/python.stamp ## Older Envoys, for the tests of the dynamic module in them: 180 MB.
	@tests/tools/install-envoys 1.38.3 1.39.0

.PHONY: servers
servers: $(patsubst %,$(TOOLS)/%.stamp,ratelimit registry crane istio-fetch) ## Prometheus, Redis, the rate limit service and a registry, which some tests use (Debian packages: needs root).
	@tests/tools/install-servers

$(TOOLS)/envoy-gateway.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(TOOLS)/python.stamp
	@tests/tools/install-go-program envoy-gateway github.com/envoyproxy/gateway/cmd/envoy-gateway v1.9.1 1.26.7
	@touch $@

.PHONY: sdks
sdks: $(TOOLS)/sdk-python.stamp $(TOOLS)/sdk-javascript.stamp

$(TOOLS)/python.stamp: tests/tools/requirements.txt tests/tools/xds-requirements.txt tests/tools/install-python | prerequisites
	@tests/tools/install-python
	@touch $@

$(TOOLS)/func-e.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(TOOLS)/python.stamp
	@tests/tools/install-go-program func-e github.com/tetratelabs/func-e/cmd/func-e v1.6.0 1.26.2
	@$(TOOLS)/func-e --version >/dev/null
	@touch $@

# Envoy's reference rate limit service: it has no releases, so a commit is pinned.
$(TOOLS)/ratelimit.stamp: tests/tools/install-go-program tests/tools/go-requirements.txt $(TOOLS)/python.stamp
	@tests/tools/install-go-program ratelimit github.com/envoyproxy/ratelimit/src/service_cmd v1.4.1-0.20260122083618-3fb702589d36 1.25.6
	@touch $@

$(TOOLS)/sdk-python.stamp: tests/tools/install-sdks tests/transcripts/requirements.txt | prerequisites
	@tests/tools/install-sdks python
	@touch $@

# install-sdks writes the stamp itself: if the JavaScript SDKs could not be installed, the next run tries again.
$(TOOLS)/sdk-javascript.stamp: tests/sdk/package.json tests/sdk/package-lock.json tests/sdk/node-requirements.txt $(TOOLS)/sdk-python.stamp
	@tests/tools/install-sdks javascript

# npm-install writes the stamp itself, too. Without it the tests are skipped and say why.
$(TOOLS)/agents.stamp: tests/agents/package.json tests/agents/package-lock.json tests/tools/npm-install $(TOOLS)/sdk-python.stamp
	@tests/tools/npm-install agents tests/agents

# A newer release: change its version in package.json, `npm install --package-lock-only --ignore-scripts` there, AGENTS=--write.
$(TOOLS)/agents-python.stamp: tests/agents/requirements.txt tests/tools/install-sdks | prerequisites
	@tests/tools/install-sdks agents
	@touch $@

$(TOOLS)/cargo-deny.stamp: tests/tools/install-cargo-deny | prerequisites
	@tests/tools/install-cargo-deny
	@touch $@
