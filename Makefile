# What developers do. Works in the active virtual environment, or makes one in .venv.

PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN = $(abspath $(VENV))/bin
NATIVE = core_ext._core packengine.pktline packengine.sideband packengine.refs.leaf packengine.refs.listing packengine.kernel._linux

export PATH := $(BIN):$(PATH)

.PHONY: help dev test lint lint-python lint-rust ruff mypy imports rustfmt clippy stubtest format audit bench fuzz clean

help:
	@echo 'make dev      install everything editable; again after a change of .rs, .pyx or cffi sources'
	@echo 'make test     all tests, Python and Rust'
	@echo 'make lint     formatters, linters and type checkers, changing nothing'
	@echo 'make format   let the formatters change the files'
	@echo 'make audit    licences and sources of the Rust crates (needs cargo-deny)'
	@echo 'make bench    benchmarks beside stock Git, and their gates'
	@echo 'make fuzz     each fuzz target for a short while'

# Editable installs do not watch native sources: touching the stamp of a build is not enough, so both are built anew.
dev: $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ./core_ext --editable ./client --editable '.[dev]'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

test:
	pytest
	cd core_ext && cargo test --workspace --quiet

lint: lint-python lint-rust stubtest

lint-python: ruff mypy imports

lint-rust: rustfmt clippy

ruff:
	ruff check
	ruff format --check

mypy:
	mypy

imports:
	lint-imports

rustfmt:
	cd core_ext && cargo fmt --all --check

clippy:
	cd core_ext && cargo clippy --workspace --all-targets --quiet -- -D warnings

# Whether the hand-written .pyi files tell the truth about the compiled modules.
stubtest:
	python -m mypy.stubtest --allowlist .ci/stubtest-allowlist.txt $(NATIVE)

format:
	ruff check --fix
	ruff format
	cd core_ext && cargo fmt --all

audit:
	cd core_ext && cargo deny check bans licenses sources

bench:
	python -m benchmarks

fuzz:
	fuzz/run

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find packengine \( -name '*.so' -o -name '*.c' \) -delete
