# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= sms

.PHONY: demo test test-all lint format bench oracle cards gallery help
.DEFAULT_GOAL := help

help:
	@echo "make demo    fine-tune a real model, audit it beside its base, judge, sign and report (DEMO=sms|recidivism|employment)"
	@echo "make test    the tests (a quarter of an hour); make test-all: with the longest demos and examples"
	@echo "make lint    format, lint, types, and the plan of the house"
	@echo "make format  rewrite the code in the house style"
	@echo "make cards   run the demos and write their signed cards into model_cards/ (some minutes)"
	@echo "make gallery run the demos and make the pictures of docs/gallery.md (some minutes)"
	@echo "make bench   simulations and timings"
	@echo "make oracle  the attacks beside torchattacks, foolbox, ART and pyautoattack (some minutes; SHORT=1: two)"

.venv/.ready: pyproject.toml constraints.txt .ci/carriers.txt .ci/setup
	@PYTHON=$(PYTHON) bash .ci/setup

.node/.ready: .venv/.ready .ci/node.txt
	@PYTHON=$(PYTHON) bash .ci/setup tests

demo: .venv/.ready
	@$(BIN)/govkit demo $(DEMO)

test: .node/.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not long"

test-all: .node/.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.ready
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

cards: .venv/.ready
	@$(BIN)/python model_cards/cards.py write

gallery: .node/.ready
	@$(BIN)/python docs/images/gallery.py

bench: .node/.ready
	@for script in tests/bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# These libraries pin what others of ours cannot have, so they lie in an environment above .venv, without what they ask for.
.venv-oracle/.ready: .venv/.ready .ci/oracle.txt
	@$(BIN)/python -m venv --clear .venv-oracle
	@site='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	  echo "import site; site.addsitedir('$$($(BIN)/python -c "$$site")')" \
	  > "$$(.venv-oracle/bin/python -c "$$site")/above.pth"
	@.venv-oracle/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement .ci/oracle.txt
	@touch $@

oracle: .venv-oracle/.ready
	@GOVKIT_ORACLE=1 .venv-oracle/bin/python -m pytest $(if $(SHORT),-m "not slow") tests/reference/test_attacks_reference.py
	@.venv-oracle/bin/python tests/reference/attack_table.py $(if $(SHORT),40)
