# What one does with a checkout. Only python3 (3.11 or later) and make are assumed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PIP := $(BIN)/python -m pip
UV := $(shell grep '^uv==' requirements/dev.txt)

# uv takes a third of pip's time for the same pins; pip installs where uv cannot, and where pip was told its own index.
install_pinned = { ! $(PIP) config list | grep -Eq '\.(index.url|no.index)=' && \
	$(PIP) install --quiet --disable-pip-version-check $(UV) && \
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r $(1); } 2>/dev/null || \
	$(PIP) install --quiet --disable-pip-version-check -r $(1)

WORKERS ?= 3
PORT ?= 8000

# The stamp's name is a checksum of the requirements: another pin installs again.
stamp = $(VENV)/.$(1)-$(shell cat requirements/$(1).txt | cksum | cut -d' ' -f1)
BASE := $(call stamp,base)
DEV := $(call stamp,dev)

# The demo market lives in a data directory of its own, never among real prices.
DEMO_DIR := $(or $(SEISMO_DATA_DIR),var)/demo
DEMO := SEISMO_DATA_DIR=$(DEMO_DIR) DATABASE_URL= REDIS_URL=

.PHONY: help install assets demo test check lint lint-types lint-rules coverage docs format serve bench requirements
.DEFAULT_GOAL := help

help:
	@echo "make demo                 a generated market, ranked by v1 and v2 in this terminal, then its pages"
	@echo "make demo PRICES='a b'    the same with your own price files"
	@echo "make serve                the pages, the API and a task worker on http://127.0.0.1:8000 (PORT=8080: another port)"
	@echo "make test | lint          the suite on SQLite, PostgreSQL and Redis | every static check"
	@echo "make check                the quick part of both on SQLite, before each commit"
	@echo "make coverage             which lines of the product the suite runs"
	@echo "make docs                 the documentation as a site, in var/site"
	@echo "make bench                how fast it is on this machine"
	@echo "make install | requirements   the environment in $(VENV) | compile requirements/*.txt anew"

install: $(BASE) assets

# The charts' script, where network is; without it pages draw plain charts and say so.
assets: $(BASE)
	@$(BIN)/python -m seismo_site.assets

$(BASE) $(DEV): | $(BIN)/python
	@echo "Installing $(patsubst .%,%,$(basename $(subst -,.,$(notdir $@)))) requirements into $(VENV) ..."
	@$(call install_pinned,requirements/$(if $(filter $@,$(BASE)),base,dev).txt)
	@$(BIN)/pybabel --quiet compile --domain django --directory seismo_site/locale
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Seismo needs Python 3.11 or later; set PYTHON=python3.11.")'
	@$(PYTHON) -m venv $(VENV)

ifdef PRICES
demo: $(BASE) assets
	@$(MANAGE) migrate --verbosity 0
	$(MANAGE) import_prices $(PRICES)
	$(MANAGE) run_scan --version v1 --version v2
	@echo
	@echo "Next:"
	@echo "  $(MANAGE) run_scan --help     other sessions, versions, formats; --explain CODE"
	@echo "  $(MANAGE) check_data          what the record knows and what it doubts"
	@echo "  make serve                             the pages: http://127.0.0.1:$(PORT)/"
else
demo: $(BASE) assets
	@mkdir -p $(DEMO_DIR)
	@$(DEMO) $(MANAGE) migrate --verbosity 0
	$(DEMO) $(MANAGE) make_demo_prices --output $(DEMO_DIR)/prices.parquet
	$(DEMO) $(MANAGE) import_prices $(DEMO_DIR)/prices.parquet --source demo
	$(DEMO) $(MANAGE) run_scan --version v1 --version v2
	@echo
	@echo "This market is made up, in a data directory of its own. Next:"
	@echo "  make demo PRICES='path ...'      the same with your own price files"
	@echo "  export $(DEMO)"
	@echo "  $(MANAGE) run_scan --help        other sessions, versions, formats; --explain CODE"
	@if [ -t 1 ]; then echo; $(DEMO) $(MAKE) --no-print-directory serve; \
	else echo "  $(DEMO) make serve"; echo "                                   the pages: http://127.0.0.1:$(PORT)/kr/"; fi
endif

# The whole suite comes last: its closing line is the one that counts.
test: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --backend postgres
	$(BIN)/python -m pytest -n $(WORKERS)

# What is quick: style, import contracts and the tests that start no process, server or browser.
check: $(DEV)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

# The report names the files with lines that no test runs; it fails below 95 % of the product's lines.
coverage: $(DEV)
	@mkdir -p var/coverage
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term --cov-report=html:var/coverage/html

docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir var/site

# Types take as long as all the rest, so both run at once.
lint: $(DEV)
	@$(MAKE) --no-print-directory -j2 --output-sync lint-types lint-rules

lint-types: $(DEV)
	$(BIN)/mypy .

lint-rules: $(DEV)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m tests.dead_code
	$(BIN)/python -m tests.script_types
	$(MANAGE) check
	$(MANAGE) makemigrations --check --dry-run

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The web server and a task worker together. The first user is created, or a link to create one is printed.
serve: $(BASE) assets
	@$(BIN)/python -m seismo_site.port '$(PORT)'
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) collectstatic --no-input --verbosity 0
	@$(MANAGE) first_user --port $(PORT)
	@echo "http://127.0.0.1:$(PORT)/ (Ctrl-C ends the server and its task worker)"
	@$(BIN)/python -m seismo_site.serve $(PORT)

bench: $(DEV)
	$(BIN)/python -m tests.benchmarks $(BENCH)

# --universal: one file for every supported Python and platform; no address of a package index goes into it.
COMPILE := ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make requirements"
requirements: $(DEV)
	cd requirements && for set in base tracing yfinance dask dev; do $(COMPILE) $$set.in -o $$set.txt || exit 1; done
