# What a person types:  make app · make test · make check · make fix
# It needs make and Python 3.11 or newer, and nothing else; all goes into .venv.

VENV ?= .venv
ARGS ?=
# All tests run in two processes, the tests of a file one after another; some, as ARGS says, in one.
JOBS ?= $(if $(ARGS),0,2)
# The first Python on the PATH that all dependencies have wheels for, else any newer one;
# `make PYTHON=... app` overrules it.
PYTHON ?= $(shell for newest in 13 99; do for python in python3 python3.13 python3.12 python3.11 python; \
	do "$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $$newest))" \
	2>/dev/null && echo "$$python" && exit; done; done)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help app test check fix docs install-app install lock cards messages build system clean distclean

help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

app: install-app ## Open the page in the browser (installs what it needs first)
	$(BIN)/hilum app $(ARGS)

test: install ## Run the tests; ARGS="tests/io -k window" runs some of them
	$(BIN)/python -m pytest -rs --numprocesses=$(JOBS) --dist=loadfile $(ARGS)

# With --quiet, mkdocs would count no warning, and --strict would let all of them pass.
check: install ## Read the code and the documentation; change nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict

fix: install ## Let ruff repair and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## Show the documentation in the browser while it is being written
	$(BIN)/mkdocs serve

build: install ## Write the wheel and the source archive to dist/
	$(BIN)/hatchling build

# The two sets share one .venv: `make app` fetches no torch, and `make test` adds the rest.
install-app: $(VENV)/.installed-app ## Install hilum, the page and its sample films
install: $(VENV)/.installed-dev ## Install everything, training and development tools too

$(VENV)/.installed-%: constraints/%.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement $<
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "hilum needs Python 3.11 or newer, and there is none on the PATH." >&2; \
		echo "Install one, or say where it is: make PYTHON=/path/to/python3.12 app" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
		f"hilum needs Python 3.11 or newer; $(PYTHON) is {v.major}.{v.minor}. Say which to use: \
	make PYTHON=python3.12 app")'
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu:" \
			"apt-get install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# Pins stay as they are where they still fit; `make lock ARGS=--upgrade` takes the newest.
# dev.txt is resolved first and holds the others to the same versions.
lock: install ## Resolve the dependencies again and write constraints/
	$(LOCK) --all-extras --group dev --output-file constraints/dev.txt
	$(LOCK) --extra app --extra samples --group build --constraints constraints/dev.txt \
		--output-file constraints/app.txt
	$(LOCK) --constraints constraints/dev.txt --output-file constraints/base.txt

# All are copies of what the specs say; the tests compare them.
cards: install ## Write the model cards and the tables of the shipped models from their specs
	@for spec in src/hilum/zoo/*.json; do name=$$(basename $$spec .json); \
		$(BIN)/hilum models card $$name > docs/models/$$name.md || exit 1; done
	$(BIN)/python tests/shipped_tables.py

# A translation is written by hand, in src/hilum/locale/*/LC_MESSAGES/hilum.po; then run it again.
messages: install ## Collect what hilum says into the catalogues and compile them
	$(BIN)/python tests/messages.py

# What pip cannot bring: the browser that the page is tested in, and the server for the journal.
# Debian's PostgreSQL would make a cluster and start it; only its programs are wanted.
system: ## Install the Debian packages that the tests use (needs root)
	@wanted=""; \
	for browser in $$HILUM_CHROMIUM chromium chromium-browser google-chrome none; do \
		if command -v "$$browser" >/dev/null; then \
			echo "make system: $$browser is here"; break; fi; done; \
	if [ "$$browser" = none ]; then wanted="chromium fonts-dejavu-core"; fi; \
	if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		echo "make system: PostgreSQL is here"; \
	else wanted="$$wanted postgresql"; fi; \
	if [ -z "$$wanted" ]; then \
		echo "make system: nothing to install"; \
	elif ! command -v apt-get >/dev/null; then \
		echo "make system: SKIPPED, there is no apt-get here. Install another way: $$wanted;" \
			"without Chromium the tests marked 'browser' are skipped, without PostgreSQL" \
			"those marked 'postgres'."; \
	elif [ "$$(id -u)" != 0 ]; then \
		echo "make system: SKIPPED, only root can install packages. Run: sudo make system;" \
			"without Chromium the tests marked 'browser' are skipped, without PostgreSQL" \
			"those marked 'postgres'."; \
	else \
		export DEBIAN_FRONTEND=noninteractive; \
		mkdir -p /etc/postgresql-common/createcluster.d && \
		echo "create_main_cluster = false" \
			> /etc/postgresql-common/createcluster.d/hilum-tests.conf && \
		apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends $$wanted; \
	fi

clean: ## Remove what was built and cached
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove the virtual environment too
	rm -rf $(VENV)
