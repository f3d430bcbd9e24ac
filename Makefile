# What a person or CI runs here. `make` alone tells what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup up reset test prove check format docs locks
SHELL := /bin/bash

PYTHON := .venv/bin/python
READY := .venv/ready.stamp
ARGS ?=
ROUNDS ?= 10

help: ## tell what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make this machine ready: .venv, Kafka's jars, and by apt, where you are root, Java, Maven, PostgreSQL
	@echo "ready: .venv, Kafka's jars and what they run on"

$(READY): pyproject.toml requirements/lock.txt deploy/local/pom.xml deploy/local/setup.sh
	@deploy/local/setup.sh
	@touch $@

up: $(READY) ## start everything here and play the sample morning; options in ARGS="--for 120s"
	@.venv/bin/escalon up $(ARGS)

reset: $(READY) ## forget all that `make up` stored
	@$(PYTHON) -m ops.local reset

test: $(READY) ## run every shelf of tests but bench; some of them: ARGS="unit contract"
	@$(PYTHON) -m tests $(ARGS)

prove: $(READY) ## run the faults for longer: kill, pause, double and starve for many rounds; ROUNDS=10
	@ESCALON_TEST_ROUNDS=$(ROUNDS) $(PYTHON) -m tests fault

check: $(READY) ## run the first shelf: format, lint, types, imports, house rules
	@$(PYTHON) -m tests check

format: $(READY) ## lay out the code, and mend what ruff can
	@.venv/bin/ruff check --quiet --fix-only .
	@.venv/bin/ruff format --quiet .

docs: $(READY) ## write the files that repeat a list of the code
	@$(PYTHON) -m ops.generated

locks: $(READY) ## write requirements/*.txt from what is installed in .venv
	@$(PYTHON) -m ops.locks
