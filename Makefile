# Everything sets itself up: a virtual environment in .venv, made anew when the requirements change.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test lint audit check bench clean

help:
	@echo "make demo    set up, make a small project and open a labeling session"
	@echo "make test    set up and run the tests"
	@echo "make lint    format, lint, types, import contracts"
	@echo "make audit   known vulnerabilities in the pinned dependencies (needs pip-audit and a network; says so without)"
	@echo "make check   lint, audit and test: what CI runs"
	@echo "make bench   run every benchmark"

setup: $(READY)

$(READY): requirements-dev.txt pyproject.toml setup.py tui/picture/_sixel.pyx tui/picture/_wu.pyx
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

demo: setup
	$(BIN)/python -m sshd demo

test: setup
	$(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist worksteal

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: setup
	$(BIN)/python .ci/audit.py

check: lint audit test

bench: setup
	$(BIN)/python -m benchmarks all

clean:
	rm -rf $(VENV) build *.egg-info tui/picture/_sixel*.so tui/picture/_sixel.c tui/picture/_wu*.so tui/picture/_wu.c
