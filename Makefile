# `make` lists the targets. Everything is cargo underneath; this file puts the plugins where the
# exporter looks for them and knows the order of things.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
NIGHTLY ?= nightly
# The crates that hold the memory-unsafe or hand-encoded parts, without sockets or dlopen.
INNER := -p jumpstarter-value -p jumpstarter-completion -p jumpstarter-driver-abi

.DEFAULT_GOAL := help
.PHONY: help deps build release demo lab venv interop test lint fmt deny bench miri asan clean-venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install the Debian packages that building and testing need
	@scripts/deps.sh

build: ## build everything, plugins into target/debug/plugins
	$(CARGO) build --workspace
	@scripts/plugins.sh $(TARGET)/debug

release: ## the same, optimised, in target/release
	$(CARGO) build --workspace --release
	@scripts/plugins.sh $(TARGET)/release

demo: build ## start an exporter, switch its power, stop it
	@scripts/demo.sh $(TARGET)/debug

lab: build ## a controller and two exporters, until Ctrl-C; prints what to try
	@scripts/lab.sh $(TARGET)/debug

venv: ## make target/venv with the unmodified Python peer
	@scripts/venv.sh

interop: build venv ## our programs against the Python ones, both ways
	$(TARGET)/venv/bin/python -m pytest tests/python

test: build venv ## every test: the Python peer first, cargo's own closing lines last
	$(TARGET)/venv/bin/python -m pytest tests/python
	$(CARGO) test --workspace --no-fail-fast

lint: ## formatting, clippy and rustdoc, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

fmt: ## format
	$(CARGO) fmt --all

deny: ## licences, bans and sources; advisories too when their database is at hand
	@$(CARGO) fetch --locked >/dev/null 2>&1 || true # also what other platforms need
	$(CARGO) deny --offline check bans licenses sources
	@if $(CARGO) deny fetch db >/dev/null 2>&1 || $(CARGO) deny --offline check advisories >/dev/null 2>&1; \
	then $(CARGO) deny --offline check advisories; \
	else echo "deny: advisories were not checked: no network and no copy of the advisory database"; fi

bench: release venv ## speed, memory and start-up beside a bare server and the Python programs
	$(TARGET)/release/bench $(BENCH)

# Miri knows no recv(2), which the tests of abandoned descriptors need, and is slow with megabytes;
# those tests run under asan.
miri: ## undefined behaviour in the inner crates (needs: rustup +nightly component add miri rust-src)
	@if $(CARGO) +$(NIGHTLY) miri setup >/dev/null 2>&1; \
	then MIRIFLAGS="-Zmiri-disable-isolation" $(CARGO) +$(NIGHTLY) miri test --target-dir $(TARGET)/miri $(INNER) --lib \
	    -- --skip descriptor --skip lengths_of_every_size; \
	else echo "miri: not run; it needs: rustup +$(NIGHTLY) component add miri rust-src"; fi

asan: ## AddressSanitizer over the inner crates (needs the nightly toolchain)
	@if $(CARGO) +$(NIGHTLY) --version >/dev/null 2>&1; \
	then RUSTFLAGS="-Zsanitizer=address" $(CARGO) +$(NIGHTLY) test --target-dir $(TARGET)/asan \
	    --target "$$(rustc -vV | sed -n 's/^host: //p')" $(INNER) --lib; \
	else echo "asan: not run; it needs: rustup toolchain install $(NIGHTLY)"; fi
