# Two commands: `make demo` and `make test`. Each sets everything up that it needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Not the command itself: a virtual environment made by hand has that too, without what developing needs.
READY  := $(VENV)/ready
PHOTOS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint types layers unit clean

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("photos-engine needs Python 3.11 to 3.13; choose one with PYTHON=python3.12" if not (3, 11) <= sys.version_info[:2] <= (3, 13) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,demo]'
	@touch $@

demo: $(READY)  ## index photographs and show what the engine finds (PHOTOS=folder for your own)
	$(BIN)/python -m photos_engine.demo $(if $(PHOTOS),--photos "$(PHOTOS)")

test: lint types layers unit  ## everything that has to pass

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy and import-linter can't follow the editable mapping, so they look at the tree as it installs.
build/check: $(READY) $(shell find photos_engine analyzers models migrations -name '*.py' 2>/dev/null)
	rm -rf build  # setuptools would put deleted modules of an earlier build into the new one
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/check .
	@touch $@

types: build/check
	cd build/check && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p photos_engine

layers: build/check
	cd build/check && ../../$(BIN)/lint-imports --config ../../pyproject.toml

unit: $(READY)
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

clean:  ## remove what these commands made
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
