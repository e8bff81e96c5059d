# Two commands do all set-up on a fresh machine that has Python 3.11 or newer and a package index:
#   make demo    data, training, scores and a report page, in about a quarter of an hour on two cores
#   make test    every check
# Another Python: make test PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-cpu.txt
INSTALLED := .venv/installed
TOOLS := .venv/tools

# Nothing is asked of a model hub; parallel tests and training processes have one thread each.
export HF_HUB_OFFLINE := 1
export OMP_NUM_THREADS := 1

.PHONY: demo test gates format install

demo: $(INSTALLED)
	$(BIN)/relata demo

test: $(TOOLS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n 2 -m "not slow"

# One gate asks a real server, which has an extra of its own.
gates: $(TOOLS)
	$(PIP) "transformers[serving]"
	$(BIN)/pytest -m slow

format: $(TOOLS)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

install: $(TOOLS)

# Torch goes first and pinned, so that nothing later picks another one.
$(INSTALLED): pyproject.toml constraints-cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(PIP) torch==2.13.0
	$(PIP) --editable ".[models,text]"
	@touch $@

# What the checks need beside it.
$(TOOLS): $(INSTALLED)
	$(PIP) --editable ".[models,text,endpoint,export,ray,dev]"
	@touch $@
