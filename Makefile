# The two commands of the README are `make paper_tables` and `make test`.
# Both need Python 3.11, a C++ compiler and make; everything else goes into .venv at the versions of requirements.lock.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
# Paths from this folder, whose own name may then hold spaces and anything else.
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# Snakemake, matplotlib, torch and Triton cache below HOME; one that cannot be written to is replaced.
HOMED := { [ -d "$${HOME:-}" ] && mkdir -p "$$HOME/.cache" && [ -w "$$HOME/.cache" ]; } 2> /dev/null || \
	{ export HOME="$$(cd $(VENV) && pwd)/home"; mkdir -p "$$HOME"; };
# Modules rather than pip's scripts, whose first line holds a path; children find the environment's programs.
RUN := $(HOMED) PATH="$$(cd $(BIN) && pwd):$$PATH" $(BIN)/python -m
# What `make` passes on to snakemake and pytest, e.g. make paper_tables SNAKEMAKE_ARGS="--configfile config/multi30k.yaml"
SNAKEMAKE_ARGS ?=
PYTEST_ARGS ?=
# And to the benchmarks and the bundle, e.g. make bench BENCH_ARGS="--only training"
BENCH_ARGS ?=
BUNDLE_ARGS ?=
# And to the kills and the fuzzing, e.g. make fuzz FUZZ_ARGS="--only tier"
TORTURE_ARGS ?=
# What the kills are made over: every kind of rule that computes, in a quarter of the demo's jobs.
TORTURE := table2 table3 results/demo/demo.iwslt14.de-en/janus-paper/seed-1/compare/nar-cmlm.json \
	results/demo/demo.personachat.src-tgt/floors/dull.json
FUZZ_ARGS ?=
# And to the mutation tool, e.g. make mutants MUTANTS_ARGS="model/attention --share 0.2", and to the rehearsal
MUTANTS_ARGS ?=
REHEARSE_ARGS ?=

.PHONY: help paper_tables paper_figures report check lint test test-fast rehearse bench mutants torture fuzz sbom audit-deps gpu-bundle audit clean

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

paper_tables: $(INSTALLED) ## Run the suite and write every table to results/<tier>/tables.
	@$(RUN) snakemake --cores all paper_tables $(SNAKEMAKE_ARGS)

paper_figures: $(INSTALLED) ## Run the suite and write every figure to results/<tier>/figures.
	@$(RUN) snakemake --cores all paper_figures $(SNAKEMAKE_ARGS)

report: $(INSTALLED) ## Run the suite and write the page to send: results/<tier>/report/<tier>.html and .zip.
	@$(RUN) snakemake --cores all report_page $(SNAKEMAKE_ARGS)

check: lint test ## Run the linter and the tests.

lint: $(INSTALLED) ## Check style, spelling, and the types of the core.
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) snakefmt --check Snakefile workflow
	@$(RUN) snakemake --lint > $(VENV)/lint.txt 2>&1 || { cat $(VENV)/lint.txt; exit 1; }
	@$(RUN) codespell_lib
	@$(RUN) mypy

# Processes that run tests at once, a file of them each: more than two cores, since some wait for clocks and for children.
TEST_PROCESSES ?= 3
TEST := pytest -q -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

test: $(INSTALLED) ## Run the tests; PYTEST_ARGS=tests/model names some of them.
	@export OMP_NUM_THREADS=1; $(RUN) $(if $(strip $(PYTEST_ARGS)),pytest -q,$(TEST)) $(PYTEST_ARGS)

test-fast: $(INSTALLED) ## Run the tests without a marker: less than two minutes on two cores.
	@export OMP_NUM_THREADS=1; $(RUN) $(TEST) -m "not slow and not gpu and not slurm and not browser" $(PYTEST_ARGS)

rehearse: $(INSTALLED) ## Run every tier's whole workflow in small; REHEARSE_ARGS="--configfile FILE" names one.
	@"$(BIN)/python" -m janus rehearse $(REHEARSE_ARGS)

bench: $(INSTALLED) ## Measure training, decoding and the operators; results/bench holds the table.
	@$(RUN) janus.bench $(BENCH_ARGS)

mutants: $(INSTALLED) ## Change the core one place at a time and see which changes no test notices (hours; docs/mutants.md).
	@PATH="$(BIN):$$PATH" PYTHONPATH=tests:. OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 nice -n 10 python -m mutation.run $(MUTANTS_ARGS)

torture: $(INSTALLED) ## Kill a run of the demo 50 times and more, in every kind of rule, and compare (an hour; docs/kills.md).
	@PATH="$(BIN):$$PATH" PYTHONPATH=tests:. python tests/kill_many.py --kills 50 --each 3 --configfile config/demo.yaml --targets $(TORTURE) $(TORTURE_ARGS)

fuzz: $(INSTALLED) ## Give every reader faulty files, 100,000 in all (about an hour; docs/security.md).
	@PATH="$(BIN):$$PATH" PYTHONPATH=tests:. OMP_NUM_THREADS=1 python -m fuzz.run $(FUZZ_ARGS)

sbom: $(INSTALLED) ## Write sbom.json, the bill of materials of the locked packages in CycloneDX.
	@$(RUN) janus.records.sbom > sbom.json.part && mv sbom.json.part sbom.json

# A tool of its own environment: none of the suite's packages depends on it.
audit-deps: $(INSTALLED) ## Ask for known vulnerabilities of the locked packages (needs a network).
	@"$(PYTHON)" -m venv $(VENV)/audit && $(VENV)/audit/bin/python -m pip --disable-pip-version-check -qq install 'pip-audit>=2.7,<3'
	@$(VENV)/audit/bin/python -m pip_audit --disable-pip --no-deps -r requirements.lock -r requirements-parquet.lock

gpu-bundle: $(INSTALLED) ## Pack what a GPU host without a network lacks (see kernels/bench/gpu.sh).
	@$(RUN) janus.bench.bundle gpu-bundle $(BUNDLE_ARGS)

audit: $(INSTALLED) ## Check the paper's numbers against each other.
	@$(RUN) janus audit

clean: ## Remove what the set-up made; results stay.
	rm -rf $(VENV) .pytest_cache *.egg-info

$(INSTALLED): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { echo "make: $(PYTHON) is not installed; install Python 3.11, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@command -v $${CXX:-c++} > /dev/null || { echo "make: no C++ compiler; install one (Debian: apt-get install g++)" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock: 3 to 10 minutes, once."
	@"$(PYTHON)" -m venv --clear $(VENV)
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
