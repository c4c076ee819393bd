# The two commands of the README are `make demo` and `make test`; both set up all that they need.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME_STAMP := $(VENV)/.runtime-stamp
DEV_STAMP := $(VENV)/.dev-stamp

.PHONY: help setup setup-dev demo run test check bench test-real lock screenshots clean

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Badday needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUNTIME_STAMP)
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(RUNTIME_STAMP) ## Make .venv from the hash-pinned lock file

setup-dev: $(DEV_STAMP)

demo: setup ## Try Badday in the browser, without Slack
	@$(BIN)/badday demo $(ARGS)

run: setup ## Run the bot with badday.yaml and .env
	@$(BIN)/badday run $(ARGS)

check: setup-dev ## Lint, format, types, import contracts, migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.check_migrations

test: check ## Run every check and every test
	@$(BIN)/python -m pytest -m "not real" -n $(JOBS) --dist loadfile $(ARGS)

test-real: setup-dev ## Opt-in: tests against real third-party programs and recordings
	@$(BIN)/python -m pytest -m real $(ARGS)

bench: setup-dev ## Print the benchmarks (FULL=1: large sizes, PEERS=1: beside installed peers)
	@$(BIN)/python -m benchmarks

screenshots: setup-dev ## Make the README's picture from the demo
	@$(BIN)/python docs/screenshots.py

lock: ## Renew the lock files (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml --extra postgres --extra demo --group build -o requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml --extra postgres --extra demo --group build --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove what was built
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
