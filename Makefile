SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TOOLS := .tools
TOOLS_STAMP := $(TOOLS)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow test-isas test-oldest test-pythons lint docs wheel-test places image-steps changes changes-write release-check clean \
  fuzz faults vendor-igv
.DEFAULT_GOAL := help

help:  ## Say what there is to make
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
	  || sed -nE 's/^([a-z-]+):.*## (.*)/  make \1: \2/p' Makefile

$(STAMP): pyproject.toml setup.py constraints.txt
	@[ -x $(BIN)/pip ] || { echo "Creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	echo "Installing kipoi-tfb and its dependencies into $(VENV) (minutes the first time)"
	$(BIN)/python -m pip install -qq --no-compile --editable '.[dev]' --constraint constraints.txt
	touch $(STAMP)

# What stands beside the package has an environment of its own, so that it shares no dependency with it.
$(TOOLS_STAMP): .ci/tools.txt
	@[ -x $(TOOLS)/bin/pip ] || $(PYTHON) -m venv $(TOOLS)
	echo "Installing the tools of .ci/tools.txt into $(TOOLS)"
	$(TOOLS)/bin/python -m pip install -qq --requirement .ci/tools.txt
	touch $(TOOLS_STAMP)

demo: $(STAMP)  ## Set up .venv, then run the demonstration
	@$(BIN)/tfb demo

test: lint  ## Set up .venv, then run the linters, the type checker and the tests
	@echo "pytest"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

test-slow: $(STAMP)  ## Run the tests that `make test` leaves out, but for those of fuzz and faults
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow --ignore tests/fuzz --ignore tests/faults

test-isas: $(STAMP)  ## Run the tests that compare bytes as if on older processors, with one thread and two
	@.ci/test_isas

test-oldest:  ## Run the core tests with the oldest libraries that pyproject.toml admits, in an environment made for it
	@$(PYTHON) .ci/elsewhere.py oldest

test-pythons:  ## Run the core tests under every Python of pyproject.toml that this machine has
	@$(PYTHON) .ci/elsewhere.py pythons

lint: $(STAMP)  ## Run ruff, mypy and import-linter
	@echo "ruff check, ruff format --check, mypy, lint-imports"
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet . \
	  || { $(BIN)/ruff format --check . || true; echo "To fix: $(BIN)/ruff format ."; exit 1; }
	$(BIN)/mypy --no-error-summary
	imports=$$($(BIN)/lint-imports) || { echo "$$imports"; exit 1; }

docs: $(STAMP)  ## Build the site of the docs into site/, strictly, all its links checked
	@$(BIN)/python -c "import ipykernel, jupytext, material, mkdocs, mkdocstrings, nbclient" 2>/dev/null \
	  || $(BIN)/python -m pip install -qq --no-compile --editable '.[dev,docs]' --constraint constraints.txt \
	  || { echo "the site needs the extra docs: pip install -e '.[docs]' -c constraints.txt"; exit 1; }
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	echo "site/index.html (open it in a browser; search works without a network)"

MUTANTS ?= 5000
KILLS ?= 102
SEED ?= 1

fuzz: $(STAMP)  ## Damage thousands of inputs and check what comes of them (MUTANTS=5000 SEED=1)
	@TFB_FUZZ_MUTANTS=$(MUTANTS) TFB_FUZZ_SEED=$(SEED) OMP_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -q -s -m slow tests/fuzz

faults: $(STAMP)  ## Kill commands at any moment and give them again (KILLS=102 SEED=1)
	@TFB_FAULTS_KILLS=$(KILLS) TFB_FAULTS_SEED=$(SEED) OMP_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -q -s -m slow tests/faults

# The wheel goes by way of the sdist, as a release would, so that leftovers in build/ cannot get into it.
wheel-test: $(STAMP)  ## Build the wheel, install it into a clean venv elsewhere, and use it there
	@tmp=$$(mktemp -d)
	trap 'rm -rf "$$tmp"' EXIT
	echo "Building the wheel"
	$(BIN)/python -m build --outdir "$$tmp/dist" . >"$$tmp/build.log" 2>&1 || { cat "$$tmp/build.log"; exit 1; }
	echo "Installing it into a clean environment"
	$(BIN)/python -m venv "$$tmp/venv"
	"$$tmp/venv/bin/python" -m pip install -qq --no-compile --constraint constraints.txt "$$tmp"/dist/*.whl
	repo=$$PWD
	mkdir "$$tmp/home" "$$tmp/elsewhere"
	cd "$$tmp/elsewhere"
	export HOME="$$tmp/home" PATH="$$tmp/venv/bin:$$PATH"
	python "$$repo/.ci/check_wheel.py" "$$repo"
	for command in "--help" "zoo ls" "zoo verify --all"; do
	  echo "tfb $$command"
	  tfb $$command >"$$tmp/out.log" 2>&1 || { cat "$$tmp/out.log"; echo "failed: tfb $$command"; exit 1; }
	done
	echo "The wheel works"

vendor-igv:  ## Fetch igv.js, of the release that kipoi_tfb/report/igv.py says, into the assets of reports (npm)
	@.ci/vendor_igv

places: $(STAMP) $(TOOLS_STAMP)  ## Lint Dockerfile and conda recipe, and run the Snakemake workflow on the example
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/places

image-steps:  ## Run every step of Dockerfile and conda recipe in overlays of this machine (root)
	@$(PYTHON) .ci/image_steps.py

VERSION = $$(sed -n 's/^__version__ = "\(.*\)"/\1/p' kipoi_tfb/__init__.py)

changes: $(TOOLS_STAMP)  ## Show what the fragments of changes/ will say in CHANGELOG.md
	@$(TOOLS)/bin/towncrier build --draft --version $(VERSION)

changes-write: $(TOOLS_STAMP)  ## Move the fragments of changes/ into CHANGELOG.md, with today's date
	@$(TOOLS)/bin/towncrier build --yes --version $(VERSION)

FINAL ?=

release-check: $(TOOLS_STAMP)  ## Rehearse a release: version, sdist, wheel, twine check, notes (FINAL=yes: nothing left open)
	@$(TOOLS)/bin/python .ci/release.py $(if $(FINAL),--final)

clean:  ## Remove .venv, .tools, caches and what was built
	@rm -rf $(VENV) $(TOOLS) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo-output
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
