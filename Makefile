# `make demo` audits real data, `make test` runs the tests, `make help` lists the rest. All set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

# One thread each; more than four gain little, since a module is tested by one worker.
WORKERS := --numprocesses logical --maxprocesses 4
LONG := headline or pages or cluster or browser or slow

.PHONY: help demo test coverage quick check docs site clean

help:  ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 8

demo: $(READY)  ## audit the embedded data: a few minutes on two cores
	$(BIN)/byrote audit fashion

test: $(READY_DEV)  ## the whole test suite
	$(BIN)/python -m pytest $(WORKERS)

coverage: $(READY_DEV)  ## the same, and which lines no test reaches: a third longer
	$(BIN)/python -m pytest $(WORKERS) --cov --cov-report=
	$(BIN)/coverage report

quick: $(READY_DEV)  ## what takes no more than 2 seconds a test and needs no browser or cluster: a minute and a half
	$(BIN)/python -m pytest $(WORKERS) -m "not ($(LONG))"

check: $(READY_DEV)  ## format, lint, types, layers, generated pages, the site and its links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python tools/make_docs.py --check
	$(BIN)/python tools/site.py

docs: $(READY_DEV)  ## write the generated pages again
	$(BIN)/python tools/make_docs.py

site: $(READY_DEV)  ## the site of the documentation, in build/site/html
	$(BIN)/python tools/site.py

clean:
	rm -rf $(VENV) artefacts build dist .coverage .coverage.*

# torch is pinned by constraints.txt for this set-up only; users of the package may have any torch >= 2.4.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "byrote needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(READY_DEV): $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
