# Two commands for a fresh machine: `make up` and `make test`. Each does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
LAB := tools/lab
PYTEST := $(BIN)/python -m pytest
# SLOW=no leaves out playbook tests that take minutes each; continuous integration does.
SLOW ?= yes
CHOSEN = $(if $(filter no,$(SLOW)),-m "not slow")

.PHONY: help up down status test test-fast bench lint docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/ready: requirements.txt requirements-test.txt lab/pyproject.toml portal/pyproject.toml
	tools/bootstrap python

.PHONY: machine
machine: .venv/ready
	tools/bootstrap machine

up: machine ## bring the whole platform up on the local Scaleway of this machine
	$(LAB) up
	$(BIN)/ansible-playbook playbooks/site.yml -i inventories/local $(ARGS)
	@tools/where

down: .venv/ready ## remove everything that `make up` made (built images stay cached: `make clean` drops them)
	$(LAB) down
	tools/bootstrap stop-docker
	tools/bootstrap forget

status: .venv/ready ## what runs, and where
	@$(LAB) status
	@tools/where

test: machine ## all tests, on a machine where nothing was installed by hand
	tools/bootstrap test-packages
	$(PYTEST) --durations=10 -n 4 tests/unit tests/lab tests/modules tests/portal
	@# Tests of real machines wait more than they compute: what only computes goes beside them, and yields to them.
	@tools/beside 'nice -n 19 $(PYTEST) --durations=10 -n 2 $(CHOSEN) tests/quality tests/playbooks tests/versions' \
		'$(PYTEST) --durations=10 tests/lab_docker tests/roles tests/platform'

test-fast: .venv/ready ## unit tests and tests against the null driver only
	$(PYTEST) --durations=10 -n 4 tests/unit tests/lab tests/modules tests/playbooks

lint: .venv/ready ## ruff, ansible-lint, ansible-test sanity, documentation lint
	$(PYTEST) tests/quality

bench: .venv/ready ## speed of the collection and of the portal, beside what people use today
	tools/bootstrap bench-packages
	$(MAKE) --keep-going bench-collection bench-portal

.PHONY: bench-collection bench-portal
bench-collection:
	$(BIN)/python -m tests.bench

bench-portal:
	$(MAKE) -C portal bench

docs: .venv/ready ## the documentation site, docs/build/index.html
	@install -d -m 755 docs/reference
	PATH="$(CURDIR)/$(BIN):$$PATH" antsibull-docs --config-file docs/antsibull-docs.cfg collection --use-current \
		--squash-hierarchy --fail-on-error --cleanup everything --dest-dir docs/reference ensemble.jitsi
	$(BIN)/sphinx-build -q -W --keep-going docs docs/build

clean: .venv/ready ## `make down`, and drop caches and the virtual environment too
	$(LAB) clean
	tools/bootstrap stop-docker
	tools/bootstrap forget
	rm -rf .venv .cache
