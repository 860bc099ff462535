# Everything a fresh machine needs is installed by the first target that runs: Python 3.11+ and make are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Workers of the tests: a file stays with one, since modules share what is slow to start. Each worker starts a control
# plane when the first test needs one, which costs a fifth of a processor until the end: so these tests come last.
WORKERS ?= 3
# Tests of e2e side by side: each has an operator and a local SageMaker of its own, and mostly waits.
LANES ?= 4

.PHONY: help setup compiled demo test e2e bench lint format crds images reference lock clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Install the locked dependencies into .venv

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing the locked dependencies into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --requirements requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

# Demo and tests start our programs hundreds of times, also where Python is told to write no bytecode.
compiled: $(READY)
	@$(BIN)/python -m compileall -q operator local

lock: ## Resolve the dependencies again: all of them, and the operator image's own
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock' --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra operator --universal --python-version 3.11 --constraints requirements.lock --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock' --output-file requirements-operator.lock

images: $(READY) ## Generate the table of AWS's container images from sagemaker-core
	$(BIN)/python tools/generate_images.py

crds: $(READY) ## Write the CRDs again, their reference pages and the chart's copy
	$(BIN)/python -m sagebridge.schema.generate crds/ --reference docs/reference/
	rm -f helm/sagebridge/files/crds/*.yaml
	cp crds/*.yaml helm/sagebridge/files/crds/

reference: $(READY) ## Write the reference pages of the settings and metrics again
	$(BIN)/python tools/generate_settings.py
	$(BIN)/python -m sagebridge.metrics docs/reference/metrics.md

demo: compiled ## Train, tune, predict and serve for real, show what happens, and check it (DEMO=--help for its options)
	@$(BIN)/python -m sagebridge_local.demo $(DEMO)

lint: $(READY) ## What CI checks before the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Format and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: lint compiled ## Lint and all tests
	@$(BIN)/python -m sagebridge_local.golang
	$(BIN)/pytest tests/unit tests/integration -n $(WORKERS) --dist loadfile --no-loadscope-reorder

e2e: compiled ## The demo as a stranger runs it, and the operator under faults (docs/testing.md)
	@$(BIN)/python -m sagebridge_local.golang
	$(BIN)/pytest e2e -n $(LANES) --dist worksteal

bench: compiled ## Measure, beside the baselines, and write docs/benchmarks.md (half an hour)
	@$(BIN)/python -m sagebridge_local.golang
	$(BIN)/python bench $(BENCH)

clean: ## Remove what the targets made (not the user's caches)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis work
