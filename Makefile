# Everything that people and CI run. Each target installs what it needs first; nothing is written outside git-ignored paths.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

# The locks hold for 3.11; a newer Python is taken where there is no other.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PACKAGES := ragpulse.schemas ragpulse.streams ragpulse.client ragpulse.agents ragpulse.console
SOURCES := schemas streams agents console
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
COMPILE := CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --build-deps-for wheel --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help
help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target text; do
	  printf '  make %-9s %s\n' "$$target" "$$text"
	done

.PHONY: setup
setup: system package ## Install what is missing: Java, Maven, a virtual environment with the locked packages

.PHONY: demo
demo: setup ## Run everything on this machine: broker, load, a breach, and the alert that follows
	@exec $(BIN)/ragpulse demo

.PHONY: dev
dev: setup ## Run the broker and all workers, without load, until Ctrl-C
	@exec $(BIN)/ragpulse dev

.PHONY: test
test: setup check ## Run the checks and all tests that take less than a minute each
	@$(BIN)/python -m pytest -m 'not slow'

.PHONY: test-all
test-all: setup check ## Run the checks and all tests
	@$(BIN)/python -m pytest

.PHONY: check
check: package ## Run formatter, linter, type checker and import contracts; change nothing
	@$(BIN)/ruff format --quiet --check --output-format concise . || { echo 'Not formatted: run "make format".' >&2; exit 1; }
	$(BIN)/ruff check --quiet --output-format concise .
	# The type checker sees the files where they are installed; name them as they are in the repository.
	installed='build/__editable__[^/]*/ragpulse/'
	$(BIN)/mypy $(PACKAGES:%=-p %) | sed -e "s#$${installed}client/#agents/client/#" -e "s#$$installed##"
	$(BIN)/mypy tests $(if $(wildcard benchmarks/*.py),benchmarks) | sed -e "s#$${installed}client/#agents/client/#" -e "s#$$installed##"
	$(BIN)/lint-imports --no-logo | tail -n 3

.PHONY: format
format: package ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

.PHONY: bench
bench: setup ## Measure against the peers, side by side in one run; each prints a ratio
	@exec $(BIN)/python benchmarks

.PHONY: golden
golden: package ## Write the golden files and generated documents anew; look at the difference before you commit
	@$(BIN)/python -m pytest -q -m golden --update-golden

.PHONY: lock
lock: package ## Resolve the requirement files anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) $(UPGRADE) --extra worker --extra dev --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --extra worker --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml

.PHONY: clean
clean: ## Remove the virtual environment and all that was generated
	@rm -rf .venv build dist ragpulse.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis benchmarks/out
	find $(SOURCES) tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# What must come from the system: Java for the broker, Maven to fetch its jars, venv to build the environment.
.PHONY: system
system:
	@missing=()
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
	  { echo 'ragpulse needs Python 3.11 or newer as python3.11 or python3 (or name one: make PYTHON=...).' >&2; exit 69; }
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null ||
	  missing+=("$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
	java=$$(java -version 2>&1 | sed -nE '1s/.*version "([0-9]+).*/\1/p' || true)
	[ "$${java:-0}" -ge 17 ] || missing+=(openjdk-17-jre-headless)
	command -v mvn >/dev/null || missing+=(maven)
	[ $${#missing[@]} -gt 0 ] || exit 0
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	  echo "Missing: $${missing[*]} (Debian's names). Install them, or run make as root on Debian or Ubuntu." >&2
	  exit 69
	fi
	echo "setup: installing $${missing[*]} with apt-get"
	log=$$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get -qq update && apt-get -qq install -y --no-install-recommends "$${missing[@]}"; } >"$$log" 2>&1 </dev/null ||
	  { tail -n 20 "$$log" >&2; echo "apt-get could not install $${missing[*]}; its whole output is in $$log." >&2; exit 69; }
	rm -f "$$log"

.venv/requirements: requirements-dev.txt | system
	@echo 'setup: installing the locked Python packages into .venv'
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements-dev.txt
	touch $@

# A strict editable install links every file, so that type checkers see it; a new file needs a new install. The list of
# files lies beside the links, so that it is gone when they are.
.PHONY: package
package: .venv/requirements
	@files=$$(find $(SOURCES) -type f ! -name '*.pyc' | sort | cat - pyproject.toml | sha256sum)
	[ "$$files" != "$$(cat build/installed-files 2>/dev/null || true)" ] || exit 0
	# setuptools warns at length that the links must stay.
	PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=strict --editable .
	echo "$$files" > build/installed-files
