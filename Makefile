# cardkit: `make demo` and `make test` do all the set-up themselves (a .venv beside this file; Debian packages where they may).
PY      := .venv/bin/python
PYTEST  := $(PY) -m pytest
LONG    := --timeout=3600
QUICK   := $(PYTEST) -q --timeout=120
OUT     := out
# The unit tests in two halves, side by side; what each says is printed whole. Those that make whole cards or keep whole
# stores run with the virtual cards' own.
FIRST   := $(addprefix tests/unit/,cli doctor perso report testing)
MAKING  := $(addprefix tests/unit/,cipurse desfire eid emrtd emrtd_states emv emv_prepare emv_rules gp_states ntag424 production uicc_apps uicc_rules uicc_saip social)
KEEPING := $(addprefix tests/unit/,audit evidence jobs live people sampling security station)
SECOND  := $(filter-out $(FIRST) $(MAKING) $(KEEPING),$(wildcard tests/unit/[a-z]*))
# Hostile tests in three parts: stations that are killed; stores and disks that are, and what may be on them; cards that
# lie or are torn.
KILLED  := $(wildcard $(patsubst %,tests/hostile/test_%*.py,kill plant))
STORES  := $(wildcard $(patsubst %,tests/hostile/test_%*.py,canary import_killed memory power_cut_disk stations store two_stations))
CHAOS   := $(patsubst %,tests/hostile/test_%.py,kill plant store_long power_cut_disk torn gp_power_cut payment_torn)
WHOLE   := $(if $(filter output-sync,$(.FEATURES)),-Otarget)

# Tests rewritten and compiled once are kept: without that the quick tests take twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check unit static unit-first unit-second card card-making card-keeping hostile hostile-killed hostile-stores hostile-cards real outside interop requirements memory bench chaos fuzz mutants wheel clean setup-demo setup-test

help:            ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

demo: setup-demo ## 50 test USIMs on 4 virtual readers: personalized, verified, reported
	@.venv/bin/cardkit demo --out $(OUT)/demo

test: setup-test ## all checks and tests, the real PC/SC stack included
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory card
	@$(MAKE) --no-print-directory hostile
	@$(MAKE) --no-print-directory -j2 $(WHOLE) real outside

check: setup-test ## format, lint, types, import contracts, unit tests (under 90 s)
	@$(MAKE) --no-print-directory -j3 $(WHOLE) unit-first unit-second static

unit: setup-test ## unit tests only, as in check
	@$(MAKE) --no-print-directory -j2 $(WHOLE) unit-first unit-second

static:
	$(PY) -m ruff format --check cardkit tests examples .ci
	$(PY) -m ruff check cardkit tests examples .ci
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m codespell_lib cardkit profiles tests examples README.md CHANGELOG.md

unit-first:
	$(QUICK) $(FIRST)

unit-second:
	$(QUICK) $(SECOND)

card: setup-test ## virtual cards, cards made and judged, properties, the examples in docstrings
	@$(MAKE) --no-print-directory -j2 $(WHOLE) card-making card-keeping

card-making:
	$(QUICK) $(MAKING)

card-keeping:
	$(QUICK) --doctest-modules cardkit --ignore=cardkit/production/store/migrations tests/property tests/card $(KEEPING)

hostile: setup-test ## lying cards, torn cards, killed stations, fuzzed parsers
	@$(MAKE) --no-print-directory -j3 $(WHOLE) hostile-killed hostile-stores hostile-cards

hostile-killed:
	$(PYTEST) -q $(KILLED) --timeout=600

hostile-stores:
	$(PYTEST) -q $(STORES) --timeout=600

hostile-cards:
	$(PYTEST) -q $(filter-out $(KILLED) $(STORES),$(wildcard tests/hostile/test_*.py)) --timeout=600

real:
	$(PYTEST) tests/interop --timeout=300

outside:
	$(PYTEST) tests/packaging tests/examples --timeout=300

interop: setup-test ## the real PC/SC stack; a skip is a failure
	CI=true $(PYTEST) tests/interop --timeout=300

requirements: setup-test ## which security requirements are met, by which tests, and which are not, and why
	@$(PY) .ci/requirements.py

memory: setup-test ## no key is left in memory after a job (reads /proc/self/mem)
	CARDKIT_MEMORY=1 $(PYTEST) tests/hostile/test_memory.py -s $(LONG)

bench: setup-test ## print every figure
	$(PYTEST) tests/bench -s -q $(LONG)

chaos: setup-test ## the long kill tests: 200 SIGKILLs over 2,000 chips; plants of 100,000 cards on both stores; power cuts
	CARDKIT_CHAOS=long $(PYTEST) $(CHAOS) -s --timeout=28800

fuzz: setup-test ## 200,000 mutated inputs for every parser
	CARDKIT_FUZZ=200000 $(PYTEST) tests/hostile -k fuzz -s $(LONG)

mutants: setup-test ## mutation testing of crypto and secure; SAMPLE=200 for a part
	$(PY) .ci/mutants.py $(if $(SAMPLE),--sample $(SAMPLE))

wheel: setup-test ## build the wheel into dist/
	$(PY) -m build --wheel -o dist

clean:           ## remove everything that was made
	rm -rf .venv $(OUT) dist build mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

setup-demo setup-test: setup-%:
	@python3 .ci/bootstrap.py $*
