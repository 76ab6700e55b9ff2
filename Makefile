# make demo   fit a bundled sound on a fresh machine, print the verdict and the report's path
# make test   pass the whole suite on a fresh machine
#
# Both set up .venv first, which takes a few minutes once. PYTHON=python3.12 chooses the interpreter,
# SOUND=data/oboe-phrase.flac another sound, PYTEST_ARGS='-m "not slow"' a shorter suite.

PYTHON ?= python3
SOUND ?= data/trumpet-a4.flac
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_TEST := $(VENV)/.installed-test
STAMP_DEV := $(VENV)/.installed-dev
STAMP_BENCHMARK := $(VENV)/.installed-benchmark

.PHONY: demo test lint benchmark clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/ddsp-match fit $(SOUND) --output outputs/demo --force

test: $(STAMP_TEST)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP_DEV)
	$(BIN)/ruff check .
	$(BIN)/pyright

benchmark: $(STAMP_BENCHMARK)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "found: no $(PYTHON); needed: Python 3.11 or newer; try: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "found: $$($(PYTHON) --version 2>&1); needed: Python 3.11 or newer; try: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "found: $(PYTHON) without venv; needed: its venv module; try: apt-get install python3-venv" >&2; exit 2; }
	@echo "setting up $(VENV): some minutes, once"
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMP_TEST): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(STAMP)

$(STAMP_BENCHMARK): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[benchmark]'
	@touch $@ $(STAMP)

$(STAMP_DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	@touch $@ $(STAMP_TEST) $(STAMP)
