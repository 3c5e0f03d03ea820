# make play    set up and play          make test    set up and run every test that needs no hardware
# make kernels rebuild the C kernels    make wheel   dist/antiphon-*.whl
# make clean   remove what was built    make distclean  and the environment
#
# PYTHON=python3.12 picks the interpreter the environment is made with; ARGS="--driver dummy" is handed to play and test.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
# The interpreter `make kernels` builds for: the environment's where there is one.
PY     ?= $(if $(wildcard $(VENV)/bin/python),$(VENV)/bin/python,$(PYTHON))
# onnxruntime and onnxruntime-gpu exclude each other: gpu where an NVIDIA driver answers, cpu elsewhere.
ORT    ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
SOURCES = pyproject.toml setup.py kernels/describe.py $(wildcard kernels/src/*.c kernels/src/*.h kernels/include/*.h)
# Python remembers the compiler it was built with; use the one that is here.
export CC := $(if $(filter default,$(origin CC)),cc,$(CC))
export LDSHARED = $(CC) -shared
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: play test kernels wheel clean distclean
.DELETE_ON_ERROR:

play: $(VENV)/.play
	@$(VENV)/bin/antiphon play $(ARGS)

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest $(ARGS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'antiphon: $(PYTHON) is older than 3.11 or missing; try: make $(MAKECMDGOALS) PYTHON=python3.11'; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'antiphon: $(PYTHON) cannot make environments; install them with: sudo apt install python3-venv'; exit 2; }
	@echo '#include <math.h>' | $(CC) -E - >/dev/null 2>&1 || \
	  { echo 'antiphon: no C compiler ($(CC)); install one with: sudo apt install gcc libc6-dev'; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.play: $(VENV)/bin/python $(SOURCES)
	$(VENV)/bin/python -m pip install --quiet --editable '.[$(ORT),midi,oscquery,provenance]'
	@touch $@

$(VENV)/.test: $(VENV)/bin/python $(SOURCES)
	$(VENV)/bin/python -m pip install --quiet --editable '.[$(ORT),midi,oscquery,provenance,dev]'
	@touch $@

kernels:
	$(PY) setup.py --quiet build_ext --inplace

wheel: $(VENV)/.test
	$(VENV)/bin/python -m build --wheel --no-isolation

clean:
	rm -rf build dist engine/*.egg-info engine/antiphon/_kernels.py engine/antiphon/_libkernels*.so $(VENV)/.play $(VENV)/.test
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
