# Everything is run from here; .ci/run is `make check test` on a fresh machine.
# Another Python: make setup PYTHON=/path/to/python3

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt lock clean compiled profile bench bench-check bench-growth bench-peers \
	kills fuzz soak chaos sim sim-planted
BIN := .venv/bin
# Word for word what a step says and takes: $(call timed,what is done,command)
timed = @begun=$$(date +%s); echo "$(1) ..."; $(2) || { code=$$?; \
	echo "$(1) FAILED (make $@). $(3)"; exit $$code; }; \
	echo "$(1): done in $$(( $$(date +%s) - begun )) s"

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
		awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

setup: ## make .venv with the locked packages, and fetch the embedded Kafka (once)
	@PYTHON='$(PYTHON)' .ci/setup

demo: setup ## run the main job on an embedded Kafka, about a minute (SCENARIO=rollout: weeks)
	@$(BIN)/tollgate demo --scenario '$(or $(SCENARIO),minute)'

test: setup ## run all tests, on a real broker
	@$(BIN)/python -m pytest

check: setup ## lint, format, types and borders; changes nothing
	$(call timed,lint (ruff),$(BIN)/ruff check,Mend what it names; make fmt mends some.)
	$(call timed,format (ruff format),$(BIN)/ruff format --check --quiet,Run make fmt.)
	$(call timed,types (mypy --strict),$(BIN)/mypy,Mend what it names.)
	$(call timed,borders (import-linter),$(BIN)/lint-imports --no-logo,Move the import.)

fmt: setup ## format the code, and mend what lint can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command 'make lock'

lock: setup ## write requirements/*.txt anew from pyproject.toml (needs the network)
	$(call timed,requirements/runtime.txt,$(COMPILE) pyproject.toml \
		-o requirements/runtime.txt,Read what uv says.)
	$(call timed,requirements/embedded.txt,$(COMPILE) pyproject.toml --extra embedded \
		-c requirements/runtime.txt -o requirements/embedded.txt,Read what uv says.)
	$(call timed,requirements/dev.txt,$(COMPILE) pyproject.toml --all-extras \
		-c requirements/embedded.txt -o requirements/dev.txt,Read what uv says.)
	$(call timed,requirements/quix.txt,$(COMPILE) requirements/quix.in \
		-o requirements/quix.txt,Read what uv says.)

clean: ## remove .venv, caches and the demo's data (not the fetched Kafka)
	rm -rf .venv data build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

bench: setup ## measure throughput and latency of one worker, also into build/bench.md
	@$(BIN)/python -m tests.figures.bench

bench-check: setup ## whether an event costs more than it did, against a fixed job (two minutes)
	@$(BIN)/python -m tests.figures.check $(if $(SEED),--seed '$(SEED)')

bench-growth: setup ## what 5,000,000 keys cost: an event, memory, coming back (KEYS=n ENGINE=ours)
	@$(BIN)/python -m tests.peers.growth $(if $(KEYS),--keys '$(KEYS)') \
		$(if $(ENGINE),--engine '$(ENGINE)')

compiled: setup ## build the optional native modules into build/compiled (needs a C compiler)
	@$(BIN)/python -m tests.compiled.build

profile: setup ## where a worker's time goes: build/profile.svg, a flame graph, and profile.md
	@$(BIN)/python -m tests.figures.profile

bench-peers: setup ## one job on ours and its peers (ENGINES=a,b ONLY=speed|latency REPEAT=3 EVENTS=n)
	@$(BIN)/python -m tests.peers.bench --engines '$(ENGINES)' --repeat '$(or $(REPEAT),3)' \
		$(if $(EVENTS),--events '$(EVENTS)') $(if $(SEED),--seed '$(SEED)') \
		$(if $(ONLY),--only '$(ONLY)') --minutes '$(or $(MINUTES),90)'

kills: setup ## kill -9 the worker ten times in a run of 100,000 events, and audit it
	@$(BIN)/python -m tests.figures.kills

chaos: setup ## real faults on a real broker (ROWS=name,name SEEDS=3 SEED=n), also into build/chaos*.md
	@$(BIN)/python -m tests.chaos.suite --rows '$(ROWS)' $(if $(SEEDS),--seeds '$(SEEDS)') \
		$(if $(SEED),--seed '$(SEED)')

fuzz: setup ## any bytes, 1,000,000 to each target (INPUTS=n TARGET=name SEED=n INPUT=n)
	@$(BIN)/python -m tests.fuzz --inputs '$(or $(INPUTS),1000000)' \
		$(if $(TARGET),--target '$(TARGET)') $(if $(SEED),--seed '$(SEED)') \
		$(if $(INPUT),--input '$(INPUT)')

soak: setup ## faults every few seconds under load (MINUTES=2.. RATE=100.. SEED=n), audited
	@$(BIN)/python -m tests.soak --minutes '$(or $(MINUTES),10)' --rate '$(or $(RATE),2000)' \
		$(if $(SEED),--seed '$(SEED)')

sim: setup ## simulate 10,000 seeds of faults (SEEDS=n STEPS=200 MINUTES=60; SEED=n traces one)
	@$(BIN)/python -m tests.sim.suite --steps '$(or $(STEPS),200)' --minutes '$(or $(MINUTES),60)' \
		$(if $(SEEDS),--seeds '$(SEEDS)') $(if $(SEED),--seed '$(SEED)')

sim-planted: setup ## let the simulator find each fault planted in engine and gate (NAME=part)
	@$(BIN)/python -m tests.sim.planted.hunt --name '$(NAME)'
