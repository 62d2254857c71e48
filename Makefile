# `make demo` and `make test` set everything up by themselves. Nothing is installed outside of this folder.
# PYTHON=... chooses the interpreter, TORCH_INDEX=... the package index for torch (empty: pip's own configuration alone).

MODEL ?= mini
override PROMPT := $(value PROMPT)
override MODEL := $(value MODEL)
export PROMPT MODEL

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin
PINS := pyproject.toml constraints.txt tools/environment.py
TEST_ENVIRONMENT := HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TQDM_DISABLE=1 PATH="$(CURDIR)/$(BIN):$$PATH"
PYTEST := $(TEST_ENVIRONMENT) $(BIN)/python -m pytest

.PHONY: demo lab test lint types frontend unit notebooks browser peers bench strip wheel pins clean help
.DEFAULT_GOAL := help

help:
	@echo "make demo [PROMPT=\"...\"] [MODEL=gpt2]   the logit lens on a prompt: a table here, an interactive page in demo.html"
	@echo "make lab                               the first tutorial in JupyterLab"
	@echo "make test                              lint, types, front end, unit tests, tutorials"
	@echo "make peers                             the same numbers as TransformerLens, in an environment of its own"
	@echo "make bench                             speed against TransformerLens and nnsight"
	@echo "make strip                             what a notebook must not carry when it is committed, removed"

demo: .venv/.notebook
	@$(BIN)/mi-nb demo --model="$$MODEL" $(if $(PROMPT),--prompt="$$PROMPT")

lab: .venv/.notebook
	$(BIN)/jupyter lab $(shell [ "$$(id -u)" = 0 ] && echo --allow-root) tutorials/00_start_here.ipynb

test: lint types frontend unit notebooks

lint: .venv/.dev
	$(BIN)/ruff check .

types: .venv/.dev
	$(TEST_ENVIRONMENT) $(BIN)/pyright

frontend: widgets/node_modules/.installed
	cd widgets && export $(TEST_ENVIRONMENT) && npm run check && npm test

unit: .venv/.dev browser
	$(PYTEST) -m "not serial" --numprocesses=logical --dist=loadfile
	$(PYTEST) -m serial

browser: .venv/.dev
	@$(BIN)/python -m tools.browser

notebooks: .venv/.dev
	$(BIN)/python -m tools.notebooks check
	OMP_NUM_THREADS=1 $(PYTEST) --nbval --nbval-current-env --nbval-cell-timeout=120 --numprocesses=logical --dist=loadfile tutorials

strip: .venv/.dev
	$(BIN)/python -m tools.notebooks strip

peers: .venv-peers/.peers
	HF_HUB_OFFLINE=1 .venv-peers/bin/python -m pytest tests/peers

bench: .venv-peers/.bench
	.venv-peers/bin/python -m benchmarks

wheel: .venv/.dev
	$(BIN)/python -m build --no-isolation --outdir dist

.venv/.notebook: $(PINS)
	@$(PYTHON) tools/environment.py .venv notebook
	@touch $@

.venv/.dev: $(PINS)
	@$(PYTHON) tools/environment.py .venv dev $(shell command -v npm >/dev/null || echo node)
	@touch .venv/.notebook $@

.venv-peers/.peers: $(PINS)
	@$(PYTHON) tools/environment.py .venv-peers peers
	@touch $@

.venv-peers/.bench: $(PINS)
	@$(PYTHON) tools/environment.py .venv-peers bench
	@touch .venv-peers/.peers $@

widgets/node_modules/.installed: widgets/package.json widgets/package-lock.json | .venv/.dev
	cd widgets && $(TEST_ENVIRONMENT) npm ci --no-audit --no-fund
	@touch $@

pins: .venv/.dev
	$(BIN)/python -m pip install --quiet uv
	printf 'torch==2.13.0\n' | $(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.10 \
		--fork-strategy fewest --upgrade --no-annotate --no-header --constraint - \
		| grep -Ev '^(cuda-|nvidia-|triton)' > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf .venv .venv-peers widgets/node_modules dist demo.html
