# make demo    a sample archive, ingested and queried; LIGHT=1 installs 0.7 GB in place of 6.6: without kraken
# make test    every test, with a real Redis and a real PostgreSQL

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The environment is made again when what it holds has changed, and not otherwise: offline it is left alone.
READY := $(VENV)/.ready$(if $(LIGHT),-light)

.PHONY: help install demo test lint bench bench-one bench-fleet bench-ask bench-stores bench-web chaos fuzz compose-test clean

help:
	@sed -n 's/^# make/make/p' Makefile

install: $(READY)

$(READY): pyproject.toml constraints.txt
	PYTHON="$(PYTHON)" VENV="$(VENV)" LIGHT="$(LIGHT)" sh ./install.sh
	@touch $(READY)

demo: $(READY)
	$(BIN)/python -m samples.demo

# What failed beside the tests of another core is run once more, alone: that says whether time was the reason.
AGAIN = $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile || $(AGAIN)

# make lint    the checkers alone
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# make bench   the page engine beside kraken's own functions, as ratios
bench: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.page_engine

# make bench-one   one page from prompt to prompt
bench-one: $(READY)
	$(BIN)/python -m benchmarks.one_page

# make bench-fleet   what the fleet's protocol costs and how it scales, on real servers; a million page rows
bench-fleet: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.fleet

# make bench-ask   what readers ask of ten million boxes, on both databases; FOLDER=F keeps them for the next run
bench-ask: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.ask_the_archive $(if $(FOLDER),--folder $(FOLDER))

# make bench-stores   keys of object stores listed and stored, and one page out of a large ZIP
bench-stores: $(READY)
	$(BIN)/python -m benchmarks.stores

# make bench-web   how fast the pages answer; FOLDER=F keeps a database of ten million boxes for the next run
bench-web: $(READY)
	$(BIN)/python -m benchmarks.web $(if $(FOLDER),--folder $(FOLDER))

# make chaos   a fleet under every fault at random for some minutes; SEED=N repeats the draw
chaos: $(READY)
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED))

# make fuzz    broken and hostile inputs of every kind for some minutes, their seed printed; SEED=N repeats the draw
fuzz: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz $(if $(SEED),--seed $(SEED))

# make compose-test   the fleet of docker-compose.yml, built, killed, taken down and up again; needs a Docker engine
compose-test: $(READY)
	BROADSHEET_COMPOSE_TEST=1 $(BIN)/python -m pytest -s -rs tests/integration/test_compose.py

# make clean   remove the environment and the demonstration
clean:
	rm -rf $(VENV) .venv-light demo
