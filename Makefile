# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= sms

.PHONY: demo test lint format bench help
.DEFAULT_GOAL := help

help:
	@echo "make demo    fine-tune a real model, audit it beside its base, judge, sign and report (DEMO=sms|recidivism|employment)"
	@echo "make test    the whole test suite"
	@echo "make lint    format, lint, types, and the plan of the house"
	@echo "make format  rewrite the code in the house style"
	@echo "make bench   simulations and timings"

.venv/.ready: pyproject.toml constraints.txt .ci/carriers.txt .ci/setup
	@PYTHON=$(PYTHON) bash .ci/setup

demo: .venv/.ready
	@$(BIN)/govkit demo $(DEMO)

test: .venv/.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.ready
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.ready
	@for script in tests/bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
