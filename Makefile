# The front door. `make results` and `make test` do all the set-up on a bare machine.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# What a user gives reaches a recipe through the environment, as it is: neither make nor the shell expands it.
CORES ?= all
CONFIG ?= config/config.yaml
override CORES := $(value CORES)
override CONFIG := $(value CONFIG)
override ID := $(value ID)
override CSV := $(value CSV)
override STUDY := $(value STUDY)
override FILE := $(value FILE)
override XLSX := $(value XLSX)
override MEASURE := $(value MEASURE)
override BETTER := $(value BETTER)
override REFERENCE := $(value REFERENCE)
override A := $(value A)
override B := $(value B)
export CORES CONFIG ID CSV STUDY FILE XLSX MEASURE BETTER REFERENCE A B
NETWORK = $(BIN)/secondline new-network --measure="$$MEASURE" --better="$$BETTER" --reference="$$REFERENCE"

.PHONY: help setup results check preview diff new-network import new-study import-studies test test-all validate bench calibrate lint format lock schemas notebook readme-figure docs clean

help: ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

$(READY): envs/requirements-dev.txt pyproject.toml envs/setup.sh
	@bash envs/setup.sh $(VENV)
	@touch $@

setup: $(READY) ## make .venv and install the locked packages

results: $(READY) ## run the whole pipeline into results/; another configuration: make results CONFIG=my.yaml
	@$(BIN)/secondline run --configfile="$$CONFIG" --cores="$$CORES"

check: $(READY) ## validate and audit the sheets in seconds, without fitting; CONFIG=my.yaml, STUDY=smith_2027
	@$(BIN)/secondline check --configfile="$$CONFIG" --study="$$STUDY"

preview: $(READY) ## say in seconds what an edit changes against the last run, without sampling; CONFIG=my.yaml
	@$(BIN)/secondline preview --configfile="$$CONFIG"

diff: $(READY) ## say what changed between two runs and what caused it: make diff A=results-old B=results
	@$(BIN)/secondline diff -- "$$A" "$$B"

new-network: $(READY) ## write a configuration for a table: make new-network FILE=trials.csv BETTER=lower
	@$(NETWORK) -- "$$FILE"

import: $(READY) ## the same, and check the data at once: make import CSV=trials.csv BETTER=lower, or XLSX=trials.xlsx
	@$(NETWORK) --check -- "$${CSV:-$$XLSX}"

new-study: $(READY) ## write a sheet to fill in: make new-study ID=smith_2027
	@$(BIN)/secondline new-study --configfile="$$CONFIG" -- "$$ID"

import-studies: $(READY) ## write sheets from a flat table: make import-studies CSV=file.csv
	@$(BIN)/secondline import --configfile="$$CONFIG" -- "$$CSV"

test: $(READY) ## run the fast tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-all: $(READY) ## run every test, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "" --hypothesis-profile new

validate: $(READY) ## run the published networks of validation/, compare every figure and write docs/validation.md
	@$(BIN)/snakemake --snakefile validation/Snakefile --cores "$$CORES"
	@$(BIN)/python scripts/validate.py --out docs/validation.md

bench: $(READY) ## time the sampler beside the textbook model
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench.py --scale

calibrate: $(READY) ## renew docs/calibration.md: every likelihood and model, simulation-based
	$(BIN)/python scripts/calibrate.py --out docs/calibration.md

lint: $(READY) ## ruff, snakefmt, mypy, snakemake --lint, and eslint where npm is there
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules validation/Snakefile
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	@if command -v npm >/dev/null; then \
	  { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent; } && npm run --silent lint; \
	else echo "eslint: skipped, as npm is missing"; fi

format: $(READY) ## reformat the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/Snakefile workflow/rules validation/Snakefile

lock: ## renew the hashed locks from envs/*.in (needs uv)
	cd envs && uv pip compile --universal --generate-hashes --no-header --python-version 3.12 requirements.in -o requirements.txt
	cd envs && uv pip compile --universal --generate-hashes --no-header --python-version 3.12 -c requirements.txt requirements-dev.in -o requirements-dev.txt

schemas: $(READY) ## renew config/schemas and config/README.md from the models
	$(BIN)/secondline schemas
	$(BIN)/secondline reference

notebook: $(READY) ## run docs/notebooks/first_network.md and write it with its output
	$(BIN)/python docs/notebooks/build.py docs/notebooks/first_network.md

readme-figure: $(READY) ## renew the picture of the README from results/ (needs a browser)
	$(BIN)/python scripts/picture.py results/primary/report.html docs/report.png

docs: $(READY) ## build the site of README, docs/ and the API into site/; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean: ## remove results, logs and caches
	rm -rf site results/*/ results/.*.made.json logs .snakemake .cache
