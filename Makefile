# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEBIAN_PACKAGES := gcc make pkg-config python3-dev python3-venv libasound2-dev libsystemd-dev openssl
CARD ?=
DEMO_OPTIONS ?=
KERNEL_PACKAGES := qemu-system-x86 mmdebstrap cpio kmod
TIERS ?= faults crowd endurance
PURE := gatewayd.audio gatewayd.configuration gatewayd.session gatewayd.control.protocol gatewayd.control.schema \
	gatewayd.cloud.portal gatewayd.cloud.retry_after gatewayd.addresses gatewayd.text gatewayd.errors gatewayd.failures \
	$(addprefix gatewayd.hardware.,claims detection failures inventory matching mixing offers proc_asound profile \
	profile_page profile_rules profile_schema profile_text profiles recovery resolve settings station_rules)
PURE_TESTS := tests/audio tests/configuration tests/session tests/hardware_profiles tests/detection tests/control \
	tests/hardware/test_failures.py tests/hardware_mixing tests/station/test_ladder.py tests/cloud/test_retry_after.py tests/cloud/test_heartbeat.py tests/test_text.py \
	tests/test_errors.py tests/test_failures.py

.DEFAULT_GOAL := help
.PHONY: help deps venv lint format test test-tiers test-kernel coverage fuzz demo bench softcard softcard-check check-wheel docs lock clean

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

coverage: venv ## the pure layer is covered to the last branch by its own tests
	$(BIN)/python -m pytest --quiet $(PURE_TESTS) $(PURE:%=--cov=%) --cov-branch --cov-report=term:skip-covered --cov-fail-under=100

test-tiers: venv softcard ## what takes longer: faults, crowds, endurance (as root: real packet loss)
	$(BIN)/python -m pytest $(addprefix tests/tiers/,$(TIERS))

test-kernel: venv ## gatewayd on a real kernel in an emulated machine (root, Debian, x86-64, Python 3.11)
	@.ci/install-packages $(KERNEL_PACKAGES)
	$(BIN)/python -m tests.vm

fuzz: venv ## ten million hostile messages
	FUZZ_MESSAGES=10000000 $(BIN)/python -m pytest tests/tiers/endurance/test_fuzz_messages.py -s

demo: venv softcard ## a whole conversation, measured; CARD=hw:... uses a real card
	@# compiled beforehand, as an installed package is: compiling while it runs would count as the daemon's memory
	@$(BIN)/python -m compileall -q gatewayd
	$(BIN)/python -m tests.demo $(if $(CARD),--card $(CARD)) $(DEMO_OPTIONS)

bench: venv softcard ## ratios side by side; needs an otherwise idle machine
	$(BIN)/python bench/conversion.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.health
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.capture

lock: venv ## resolve the development dependencies anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --all-extras \
		--group dev --custom-compile-command "make lock" --output-file requirements/dev.txt pyproject.toml

docs: venv ## draw the generated parts of docs/ anew
	$(BIN)/python -m tests.docs.state_diagram
	$(BIN)/python -m gatewayd.configuration.reference docs/configuration.md
	$(BIN)/python -m gatewayd.hardware.profile_page docs/hardware.md
	$(BIN)/python -m tests.tiers.faults.page

clean: ## remove what was built
	rm -rf $(VENV) build dist
