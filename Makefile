# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON := .venv/bin/python

.PHONY: help demo test lint format bench setup clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

demo: ## the whole path on real input: simulate, export, build, boot, verify
	@tools/setup.sh demo
	@.venv/bin/qembed demo

test: setup lint ## everything that must be true: linters, tests, figures
	$(PYTHON) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: setup ## ruff, mypy, cython-lint, clang-format, cppcheck, import-linter
	@tools/lint.sh

format: setup ## reformat Python and C
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix --quiet .
	.venv/bin/clang-format -i $$(git ls-files '*.c' '*.h')

bench: setup ## the claims that need more time than a test may take
	for script in bench/*.py; do $(PYTHON) $$script || exit 1; done

setup:
	@tools/setup.sh dev

clean: ## delete what was built
	rm -rf build dist .venv *.egg-info qembed/_host/*.so
