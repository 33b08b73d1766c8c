# The commands of this project. Needs Python 3.11 or later with its module venv; uses uv where it
# is present. Variables: PYTHON (to make the environment with), VENV (where it is), KEEP=1 (the
# demo stays up), TESTS (what pytest runs), JOBS (processes of pytest), BENCHMARKS (which of them).

PYTHON ?= python3
VENV ?= .venv
TESTS ?= tests
JOBS ?= 2
KEEP ?=
BENCHMARKS ?= parse validate fmt start_up plan_noop plan_dvc apply_data kills example_overhead serving

BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo install install-dev test soak check format bench docs lock clean

help: ## Show what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' \
		| while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: install ## Train, serve and ask a model; KEEP=1 leaves it up.
	@KEEP="$(KEEP)" MLFORM="$(abspath $(BIN))/mlform" PYTHON="$(abspath $(BIN))/python" \
		examples/demo.sh

install: $(VENV)/.locked ## Make the environment with mlform and what it needs.
	@tools/install-project "$(VENV)"

install-dev: $(VENV)/.locked-dev ## The same, with what tests and checks need.
	@tools/install-project "$(VENV)"

test: install-dev ## Run the tests; those that need a Docker engine are skipped without one.
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak" $(TESTS)

soak: install-dev ## Run the long tests.
	$(BIN)/python -m pytest -m soak $(TESTS)

check: install-dev ## Everything a change must pass: format, lint, types, imports, tests.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak" $(TESTS)

format: install-dev ## Bring the code into form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install-dev ## Measure against the peers; prints ratios.
	@set -e; for name in $(BENCHMARKS); do \
		echo "== benchmarks/$$name.py"; PYTHONPATH=. $(BIN)/python benchmarks/$$name.py; done

docs: install-dev ## Write docs/reference/kinds.md, cli.md and functions.md anew.
	$(BIN)/python docs/generate.py

lock: ## Write the lock files anew (needs uv).
	.ci/lock

clean: ## Remove what make wrote. Run `mlform destroy` first where a demo was kept.
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.locked: requirements.lock
	@tools/install-locked "$(PYTHON)" "$(VENV)" $<
	@touch $@

$(VENV)/.locked-dev: requirements-dev.lock
	@tools/install-locked "$(PYTHON)" "$(VENV)" $<
	@touch $@ $(VENV)/.locked
