# `make run` starts Switchboard, `make test` runs the tests; `make help` lists the rest.
VENV ?= .venv
PY := $(VENV)/bin/python
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help run test check format lock bench page-bench chaos soak screenshots fuzz clean
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

# One package without dependencies; where there is no npm, or no network, diagrams stay code.
node_modules/.package-lock.json: package-lock.json
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch $@ || echo "npm did not bring the library of diagrams: they stay code."

.env: .env.example
	@test -e $@ || { sed -e "s/^SECRET_KEY=.*/SECRET_KEY=$$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')/" -e "s/^KEY_ENCRYPTION_KEYS=.*/KEY_ENCRYPTION_KEYS=$$(python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())')/" .env.example > $@ && echo "Wrote .env with fresh keys of its own."; }
	@touch $@

run: $(VENV)/runtime .env node_modules/.package-lock.json  ## start Switchboard with its demo account on http://127.0.0.1:$(PORT)
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py collectstatic --noinput --verbosity 0
	@$(PY) manage.py sync_models
	@$(PY) manage.py create_demo
	@echo "Switchboard: http://127.0.0.1:$(PORT)/"
	@$(PY) -m daphne --bind 127.0.0.1 --port $(PORT) --verbosity 1 config.asgi:application

test: $(VENV)/dev node_modules/.package-lock.json  ## run the tests
	$(PY) -m pytest

check: $(VENV)/dev  ## every static check: style, types, templates, security, migrations, deployment
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m djlint templates --check --lint
	$(PY) -m bandit --quiet --configfile pyproject.toml --recursive accounts billing chat config openrouter routing
	SECRET_KEY=only-for-this-check $(PY) manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))') DEBUG=false DEMO=false HTTPS=true ALLOWED_HOSTS=chat.example.org $(PY) manage.py check --deploy --fail-level DEBUG

format: $(VENV)/dev  ## put code and templates into shape
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .
	-$(PY) -m djlint templates --reformat --quiet

lock: $(VENV)/dev  ## renew the lock files from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group telemetry -c requirements-dev.lock -o requirements-telemetry.lock

bench: $(VENV)/dev  ## time to the first token beside a direct call
	$(PY) -m tests.bench

page-bench: $(VENV)/dev  ## what the page costs a browser, against its goals (Chromium, Node.js)
	$(PY) -m tests.bench.page

chaos: $(VENV)/dev  ## kill servers, restart Redis and PostgreSQL, cut sockets: is anything lost?
	$(PY) -m tests.chaos

soak: $(VENV)/dev  ## twenty minutes at half load: does a server grow, or leave anything behind?
	$(PY) -m tests.chaos.soak

screenshots: $(VENV)/dev  ## the pictures of the README, light and dark, into docs/screenshots
	$(PY) -m tests.screenshots

fuzz: $(VENV)/dev  ## 20,000 hostile requests and frames: a 500, a dead server, memory that grows?
	$(PY) -m tests.security.fuzz --inputs 20000 --seed 1

clean:  ## remove what the other targets made, but neither .env nor the database
	rm -rf $(VENV) var/static
