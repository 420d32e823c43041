# decay-atlas. `make` alone prints what there is; every target sets up what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := envs/requirements.lock
READY := $(VENV)/.ready
CORES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help setup demo coverage test gallery slurm-test lint format lock clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## create .venv from the locked versions (done by the others when needed)

# The stamp is the lock it was made from: a second call does nothing, an edited lock syncs again.
$(READY): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "decay-atlas needs Python 3.11 or newer; name one with  make PYTHON=python3.12 …")'
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python $(LOCK)
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

demo: $(READY) ## train 360 small networks on handwritten digits and write the report
	$(BIN)/snakemake --cores $(CORES) --configfile studies/demo.yaml
	@echo "Open results/demo/report.html"

coverage: $(READY) ## simulate how often verdicts are right and intervals hold the truth (minutes)
	$(BIN)/snakemake --cores $(CORES) coverage
	@echo "Open results/coverage/coverage.html"

test: $(READY) ## run all tests
	$(BIN)/pytest -n 2 --dist loadgroup

gallery: $(READY) ## take the pictures in docs/gallery anew (needs Chromium)
	$(BIN)/snakemake --cores $(CORES) --configfile studies/demo.yaml
	$(BIN)/snakemake --cores $(CORES) --configfile studies/simulated.yaml
	$(BIN)/python -m tests.browser.gallery

slurm-test: $(READY) ## run a study on a SLURM that the tests start on this machine (as root)
	$(BIN)/python -m tests.slurm.cluster
	$(BIN)/pytest -n 2 tests/slurm

lint: $(READY) ## ruff, snakefmt, snakemake --lint, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy

format: $(READY) ## format everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

lock: $(READY) ## resolve the newest versions into the lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --upgrade --quiet -o $(LOCK)

clean: ## remove .venv and caches; results and data sets stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
