# Targets for people and for CI. Python >= 3.11 and make are all that must be there.
# PYTHON=/path/to/python chooses the Python that .venv is made with.

.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMP := .venv/.made

.PHONY: help demo test pictures crash histories chaos day lint bench always

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s%s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## Play a working day against simulated systems; KEEP=1 leaves everything running
	@$(PY) -m deploy.demo $(if $(filter-out 0,$(KEEP)),--keep)

test: $(STAMP) ## Run every test against real servers; ARGS="-k name" chooses
	@$(PY) -m pytest -n 4 --dist loadscope --no-loadscope-reorder $(ARGS)

crash: $(STAMP) ## Cross every crash point with every answer in every scene; takes 20 minutes
	@$(PY) -m pytest -n 2 --dist worksteal -m "crash or not crash" tests/integration/crash $(ARGS)

histories: $(STAMP) ## Play random histories with ends and lost answers: HISTORIES=n of them, from the seed HISTORY=k on
	@HISTORIES=$(or $(HISTORIES),1000) HISTORY=$(HISTORY) $(PY) -m pytest -n 2 --dist worksteal \
	  tests/integration/crash/test_random_histories.py $(ARGS)

chaos: $(STAMP) ## Break everything at once, by seed: SEEDS=n of them, SEED=k one again, BILLS=m its size
	@SEEDS=$(SEEDS) SEED=$(SEED) BILLS=$(BILLS) $(PY) -m tests.acceptance.chaos

day: $(STAMP) ## Play a large client's day without webhooks and with too many; count a poll over 10,000 records
	@LEDGER_DAY=500x2000 FINDING_RECORDS=10000 $(PY) -m pytest -rP $(ARGS) \
	  tests/acceptance/test_ledger_day.py tests/acceptance/test_finding_costs.py

pictures: $(STAMP) ## Take the pictures of Flower's pages that README shows; needs Chromium
	@PICTURES=deploy/pictures $(PY) -m pytest tests/browser -q

lint: $(STAMP) ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench: $(STAMP) ## Measure; prints a table and writes var/bench.json; QUICK=1 takes a first look
	@$(PY) -m deploy.bench $(if $(filter-out 0,$(QUICK)),--quick)

# A copied or moved checkout has scripts and paths of another place in its .venv: make it anew.
ifneq "$(shell cat $(STAMP) 2>/dev/null)" "$(CURDIR)"
$(STAMP): always
endif
$(STAMP): setup.cfg pyproject.toml deploy/constraints.txt
	@sh deploy/make-venv.sh $(STAMP)
