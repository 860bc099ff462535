# Everything a fresh machine needs is installed by the first target that runs: Python 3.11+ and make are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Workers of the tests: a file stays with one, since modules share what is slow to start. Each worker starts a control
# plane when the first test needs one, which costs a twentieth of a processor until the end: so these tests come last.
WORKERS ?= 3
# Tests of e2e side by side: each has an operator and a local SageMaker of its own, and mostly waits.
LANES ?= 4
# Real nodes side by side, each with an operator in it: their tests wait for containers most of the time.
NODES ?= 2

.PHONY: help setup compiled demo test e2e bench lint format crds images components reference lock clean
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
	@$(BIN)/python -m compileall -q operator local kfp_components

lock: ## Resolve the dependencies again: all of them, and those of each image
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock' --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra operator --universal --python-version 3.11 --constraints requirements.lock --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock' --output-file requirements-operator.lock
	$(BIN)/uv pip compile pyproject.toml --extra kfp --universal --python-version 3.11 --constraints requirements.lock --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock' --no-emit-package kfp-server-api --output-file requirements-kfp.lock

images: $(READY) ## Generate the table of AWS's container images from sagemaker-core
	$(BIN)/python tools/generate_images.py

crds: $(READY) ## Write the CRDs again, their reference pages and the chart's copy
	$(BIN)/python -m sagebridge.schema.generate crds/ --reference docs/reference/
	rm -f helm/sagebridge/files/crds/*.yaml
	cp crds/*.yaml helm/sagebridge/files/crds/

components: $(READY) ## Compile the pipeline components and write their reference pages again
	$(BIN)/python tools/generate_kfp_components.py

reference: $(READY) components ## Write the reference pages of the settings, metrics, instance types and components again
	$(BIN)/python tools/generate_settings.py
	$(BIN)/python tools/generate_instance_types.py
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

test: lint compiled ## Lint, unit and integration tests
	@$(BIN)/python -m sagebridge_local.golang
	$(BIN)/pytest tests/unit tests/kfp tests/integration -n $(WORKERS) --dist loadfile --no-loadscope-reorder

e2e: compiled ## The demo as a stranger runs it, the operator under faults, and a real node (docs/testing.md)
	@$(BIN)/python -m sagebridge_local.golang
	$(BIN)/pytest e2e --ignore=e2e/node --ignore=e2e/scale -n $(LANES) --dist worksteal
	$(BIN)/pytest e2e/scale
	@PYTHONPATH=e2e $(BIN)/python -m node
	$(BIN)/pytest e2e/node -n $(NODES) --dist worksteal

bench: compiled ## Measure, beside the baselines, and write docs/benchmarks.md (three quarters of an hour)
	@$(BIN)/python -m sagebridge_local.golang
	$(BIN)/python bench $(BENCH)

clean: ## Remove what the targets made (not the user's caches)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis work
