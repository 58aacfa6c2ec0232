# Each target makes .venv by itself where it is missing or out of date.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
WITH_SITE := $(VENV)/with_site
# `make lab LECTURE=05_momentum` opens that lecture as the course has it, for its authors
PAGE   := $(if $(LECTURE),lectures/$(LECTURE).ipynb,work/START.ipynb)
# Jupyter refuses to run as root unless told
LAB_FLAGS ?= $(if $(filter 0,$(shell id -u)),--allow-root)

# tests that run no notebook, no class and no browser
QUICK := tests/trainlab tests/source tests/test_house.py tests/build/test_coursemap.py tests/pages/test_accessibility.py \
         $(addprefix tests/engine/test_,codec.py examiner.py plan.py preload.py student.py submission.py)

# workers on two cores: PyTorch's own threads would only wait for each other
test check: export OMP_NUM_THREADS := 1
PYTEST := $(BIN)/python -m pytest --dist loadscope --no-loadscope-reorder # groups and their order: tests/conftest.py

.PHONY: demo test check lab build verify site bench colab clean

demo: $(READY)        ## grade a class of 24 made from the bank of unit 05, end to end
	$(BIN)/grader demo

test: $(WITH_SITE)    ## everything that must hold
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -n 3 --durations=40 # one of three often waits

check: $(READY)       ## at every save, in a minute: lint, types, and the tests that run no notebook, no class and no browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -n 2 -q -m "not slow" $(QUICK)

lab: $(READY)         ## JupyterLab in this folder, with the start page open: the course map and your own copies, in work/
	$(BIN)/grader start
	JUPYTER_CONFIG_PATH='$(CURDIR)/.jupyter' $(BIN)/jupyter lab --ServerApp.root_dir='$(CURDIR)' --LabApp.default_url=/lab/tree/$(PAGE) $(LAB_FLAGS)

build: $(READY)       ## text sources -> notebooks (lectures executed, student versions made)
	$(BIN)/grader build

verify: $(READY)      ## the tests are tested, for every unit
	$(BIN)/grader verify

site: $(WITH_SITE)    ## the course as a website, in site/: no kernel, no server, no network
	$(BIN)/grader site

bench: $(READY)       ## grading speed against stock nbgrader, as ratios
	$(BIN)/python -m tests.benchmarks.bench_grading 05_momentum --sizes

colab: $(READY)       ## every assignment and every lecture as on Colab, in an environment of its own (`make test` runs one lecture)
	COLAB_LECTURES=all $(BIN)/python -m pytest tests/course/test_colab.py

$(READY): pyproject.toml constraints.txt .jupyter/labconfig/default_setting_overrides.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[lab,grader,cluster,test]'
	mkdir -p $(VENV)/etc/jupyter/labconfig && cp .jupyter/labconfig/default_setting_overrides.json $(VENV)/etc/jupyter/labconfig/
	touch $(READY)

$(WITH_SITE): $(READY)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[site]'
	touch $(WITH_SITE)

clean:
	rm -rf $(VENV) runs
