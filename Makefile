# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEBIAN_PACKAGES := gcc make pkg-config python3-dev python3-venv libasound2-dev libsystemd-dev openssl
CARD ?=
DEMO_OPTIONS ?=
DEB_ARCH ?=
DEB_PACKAGES := mmdebstrap systemd-container
SYSTEM_PACKAGES := mmdebstrap systemd-container iproute2
KERNEL_PACKAGES := qemu-system-x86 mmdebstrap cpio kmod
TIERS ?= faults crowd endurance journal
# The pure layer, and the tests that cover it to the last branch.
PURE := gatewayd.audio gatewayd.configuration \
	$(addprefix gatewayd.session.,causes digest ends events machine messages policy tokens transitions) \
	$(addprefix gatewayd.control.,events pace protocol schema status_line) \
	$(addprefix gatewayd.hardware.,claims detection failures inventory matching mixing offers proc_asound profile \
	profile_page profile_rules profile_schema profile_text profiles recovery resolve settings station_rules) \
	$(addprefix gatewayd.metrics.,catalogue collecting family measurements reading) \
	$(addprefix gatewayd.,addresses cloud.portal cloud.retry_after errors failures lean message_ids progress redaction \
	repetitions system.fields text)
PURE_TESTS := $(addprefix tests/,audio configuration control detection hardware_mixing hardware_profiles session \
	cloud/test_heartbeat.py cloud/test_retry_after.py hardware/test_failures.py metrics/test_exposition.py \
	metrics/test_measurements.py station/test_ladder.py system/test_fields.py system/test_journal_catalog.py \
	test_errors.py test_failures.py test_lean.py test_progress.py test_redaction.py test_repetitions.py test_text.py)

.DEFAULT_GOAL := help
.PHONY: help deps venv lint format test test-tiers test-kernel test-system coverage fuzz demo bench softcard softcard-check check-wheel docs install uninstall deb check-deb check-deb-arm64 lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
	git ls-files -z --cached --others --exclude-standard '*.py' | xargs -0 -n 150 -P 2 $(BIN)/flake8-async --startable-in-context-manager=run
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

test-system: deb softcard ## the installed unit under a real systemd, in a container (root, Debian 12)
	@.ci/install-packages $(SYSTEM_PACKAGES)
	$(BIN)/python -m tests.container

fuzz: venv ## ten million hostile messages
	FUZZ_MESSAGES=10000000 $(BIN)/python -m pytest tests/tiers/endurance/test_fuzz_messages.py -s

demo: venv softcard ## a whole conversation, measured; CARD=hw:... uses a real card
	$(BIN)/python -m tests.demo $(if $(CARD),--card $(CARD)) $(DEMO_OPTIONS)

bench: venv softcard ## ratios side by side; needs an otherwise idle machine
	$(BIN)/python bench/conversion.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.health
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.capture

install: venv ## install what this tree holds; PREFIX=/usr/local ENVIRONMENT=/opt/gatewayd DESTDIR= PYTHON=python3
	installation/install

uninstall: ## remove what make install put there, with the same variables; /etc/gatewayd stays
	installation/install remove

deb: venv ## the Debian package, in dist/; DEB_ARCH=amd64 or arm64
	installation/deb $(DEB_ARCH)

check-deb: deb ## install, upgrade, remove and purge the package in a clean Debian 12 (root)
	@.ci/install-packages $(DEB_PACKAGES)
	$(BIN)/python -m pytest tests/tiers/package/test_package.py

check-deb-arm64: ## the same package for arm64: cross-built, started under emulation (root)
	$(MAKE) --no-print-directory deb DEB_ARCH=arm64
	@.ci/install-packages $(DEB_PACKAGES) qemu-user-static
	$(BIN)/python -m pytest tests/tiers/package/test_arm64.py

lock: venv ## resolve the development dependencies anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --all-extras \
		--group dev --custom-compile-command "make lock" --output-file requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
		--constraint requirements/dev.txt --custom-compile-command "make lock" \
		--output-file requirements/runtime.txt pyproject.toml

docs: venv ## draw the generated parts of docs/ anew
	$(BIN)/python -m tests.docs.state_diagram
	$(BIN)/python -m gatewayd.configuration.reference docs/configuration.md
	$(BIN)/python -m gatewayd.hardware.profile_page docs/hardware.md
	$(BIN)/python -m tests.metrics.page
	$(BIN)/python -m tests.tiers.faults.page

clean: ## remove what was built
	rm -rf $(VENV) build dist
