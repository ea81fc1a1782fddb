# Any Python from 3.6 will do to start with: it finds a supported one and makes .venv with it.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
OUT ?= build/docs
# What it runs ends with make, even if that is killed.
TIED = exec $(PYTHON) dev/tied.py $$PPID

# Airflow starts three times as slowly without .pyc files.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check lint docs screenshots bench bench-scale matrix fresh clean
.PHONY: run-environment test-environment test-tools

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: run-environment  ## Start everything on this machine and run the DAG on sample mail; ARGS=--once ends after that
	@$(BIN)/python -m dev run $(ARGS)

# With ARGS pytest is all that runs: tests that need a browser or a broker see to it themselves.
test:  ## Lint, check types, run all tests; with ARGS nothing but pytest ARGS
	@$(TIED) $(MAKE) --no-print-directory $(if $(strip $(ARGS)),test-environment,test-tools lint)
	@$(TIED) $(BIN)/pytest $(ARGS)

check: lint  ## What to run before a commit: lint, types, unit and documentation tests
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/docs

lint: test-environment  ## Lint and check types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: test-environment  ## Build the documentation: build/docs/html/index.html
	$(BIN)/sphinx-build -W --nitpicky --keep-going --quiet -b html -c docs -d $(OUT)/doctrees . $(OUT)/html

screenshots: test-environment  ## Take the pictures of the documentation anew
	$(BIN)/pytest tests/browser/test_pictures.py tests/e2e/test_grid_picture.py --screenshots

bench: test-environment  ## Measure, and print tables; ARGS goes to the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

bench-scale: test-environment  ## The same at full size: hours, 40 GB under TMPDIR; keeps its result in benchmarks/results/
	@$(BIN)/python -m benchmarks --big $(ARGS)

matrix: test-environment  ## The tests with each Python, Airflow and Postgres that is supported, lowest to newest; ARGS names some
	@$(BIN)/python -m dev.matrix $(ARGS)

fresh:  ## Run make run and make test in a bare Debian, as root and as a user: needs root and debootstrap, takes hours
	@$(PYTHON) -m dev.fresh $(ARGS)

clean:  ## Forget the data of make run
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m dev clean; else rm -rf .run; fi

run-environment:
	@$(PYTHON) dev/environment.py run

test-environment:
	@$(PYTHON) dev/environment.py test

test-tools: test-environment
	@$(BIN)/python -m dev.tools
