# Everything a developer runs. Each target installs what it needs into .venv, and works from a fresh clone.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# A browser for reports; images without a Docker engine; a shell without a network.
DEBIAN := chromium chromium-driver buildah debootstrap iproute2

.PHONY: help setup demo test lint types docs pages test-fast test-slow test-wild wild-convert bench accuracy clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $(STAMP)

setup: $(STAMP) ## Make the environment in .venv

demo: $(STAMP) ## Audit the example repository and show the report
	$(BIN)/mlready audit examples/churn

test: lint types test-fast docs ## Everything that a change must pass

lint: $(STAMP) ## Style and formatting
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests

types: $(STAMP) ## Strict type checking
	$(BIN)/mypy

test-fast: $(STAMP) ## The test suite without what takes minutes
	$(BIN)/python -m pytest -m "not slow" -n auto -q

docs: $(STAMP) ## Build the documentation strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

pages: $(STAMP) ## Write the reference pages and the README's report from rules/
	$(BIN)/python scripts/pages.py

test-slow: $(STAMP) ## What takes minutes, Debian packages or large installs; writes what was run into docs/options.md
	dpkg -s $(DEBIAN) >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq $(DEBIAN); }
	rm -rf build/options
	$(BIN)/python -m pytest -m slow -q
	$(BIN)/python scripts/document_options.py

test-wild: $(STAMP) ## Audit public source distributions and compare with the recorded summary
	$(BIN)/python -m tests.wild

wild-convert: $(STAMP) ## Convert public notebooks and write docs/conversion.md
	$(BIN)/python -m tests.benchmarks.convert

bench: $(STAMP) ## Speed as ratios to a floor measured in the same run
	$(BIN)/python -m tests.benchmarks.bench

accuracy: $(STAMP) ## Agreement with labels; writes docs/accuracy.md
	$(BIN)/python -m tests.benchmarks.accuracy

clean: ## Remove what the other targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis site dist build
