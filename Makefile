# Every target makes what it needs first; Python 3.11 to 3.13 and make are enough.
# A server is run by `exec`: a shell between it and make would answer Ctrl-C with a line of its own.
PYTHON ?= python3
PY := .venv/bin/python
DATA_DIR ?= $(or $(VERSEQUEUE_DATA_DIR),.versequeue)
MODELS := $(DATA_DIR)/models
# default, tiny (nonsense, for tests), a GGUF file, a Hugging Face folder, hf:owner/name, a bundle's
# folder, or gs://bucket/prefix; or several of them, name=PATH,other=PATH, which `versequeue up`
# builds itself where they are missing.
MODEL ?= $(or $(VERSEQUEUE_MODEL),default)
COMMA := ,
NAMED = $(findstring =,$(MODEL))$(findstring $(COMMA),$(MODEL))
# What `make tune` has written, to be merged into MODEL.
ADAPTER ?=
BACKEND ?= sqlite
PORT ?= 8080
SEEDS ?= 200
CASES ?= 5000
RUNS ?= 10
# Quotation marks in what was typed are the shell's to keep.
export PROJECT REGION DRY_RUN CAP CONFIRM
TARGET = $(if $(PROJECT),--project "$$PROJECT") $(if $(REGION),--region "$$REGION") $(if $(DRY_RUN),--dry-run "$$DRY_RUN")
DEPLOYED = $(TARGET) $(if $(CAP),--cap "$$CAP") --model "$(or $(BUNDLE),$(MODEL))"
# Not empty where a bundle is to be built of MODEL.
FOREIGN = $(if $(NAMED),,$(filter %.gguf hf:%,$(MODEL))$(if $(filter-out %.gguf,$(MODEL)),$(wildcard $(MODEL)/config.json)))
# Where the bundle of MODEL is, and how to build it where it is to be built.
BUNDLE = $(if $(ADAPTER),$(MODELS)/tuned-$(notdir $(basename $(ADAPTER:%/=%))),$(if $(NAMED),,$(if $(filter default tiny,$(MODEL)),$(MODELS)/$(MODEL),$(if $(filter %.gguf,$(MODEL)),$(MODELS)/gguf-$(notdir $(basename $(MODEL))),$(if $(FOREIGN),$(MODELS)/from-$(notdir $(MODEL:%/=%)))))))
SOURCE = $(if $(FOREIGN),--from "$(MODEL)",--preset $(MODEL))
RECIPE = $(SOURCE) $(if $(ADAPTER),--adapter "$(ADAPTER)") --out "$(BUNDLE)"
# Google's libraries are installed only where something of Google's is asked for.
SERVING = $(if $(filter emulators,$(BACKEND))$(findstring gs://,$(MODEL)),gcp,serve)

# A variable that is misspelled would be passed over in silence.
KNOWN := PYTHON DATA_DIR MODEL ADAPTER BACKEND PORT SEEDS CASES RUNS PROJECT REGION ARGS LYRICS DRY_RUN CAP CONFIRM SHELL VERSEQUEUE_%
UNKNOWN := $(filter-out $(KNOWN),$(foreach each,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(each)))),$(each))))
ifneq ($(UNKNOWN),)
$(error $(UNKNOWN) is no variable of this Makefile; there are: $(filter-out SHELL VERSEQUEUE_%,$(KNOWN)))
endif

.PHONY: help up free setup dev model tune test lint example simulate fuzz histories bench screenshots lock wheel stage deploy allowed destroy clean

help:            ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: setup free model  ## serve on http://127.0.0.1:8080/, Ctrl-C ends it (PORT=9000 MODEL=tiny)
	@exec $(PY) -m versequeue up --data-dir "$(DATA_DIR)" --backend $(BACKEND) --port $(PORT) --model "$(or $(if $(or $(ADAPTER),$(FOREIGN)),$(BUNDLE)),$(MODEL))" $(ARGS)

free: setup      # a taken port or folder is said before anything is built
	@$(PY) -m versequeue up --check --data-dir "$(DATA_DIR)" --port $(PORT) $(ARGS)

setup:           ## make .venv with what serving needs, or heal it
	@$(PYTHON) environment.py $(SERVING) >/dev/null

dev:             ## make .venv with what the tests need too
	@$(PYTHON) environment.py dev >/dev/null

model: setup     ## build the bundle of MODEL (default, tiny, one of yours), unless it is there and whole
ifneq ($(BUNDLE),)
	@exec $(PY) -m versequeue.local.model_build build $(RECIPE)
endif

tune:            ## teach MODEL from files of lyrics (LYRICS=songs.txt ADAPTER=mine.safetensors)
ifeq ($(LYRICS),)
	@echo "Name the files of lyrics: make tune LYRICS=songs.txt" >&2; exit 2
else
	@for file in $(LYRICS); do test -r "$$file" || { echo "There is no file $$file that can be read." >&2; exit 2; }; done
	@$(PYTHON) environment.py $(SERVING) >/dev/null
	@exec $(PY) -m versequeue.local.model_build tune $(LYRICS) $(SOURCE) --out "$(or $(ADAPTER),mine.safetensors)" $(ARGS)
endif

test: dev model  ## run every test, the fast ones first
	@$(PY) -m tests

example: setup   ## train and serve a model that is not lyrics: digits that you draw (PORT=9000)
	@test -e "$(DATA_DIR)/digits/model/bundle.json" || echo "First the network is trained: TensorFlow is loaded, then half a minute." >&2
	@exec $(PY) -m examples.digits --port $(PORT) $(ARGS)

lint: dev        ## ruff format, ruff, mypy strict, the walls between packages
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy .
	@.venv/bin/lint-imports --no-logo --cache-dir build/import-linter

simulate: dev    ## run the seeded simulation (SEEDS=10000), then break each rule to see it noticed
	@$(PY) -m tests.simulation --seeds $(SEEDS)
	@$(PY) -m pytest -q -m slow -rP --show-capture=stdout tests/simulation

fuzz: dev        ## give every parser made-up bytes, many of them (CASES=5000)
	@$(PY) -m tests.fuzz --cases $(CASES) $(ARGS)

histories: dev model  ## torment real processes and check what clients saw (RUNS=50 BACKEND=emulators)
	@$(PY) -m tests.histories --runs $(RUNS) --backend $(BACKEND) $(ARGS)

bench: model     ## measure against peers, write docs/benchmarks.md
	@$(PYTHON) environment.py bench >/dev/null
	@$(PY) -m bench all $(ARGS)

screenshots: dev ## a picture of each state of the page
	@$(PY) -m tests.web.screenshots

lock: dev        ## pin everything that each function installs, with hashes: worker_fn/locked.txt and so on
	@for each in *_fn; do .venv/bin/uv pip compile --quiet --generate-hashes --no-annotate --universal --python-version 3.11 \
	  --custom-compile-command "make lock" $$each/requirements.txt --output-file $$each/locked.txt || exit; done

wheel: setup     ## all of it in one file, build/versequeue-….whl, for pip and uvx
	@rm -rf build/lib build/bdist.* build/versequeue-*.whl
	@$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build .
	@ls build/versequeue-*.whl

stage: setup model  ## build/<function>/, ready to be deployed
	@$(PY) -m deploy.stage --model "$(or $(BUNDLE),$(MODEL))" $(ARGS)

deploy: setup $(if $(filter-out 0,$(DRY_RUN)),,allowed model)  ## deploy to Google Cloud (PROJECT=… REGION=… CAP=1, DRY_RUN=1 prints the plan)
	@$(PY) -m deploy apply $(DEPLOYED) $(ARGS)

allowed: setup   # what cannot be deployed is said before anything is built
	@$(PY) -m deploy check $(DEPLOYED) $(ARGS)

destroy: setup   ## take a deployment away again (PROJECT=… REGION=… CONFIRM=the same project)
	@$(PY) -m deploy destroy $(TARGET) $(if $(CONFIRM),--confirm "$$CONFIRM") $(ARGS)

clean:           ## remove everything that was made, but for stored jobs
	rm -rf .venv .venv-build build
