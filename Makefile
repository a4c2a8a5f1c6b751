# A target makes .venv from requirements.lock when it is missing or older than that; tests and linters add what
# requirements-dev.lock has beside it. With uv where there is one, else with pip.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.installed
DEV := .venv/.installed-dev
COUNT := awk '/^(Collecting|Processing) / {n++; if (n % 20 == 0) {sub(/.*\//, "", $$2); printf "  %d packages, now %s\n", n, $$2; fflush()}} /^Installing/ {print "  installing them"; fflush()}'
PIP := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header
RUNTIME := --extra api --extra mcp
SEED ?= 1

# $(call install,LOCK): its packages into .venv
define install
if command -v uv >/dev/null && uv pip install --compile-bytecode --python $(BIN)/python --requirement $(1); then :; else \
    $(PIP) --requirement $(1) | $(COUNT); \
fi
endef

.DEFAULT_GOAL := help
.PHONY: help demo api test ui-test celery-test api-test dev check docs bench campaign wheel lock clean

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */make \1\t/'

$(RUN): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 14) else "SigmaSight needs Python 3.11 to 3.14, and PYTHON=$(PYTHON) is " + sys.version.split()[0])'
	@echo "Installing about $$(grep -c == $<) packages into .venv (1.1 GB): half a minute with uv, one to three minutes with pip"
	@$(PYTHON) -m venv --clear .venv
	@$(call install,$<)
	@$(PIP) --quiet --no-deps --editable .
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	@echo "Adding what tests and linters need: 10 seconds with uv, about a minute with pip"
	@$(call install,requirements-dev.lock)
	@touch $@

demo: $(RUN)   ## three portfolios, one quarter of real prices, all risk assets
	$(BIN)/sigmasight demo

api: $(RUN)    ## the API on the demo's data; its users: .venv/bin/sigmasight users add --demo
	$(BIN)/sigmasight serve

test: $(DEV)   ## all tests, or TESTS="...", on a real PostgreSQL and a real Dagster instance
	$(BIN)/python -m pytest $(TESTS)

ui-test: $(DEV) ## the browser test; needs chromium and chromedriver, writes docs/images
	SIGMASIGHT_SCREENSHOTS=docs/images $(BIN)/python -m pytest -n0 -m browser sigmasight_dagster_tests/instance/test_ui.py

celery-test: $(DEV) ## Celery workers, some of them killed; needs a broker: rabbitmq-server from Debian's packages
	$(BIN)/python -m pytest -n0 -m celery sigmasight_dagster_tests/executors/test_celery.py

api-test: $(DEV) ## schemathesis on a running API, all phases: some ten minutes
	SIGMASIGHT_API_EXAMPLES=30 $(BIN)/python -m pytest -n0 -s sigmasight_dagster_tests/api/test_conformance.py

dev: $(RUN)    ## the Dagster UI and daemon on the demo's database
	$(BIN)/sigmasight dev

check: $(DEV)  ## linters, types, the order of imports and the docs check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.rooms --check
	$(BIN)/python -m tools.reference --check
	$(BIN)/python -m sigmasight_dagster.reports.data_dictionary --check

docs: $(DEV)   ## write the generated pages of docs/ again
	$(BIN)/python -m tools.rooms
	$(BIN)/python -m tools.reference
	$(BIN)/python -m sigmasight_dagster.reports.data_dictionary

bench: $(DEV)  ## the benchmarks, as ratios measured in one run
	$(BIN)/python -m benchmarks

campaign: $(DEV) ## half an hour of kills, changes during runs and hostile files; SEED=N for other ones (docs/reliability.md)
	failed=0; kills="$(BIN)/python -m campaigns kills --minutes 22 --seed"; \
	    $$kills $(SEED) & $$kills $$(($(SEED) + 1000)) || failed=1; wait $$! || failed=1; \
	    for run in "moments --minutes 5" "poison --minutes 3"; do \
	        $(BIN)/python -m campaigns $$run --seed $(SEED) || failed=1; \
	    done; exit $$failed

wheel: $(DEV)  ## dist/sigmasight-*.whl, which needs no checkout: `sigmasight init` makes a folder a project
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

lock:            ## resolve requirements.lock and requirements-dev.lock again (needs uv)
	$(COMPILE) $(RUNTIME) -o requirements.lock pyproject.toml
	$(COMPILE) $(RUNTIME) --constraint requirements.lock --extra celery --extra k8s --extra dev -o requirements-dev.lock pyproject.toml

clean:           ## stop the database, remove the environment and everything computed
	-test ! -x $(BIN)/sigmasight || $(BIN)/sigmasight db stop
	rm -rf .venv .sigmasight dist .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis *.egg-info
