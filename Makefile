# Two commands: `make demo` audits real data, `make test` runs the tests. Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.PHONY: demo test check docs clean

demo: $(READY)  ## audit the embedded data: a few minutes on two cores
	$(BIN)/byrote audit fashion

test: $(READY_DEV)  ## the whole test suite, with coverage
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

check: $(READY_DEV)  ## format, lint, types, layers, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python tools/make_docs.py --check

docs: $(READY_DEV)  ## write the generated pages again
	$(BIN)/python tools/make_docs.py

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
