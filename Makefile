# The two commands of the README are `make paper_tables` and `make test`.
# Both need Python 3.11, a C++ compiler and make; everything else goes into .venv at the versions of requirements.lock.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(abspath $(VENV)/bin)
INSTALLED := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# What `make` passes on to snakemake and pytest, e.g. make paper_tables SNAKEMAKE_ARGS="--configfile config/multi30k.yaml"
SNAKEMAKE_ARGS ?=
PYTEST_ARGS ?=
# And to the benchmarks and the bundle, e.g. make bench BENCH_ARGS="--only training"
BENCH_ARGS ?=
BUNDLE_ARGS ?=

.PHONY: help paper_tables paper_figures test bench gpu-bundle audit clean

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

paper_tables: $(INSTALLED) ## Run the suite and write every table to results/<tier>/tables.
	@PATH="$(BIN):$$PATH" snakemake --cores all paper_tables $(SNAKEMAKE_ARGS)

paper_figures: $(INSTALLED) ## Run the suite and write every figure to results/<tier>/figures.
	@PATH="$(BIN):$$PATH" snakemake --cores all paper_figures $(SNAKEMAKE_ARGS)

test: $(INSTALLED) ## Run the tests.
	@PATH="$(BIN):$$PATH" python -m pytest -q $(PYTEST_ARGS)

bench: $(INSTALLED) ## Measure training, decoding and the operators; results/bench holds the table.
	@"$(BIN)/python" -m janus.bench $(BENCH_ARGS)

gpu-bundle: $(INSTALLED) ## Pack what a GPU host without a network lacks (see kernels/bench/gpu.sh).
	@"$(BIN)/python" -m janus.bench.bundle gpu-bundle $(BUNDLE_ARGS)

audit: $(INSTALLED) ## Check the paper's numbers against each other.
	@"$(BIN)/janus" audit

clean: ## Remove what the set-up made; results stay.
	rm -rf $(VENV) .pytest_cache *.egg-info

$(INSTALLED): requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "make: $(PYTHON) is not installed; install Python 3.11, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@command -v $${CXX:-c++} > /dev/null || { echo "make: no C++ compiler; install one (Debian: apt-get install g++)" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock: 3 to 10 minutes, once."
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "  1/3 packages (torch is the largest)"
	@grep -v -e '^fairseq-fixed==' -e '^#' requirements.lock > $(VENV)/first.txt
	@$(PIP) install -r $(VENV)/first.txt
	@echo "  2/3 fairseq, compiled here"
	@$(PIP) install --no-build-isolation --no-deps -r requirements.lock
	@echo "  3/3 this project"
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m pip check > /dev/null || { $(BIN)/python -m pip check; exit 1; }
	@touch $@
	@echo "Done."
