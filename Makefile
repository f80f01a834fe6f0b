.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-faults coverage bench soak lint format protos protos-check lock clean

PYTHON ?= $(shell python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo python3 || echo python3.11)
BIN := .venv/bin

help: ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/' | awk -F': ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

install: .venv/installed ## set up .venv with everything for development
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo,postgres,server]' --group dev
	touch $@

demo: install ## start a server, synchronise ISO 3166 through it, and verify every object
	$(BIN)/python client/examples/iso3166/demo.py

serve: install ## start a server that knows the ISO 3166 connector
	INTEGRATIONBUS_CONNECTORS=integrationbus.connectors.iso3166:Iso3166Connector $(BIN)/integrationbus serve

test: install ## run all tests
	$(BIN)/pytest --numprocesses auto --dist loadfile

test-faults: install ## break servers in every known way for many minutes, and check all promises; SEED=... repeats a run
	$(BIN)/pytest --numprocesses auto --dist worksteal -m faults --faults-seed='$(SEED)' tests/faults

coverage: install ## run all tests, and show what they do not reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: .venv/bench-installed ## measure how fast the bus is here, beside its limits and others; ONLY="unary door" asks less
	$(BIN)/python -m bench $(ONLY)

.venv/bench-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	touch $@

soak: install ## keep a server busy, and see whether it grows; SECONDS=1800 takes half an hour
	$(BIN)/python -m bench.soak $(SECONDS)

lint: install ## check style, types, imports and protos
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint

format: install ## format the code, and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# An older compiler on purpose: the code that it generates works with every protobuf that users may have.
.venv-protos/installed: Makefile
	$(PYTHON) -m venv .venv-protos
	.venv-protos/bin/python -m pip install --quiet grpcio-tools==1.76.0 mypy-protobuf==5.1.0 'setuptools<81'
	touch $@

PROTOC = .venv-protos/bin/python -m grpc_tools.protoc -I protos
PROTOC_MYPY = --plugin=.venv-protos/bin/protoc-gen-mypy --plugin=.venv-protos/bin/protoc-gen-mypy_grpc
PROTOS_OUT = protos
V1 = protos/integrationbus/v1

protos: .venv-protos/installed ## generate Python from the protos, beside them
	$(PROTOC) $(PROTOC_MYPY) --python_out=$(PROTOS_OUT) --mypy_out=quiet:$(PROTOS_OUT) \
	    $(V1)/*.proto protos/integrationbus/examples/*/v1/*.proto
	$(PROTOC) $(PROTOC_MYPY) --grpc_python_out=$(PROTOS_OUT) --mypy_grpc_out=quiet:$(PROTOS_OUT) $(V1)/*_service.proto
	$(PROTOC) --include_source_info --descriptor_set_out=$(PROTOS_OUT)/integrationbus/v1/enums.binpb $(V1)/enums.proto $(V1)/errors.proto

protos-check: ## fail when the generated Python is not that of the protos
	@rm -rf build/protos && mkdir -p build/protos
	@$(MAKE) --no-print-directory --silent protos PROTOS_OUT=build/protos
	@diff -r -x '*.proto' -x py.typed -x __pycache__ build/protos protos \
	    || { echo 'The generated code is out of date: run "make protos" and commit what it changes.' >&2; exit 1; }

lock: install ## renew constraints.txt with the newest versions that fit
	$(BIN)/uv pip compile pyproject.toml --all-extras --group bench --group dev --universal --python-version 3.11 --upgrade \
	    --no-annotate --custom-compile-command 'make lock' --quiet --output-file constraints.txt

clean: ## remove everything that was made
	rm -rf .venv .venv-protos .demo build dist htmlcov .coverage* .*_cache .hypothesis
	find bench client connectors protos server tests -name __pycache__ -prune -exec rm -rf {} +
