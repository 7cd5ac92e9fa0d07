# `make demo` and `make test` need git, make and Python 3.11 or newer. Everything else they install into .venv.
PYTHON ?= python3
BIN := .venv/bin
VIGILITY := $(BIN)/vigility --database demo/demo.db
PYTEST_OPTIONS ?=
NOT_FAST := postgres or server or browser or slow

.PHONY: demo test test-fast lint coverage bench docs wheel clean

demo: .venv/installed ## a demo database, its report in the terminal and its charts as a PNG
	@mkdir -p demo
	@$(VIGILITY) seed --yes --random-seed 1
	@$(VIGILITY) report --feature date_filter --png demo/report.png
	@echo
	@echo "The charts are in demo/report.png, the database is demo/demo.db. Next:"
	@echo
	@echo "  source .venv/bin/activate"
	@echo "  export DATABASE_URL=sqlite:///demo/demo.db"
	@echo "  vigility track export_data --user user2"
	@echo "  vigility report --gender Female --feature export_data"
	@echo "  vigility --help"

test: .venv/installed-dev ## all tests; those that need a missing program are skipped, with the reason
	$(BIN)/pytest -n auto --dist loadscope -rs $(PYTEST_OPTIONS) # scopes: tests/support/xdist_scheduler.py

test-fast: .venv/installed-dev ## under a minute: no PostgreSQL, server or browser, and fewer Hypothesis examples
	VIGILITY_TEST_PROFILE=fast $(BIN)/pytest -n auto --dist loadscope -m "not ($(NOT_FAST))" $(PYTEST_OPTIONS)

lint: .venv/installed-dev ## linter, formatter, types, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

coverage: .venv/installed-dev ## the core must be covered completely, including branches
	$(BIN)/pytest tests/core tests/adapters -n auto --cov --cov-branch --cov-report=term-missing --cov-fail-under=100

bench: .venv/installed-dev ## the benchmarks behind docs/benchmarks.md, about half an hour; as JSON in artifacts/benchmarks.jsonl
	@mkdir -p artifacts
	$(BIN)/python benchmarks/run.py artifacts/benchmarks.jsonl

docs: .venv/installed-dev ## the generated parts of the documentation
	$(BIN)/python docs/make_cli_reference.py
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_dashboard_picture.py

wheel: .venv/installed-dev ## dist/vigility-VERSION-py3-none-any.whl
	$(BIN)/python -m build --wheel --outdir dist

clean: ## deletes everything that git ignores
	git clean -fdX

# These files record an installation. A newer pyproject.toml makes it happen again.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vigility needs Python 3.11 or newer: make PYTHON=/path/to/it")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --quiet --editable . --group dev
	@touch $@
