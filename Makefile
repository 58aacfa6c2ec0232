# Each target makes .venv by itself where it is missing or out of date.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
LECTURE ?= 05_momentum
# Jupyter refuses to run as root unless told
LAB_FLAGS ?= $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: demo test lab build verify bench clean

demo: $(READY)        ## grade a class of 24 made from the bank of unit 05, end to end
	$(BIN)/grader demo

test: $(READY)        ## everything that must hold
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal

lab: $(READY)         ## JupyterLab in this folder, with a lecture open
	$(BIN)/jupyter lab --ServerApp.root_dir='$(CURDIR)' --LabApp.default_url=/lab/tree/lectures/$(LECTURE).ipynb $(LAB_FLAGS)

build: $(READY)       ## text sources -> notebooks (lectures executed, student versions made)
	$(BIN)/grader build

verify: $(READY)      ## the tests are tested, for every unit
	$(BIN)/grader verify

bench: $(READY)       ## grading speed against stock nbgrader, as ratios
	$(BIN)/grader bench

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[lab,grader,cluster,test]'
	touch $(READY)

clean:
	rm -rf $(VENV) runs
