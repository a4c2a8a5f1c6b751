# Every target makes .venv from requirements.lock when it is missing or older than the lock.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo api test ui-test celery-test dev check docs bench wheel lock clean

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */make \1\t/'

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 14) else "SigmaSight needs Python 3.11 to 3.14, and PYTHON=$(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(STAMP)   ## three portfolios, one quarter of real prices, all risk assets
	$(BIN)/sigmasight demo

api: $(STAMP)    ## the API on the demo's data; its users: .venv/bin/sigmasight users add --demo
	$(BIN)/sigmasight serve

test: $(STAMP)   ## all tests, or TESTS="...", on a real PostgreSQL and a real Dagster instance
	$(BIN)/python -m pytest $(TESTS)

ui-test: $(STAMP) ## the browser test; needs chromium and chromedriver, writes docs/images
	SIGMASIGHT_SCREENSHOTS=docs/images $(BIN)/python -m pytest -n0 -m browser sigmasight_dagster_tests/instance/test_ui.py

celery-test: $(STAMP) ## Celery workers, some of them killed; needs a broker: rabbitmq-server from Debian's packages
	$(BIN)/python -m pytest -n0 -m celery sigmasight_dagster_tests/executors/test_celery.py

dev: $(STAMP)    ## the Dagster UI and daemon on the demo's database
	$(BIN)/sigmasight dev

check: $(STAMP)  ## linters, types, the order of imports and the docs check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.rooms --check
	$(BIN)/python -m sigmasight_dagster.reports.data_dictionary --check

docs: $(STAMP)   ## write the generated pages of docs/ again
	$(BIN)/python -m tools.rooms
	$(BIN)/python -m sigmasight_dagster.reports.data_dictionary

bench: $(STAMP)  ## the benchmarks, as ratios measured in one run
	$(BIN)/python -m benchmarks

wheel: $(STAMP)  ## dist/sigmasight-*.whl, which needs no checkout: `sigmasight init` makes a folder a project
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

lock:            ## resolve requirements.lock again (needs uv)
	uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --extra dev --extra celery --extra k8s --extra api --extra mcp -o requirements.lock pyproject.toml

clean:           ## stop the database, remove the environment and everything computed
	-test ! -x $(BIN)/sigmasight || $(BIN)/sigmasight db stop
	rm -rf .venv .sigmasight dist .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis *.egg-info
