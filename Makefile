# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEBIAN_PACKAGES := gcc make pkg-config python3-dev python3-venv libasound2-dev libsystemd-dev
CARD ?=

.DEFAULT_GOAL := help
.PHONY: help deps venv lint format test demo bench softcard softcard-check check-wheel docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install the Debian packages that building needs (asks sudo if not root)
	@.ci/install-packages $(DEBIAN_PACKAGES)

$(STAMP): requirements/dev.txt pyproject.toml | deps
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --use-pep517 --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

venv: $(STAMP) ## make .venv with the locked development dependencies

lint: venv ## formatting, style, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	git ls-files -z --cached --others --exclude-standard '*.py' | xargs -0 $(BIN)/flake8-async --startable-in-context-manager=run
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## apply formatting and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: venv ## every fast test
	$(BIN)/python -m pytest

check-wheel: venv ## prove that an installed wheel finds its files without the source tree
	.ci/check-wheel

softcard: ## build the software sound card
	$(MAKE) --no-print-directory -C tests/softcard

softcard-check: softcard ## look for leaks in it
	$(MAKE) --no-print-directory -C tests/softcard check

lock: venv ## resolve the development dependencies anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --all-extras \
		--group dev --custom-compile-command "make lock" --output-file requirements/dev.txt pyproject.toml

docs: venv ## draw the generated parts of docs/ anew
	$(BIN)/python -m tests.docs.state_diagram
	$(BIN)/python -m gatewayd.configuration.reference docs/configuration.md

clean: ## remove what was built
	rm -rf $(VENV) build dist
