# Two commands do all the set-up: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench

.PHONY: setup run test check bench migration screenshots
.DEFAULT_GOAL := run

setup: $(RUNTIME)

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Shelfwright needs Python 3.11 or newer; there is no $(PYTHON) here. On Debian or Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Shelfwright needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Say which one to use: make run PYTHON=python3.11")'
	@$(PYTHON) -c 'import shutil, sys; free = shutil.disk_usage(".").free / 1e9; sys.exit(0 if free > 9 else f"Shelfwright needs 9 GB of free disk for its libraries, {free:.1f} GB are free here.")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "The virtual environment could not be made. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(RUNTIME): requirements.txt | $(VENV)/bin/python
	$(PY) -m pip install --disable-pip-version-check --quiet -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt requirements-sentence.txt requirements.txt | $(RUNTIME)
	$(PY) -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@touch $@

$(BENCH): requirements-bench.txt | $(DEV)
	$(PY) -m pip install --disable-pip-version-check --quiet -r requirements-bench.txt
	@touch $@

run: setup
	@$(PY) cli.py run $(ARGS)

test: setup $(DEV)
	@$(PY) -m tests.machine
	$(PY) -m pytest -n 2 --dist loadgroup $(TESTS)

check: setup $(DEV)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy core db models commands pages cli.py app.py
	$(PY) -m pytest tests/test_floors.py tests/test_translations.py

bench: setup $(DEV) $(BENCH)
	@$(PY) -m bench

migration: setup
	@$(PY) -m db.migrations.new_revision "$(m)"

screenshots: setup $(DEV)
	SCREENSHOTS=docs/screenshots $(PY) -m pytest tests/browser/test_journey.py
