# `make run` starts Switchboard, `make test` runs the tests; `make help` lists the rest.
VENV ?= .venv
PY := $(VENV)/bin/python
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help run test check format lock bench chaos soak clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/runtime: requirements.lock
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

$(VENV)/dev: requirements-dev.lock
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $(VENV)/runtime $@

.env: .env.example
	@test -e $@ || { sed "s/^SECRET_KEY=.*/SECRET_KEY=$$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')/" .env.example > $@ && echo "Wrote .env with a fresh secret key."; }
	@touch $@

run: $(VENV)/runtime .env  ## start Switchboard with its demo account on http://127.0.0.1:$(PORT)
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py collectstatic --noinput --verbosity 0
	@$(PY) manage.py sync_models
	@$(PY) manage.py create_demo
	@echo "Switchboard: http://127.0.0.1:$(PORT)/"
	@$(PY) -m daphne --bind 127.0.0.1 --port $(PORT) --verbosity 1 config.asgi:application

test: $(VENV)/dev  ## run the tests
	$(PY) -m pytest

check: $(VENV)/dev  ## every static check: style, types, templates, migrations, deployment
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m djlint templates --check --lint --quiet
	SECRET_KEY=only-for-this-check $(PY) manage.py makemigrations --check --dry-run

format: $(VENV)/dev  ## put code and templates into shape
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .
	-$(PY) -m djlint templates --reformat --quiet

lock: $(VENV)/dev  ## renew the lock files from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

bench: $(VENV)/dev  ## time to the first token beside a direct call
	$(PY) -m tests.bench

chaos: $(VENV)/dev  ## kill servers, restart Redis and PostgreSQL, cut sockets: is anything lost?
	$(PY) -m tests.chaos

soak: $(VENV)/dev  ## twenty minutes at half load: does a server grow, or leave anything behind?
	$(PY) -m tests.chaos.soak

clean:  ## remove what the other targets made, but neither .env nor the database
	rm -rf $(VENV) var/static
