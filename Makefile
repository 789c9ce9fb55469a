# fermiac: build, test and run. `make help` lists what there is; site settings go into config.mk (jobs/sites has examples).

VERSION := 0.1.0
-include config.mk

MODE    ?= release# release, debug, asan or coverage
ARCH    ?= native# anything -march takes; x86-64-v3 is the portable minimum
WERROR  ?=
TIER    ?= stat# fast; stat: fast and statistical; long: everything
NP      ?= 1 2 3 4
BUILD   := build/$(MODE)$(if $(filter-out native,$(ARCH)),-$(ARCH))
CORES   := $(shell nproc 2>/dev/null || echo 2)

# ---------------------------------------------------------------------------------------------------- tools and flags
CXX     := $(if $(filter default,$(origin CXX)),g++,$(CXX))
# The first python3 on the path may lack the system's packages.
PYTHON  ?= $(shell for p in /usr/bin/python3 python3; do $$p -c 'import h5py, matplotlib, xarray, h5netcdf, pytest' 2>/dev/null && { echo $$p; break; }; done)
MPIRUN  ?= mpirun -q
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT=1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
endif

PACKAGES      ?= ompi-cxx hdf5-openmpi openblas fmt tomlplusplus CLI11 libcrypto
PACKAGE_FLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
PACKAGE_LIBS  := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lhdf5_hl
TEST_LIBS     := -lboost_unit_test_framework -lquadmath

# No -ffast-math: bits must not depend on the vector width, the mode or the architecture.
FLAGS_NUMERIC  := -fno-math-errno -fno-trapping-math -ffp-contract=off $(if $(filter fuzz,$(MODE)),,-fopenmp)
FLAGS_WARNING  := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds $(if $(WERROR),-Werror)
FLAGS_release  := -O3 -march=$(ARCH) -mprefer-vector-width=512
FLAGS_debug    := -O0 -g -march=$(ARCH) -D_GLIBCXX_ASSERTIONS -DFERMIAC_DEAR_ASSERTIONS
# Undefined behaviour of addresses is left to AddressSanitizer: asking twice doubles the time to compile.
FLAGS_asan     := -O1 -g1 -march=$(ARCH) -D_GLIBCXX_ASSERTIONS -DFERMIAC_DEAR_ASSERTIONS -fno-omit-frame-pointer \
                  -fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,pointer-overflow,vptr -fno-sanitize-recover=undefined
# clang's fuzzer; without OpenMP, which nothing that it reaches needs.
FLAGS_fuzz     := -O1 -g1 -march=$(ARCH) -w -D_GLIBCXX_ASSERTIONS -DFERMIAC_DEAR_ASSERTIONS \
                  -fsanitize=fuzzer-no-link -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_coverage := -O0 -g -march=$(ARCH) --coverage
FLAGS_ARMA     := -DARMA_DONT_USE_WRAPPER -DARMA_DONT_USE_OPENMP -DARMA_DONT_USE_HDF5 $(if $(filter release,$(MODE)),-DARMA_NO_DEBUG)
# Of the tests' own code, after all others: most of it runs once, and takes longer to compile than to run.
FLAGS_TESTS_release := -O1
FLAGS_TESTS_asan    := -O0
CXXFLAGS_ALL   := -std=c++20 $(FLAGS_$(MODE)) $(FLAGS_NUMERIC) $(FLAGS_WARNING) $(FLAGS_ARMA) -Iinclude $(PACKAGE_FLAGS) $(CPPFLAGS) $(CXXFLAGS)
LDFLAGS_ALL    := $(filter -fsanitize% --coverage,$(FLAGS_$(MODE))) $(filter -fopenmp,$(FLAGS_NUMERIC)) -Wl,--as-needed $(LDFLAGS)
LIBS           := $(PACKAGE_LIBS) $(LDLIBS)
ifeq ($(FLAGS_$(MODE)),)
$(error MODE=$(MODE) is not one of release, debug, asan, coverage)
endif

COMMIT := $(shell git -c safe.directory='*' describe --always --dirty --abbrev=10 --exclude '*' 2>/dev/null || echo unknown)

# --------------------------------------------------------------------------------------------------------- what to build
SOURCES      := $(shell find src -name '*.cpp' | sort)
LIB_OBJECTS  := $(patsubst %.cpp,$(BUILD)/%.o,$(filter-out src/app/main.cpp,$(SOURCES)))
PROGRAM      := $(BUILD)/fermiac
LIBRARY      := $(BUILD)/libfermiac.a
HEADERS      := $(shell find include -name '*.hpp' | sort)

# tests/<module>/*_test.cpp make one program per module; each *_mpi_test.cpp is a program of its own, run under mpirun.
MPI_TESTS    := $(shell find tests -name '*_mpi_test.cpp' | sort)
UNIT_TESTS   := $(filter-out $(MPI_TESTS),$(shell find tests -name '*_test.cpp' | sort))
TEST_MODULES := $(sort $(foreach t,$(UNIT_TESTS),$(word 2,$(subst /, ,$t))))
SUPPORT      := $(patsubst %.cpp,$(BUILD)/%.o,$(shell find tests/support -name '*.cpp' | sort))
UNIT_BINARIES := $(TEST_MODULES:%=$(BUILD)/tests/%_test)
MPI_BINARIES  := $(MPI_TESTS:%.cpp=$(BUILD)/%)
BENCHES      := $(patsubst %.cpp,$(BUILD)/%,$(shell find tests/bench -name '*_bench.cpp' 2>/dev/null | sort))

.DEFAULT_GOAL := build
.PHONY: build demo test bench check fuzz deps deps-slurm deps-fuzz help format clean info demo-run test-run bench-run check-run fuzz-run FORCE
.SECONDARY:
.DELETE_ON_ERROR:

build: $(PROGRAM) ## build/$(MODE)/fermiac: the program (MODE=release|debug|asan|coverage, ARCH=native|x86-64-v3|...)

demo: deps ## set up, build, run the two-electron study on all cores, print its table, draw its figure
	@+$(MAKE) --no-print-directory -j$(CORES) demo-run

test: deps ## set up, build, run all tests (TIER=fast|stat|long, MODE=asan for the sanitizers)
	@+$(MAKE) --no-print-directory -j$(CORES) test-run

bench: deps ## kernel and engine benchmarks beside their floors
	@+$(MAKE) --no-print-directory -j$(CORES) bench-run

check: deps ## layers, headers that compile alone, format (WERROR=1: warnings are errors)
	@+$(MAKE) --no-print-directory -j$(CORES) check-run

# ------------------------------------------------------------------------------------------------------------- compiling
$(BUILD)/flags $(BUILD)/tests/flags: FORCE
	@mkdir -p $(@D); text='$(CXX) $(CXXFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS)$(if $(filter %/tests/flags,$@), $(FLAGS_TESTS_$(MODE)))'; \
	 [ "$$text" = "$$(cat $@ 2>/dev/null)" ] || printf '%s\n' "$$text" > $@

$(BUILD)/commit: FORCE
	@mkdir -p $(@D); [ "$(VERSION) $(COMMIT)" = "$$(cat $@ 2>/dev/null)" ] || echo "$(VERSION) $(COMMIT)" > $@

$(BUILD)/src/base/version.o: $(BUILD)/commit
$(BUILD)/src/base/version.o: DEFINES := -DFERMIAC_VERSION='"$(VERSION)"' -DFERMIAC_COMMIT='"$(COMMIT)"' -DFERMIAC_MODE='"$(MODE)"' -DFERMIAC_ARCH='"$(ARCH)"'

# Armadillo and Boost.Test take longer to read than most sources to compile: they are read once. Sources include what they use all
# the same; tests/support/main.cpp makes Boost's main and reads it by itself, as do the tests of kernels that are headers: these are
# compiled as the program is.
$(BUILD)/prelude/src.hpp $(BUILD)/prelude/tests.hpp:
	@mkdir -p $(@D); printf '#include <$(if $(filter %tests.hpp,$@),boost/test/unit_test.hpp>\n#include <)armadillo>\n' > $@
is_test = $(filter-out tests/simd/% tests/rng/%,$(filter tests/%_test.cpp,$1))
prelude = $(BUILD)/prelude/$(if $(is_test),tests,src).hpp
flags   = $(CXXFLAGS_ALL)$(if $(is_test), $(FLAGS_TESTS_$(MODE)))
$(BUILD)/prelude/src.hpp.gch: $(BUILD)/prelude/src.hpp $(BUILD)/flags
	@echo "  CXX   $@"; $(CXX) $(CXXFLAGS_ALL) -x c++-header $< -o $@
$(BUILD)/prelude/tests.hpp.gch: $(BUILD)/prelude/tests.hpp $(BUILD)/tests/flags
	@echo "  CXX   $@"; $(CXX) $(CXXFLAGS_ALL) $(FLAGS_TESTS_$(MODE)) -DBOOST_TEST_DYN_LINK -x c++-header $< -o $@

.SECONDEXPANSION:
$(BUILD)/%.o: %.cpp $(BUILD)/flags $$(call prelude,$$*.cpp).gch
	@mkdir -p $(@D); echo "  CXX   $<"
	@$(CXX) $(call flags,$<) $(if $(filter tests/%,$<),-Itests -DBOOST_TEST_DYN_LINK) $(DEFINES) -include $(call prelude,$<) -MMD -MP -c $< -o $@

$(LIBRARY): $(LIB_OBJECTS)
	@echo "  AR    $@"; rm -f $@; ar rcs $@ $^

$(PROGRAM): $(BUILD)/src/app/main.o $(LIBRARY)
	@echo "  LINK  $@"; $(CXX) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

# First and whole, so that of inline functions compiled in both, tests run the library's.
WHOLE_LIBRARY := -Wl,--whole-archive $(LIBRARY) -Wl,--no-whole-archive
define unit_program
$(BUILD)/tests/$(1)_test: $(patsubst %.cpp,$(BUILD)/%.o,$(filter tests/$(1)/%,$(UNIT_TESTS)))
endef
$(foreach module,$(TEST_MODULES),$(eval $(call unit_program,$(module))))
$(UNIT_BINARIES): $(SUPPORT) $(LIBRARY)
	@echo "  LINK  $@"; $(CXX) $(LDFLAGS_ALL) $(WHOLE_LIBRARY) $(filter %.o,$^) $(TEST_LIBS) $(LIBS) -o $@

$(MPI_BINARIES): $(BUILD)/%: $(BUILD)/%.o $(SUPPORT) $(LIBRARY)
	@echo "  LINK  $@"; $(CXX) $(LDFLAGS_ALL) $(WHOLE_LIBRARY) $(filter %.o,$^) $(TEST_LIBS) $(LIBS) -o $@

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(LIBRARY)
	@echo "  LINK  $@"; $(CXX) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

-include $(patsubst %.cpp,$(BUILD)/%.d,$(SOURCES)) $(patsubst %.cpp,$(BUILD)/%.d,$(shell find tests -name '*.cpp'))

# --------------------------------------------------------------------------------------------------------------- running
demo-run: $(PROGRAM)
	@PROGRAM=$(PROGRAM) PYTHON=$(PYTHON) MPIRUN='$(MPIRUN)' jobs/demo.sh

# Where the program of another mode or architecture is there, whole-program tests compare its bits.
test-run: $(PROGRAM) $(UNIT_BINARIES) $(MPI_BINARIES)
	@$(PYTHON) tests/run.py --build $(BUILD) --tier $(TIER) --np '$(NP)' --mpirun '$(MPIRUN)' $(UNIT_BINARIES) $(MPI_BINARIES)

bench-run: $(PROGRAM) $(BENCHES)
	@for b in $(filter-out %_mpi_bench,$(BENCHES)); do echo "== $$(basename $$b)"; $$b || exit 1; done
	@echo "== numpy"; OPENBLAS_NUM_THREADS=1 $(PYTHON) tests/bench/numpy_bench.py
	@for b in $(filter %_mpi_bench,$(BENCHES)); do echo "== $$(basename $$b)"; \
	  for n in 1 2 4; do $(MPIRUN) --oversubscribe -np $$n $$b || exit 1; done; done

# Built by clang, and only what the targets need.
SECONDS      ?= 60
FUZZ_TARGETS := $(patsubst %.cpp,$(BUILD)/%,$(wildcard tests/fuzz/*_fuzz.cpp))
FUZZ_OBJECTS := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard src/base/*.cpp src/io/*.cpp) \
  $(addprefix src/study/,kind.cpp study.cpp study_file.cpp) $(addprefix src/flow/,expression.cpp number_list.cpp) src/simd/arrays.cpp)

fuzz: ## fuzz study files and what is read back for SECONDS (60), with clang's libFuzzer and sanitizers (`make deps-fuzz`)
	@+if echo 'extern "C" int LLVMFuzzerTestOneInput(char const*, unsigned long) { return 0; }' | \
	   clang++ -fsanitize=fuzzer,address -x c++ - -o /dev/null 2>/dev/null; then \
	   $(MAKE) --no-print-directory -j$(CORES) MODE=fuzz CXX=clang++ fuzz-run; \
	 else echo "fuzz: skipped, there is no clang++ with libFuzzer (\`make deps-fuzz\` installs it)"; fi

$(FUZZ_TARGETS): %: %.o $(FUZZ_OBJECTS)
	@echo "  LINK  $@"; $(CXX) -fsanitize=fuzzer $(LDFLAGS_ALL) $^ $(LIBS) -o $@

fuzz-run: $(FUZZ_TARGETS)
	@$(PYTHON) tests/fuzz/run.py --seconds $(SECONDS) $^

# A header through which Armadillo comes is read after the precompiled one. That hides nothing: whatever of ours comes before Armadillo is
# checked by itself, and without it. (-nostdinc -MG reads our own headers, and only names the others.)
HEADER_CHECKS := $(HEADERS:include/%.hpp=$(BUILD)/headers/%.ok)
$(BUILD)/headers/%.ok: include/%.hpp $(BUILD)/flags $(BUILD)/prelude/src.hpp.gch
	@mkdir -p $(@D); \
	 prelude=$$($(CXX) -std=c++20 -Iinclude -nostdinc -M -MG $< | grep -qw armadillo && echo '-include $(BUILD)/prelude/src.hpp'); \
	 echo '#include "$*.hpp"' | $(CXX) $(CXXFLAGS_ALL) $$prelude -MMD -MP -MT $@ -MF $(@:.ok=.d) -fsyntax-only -x c++ - && touch $@
-include $(HEADER_CHECKS:.ok=.d)

check-run: $(HEADER_CHECKS) $(LIB_OBJECTS)
	@$(PYTHON) tests/check.py
	@clang-format --dry-run --Werror $(HEADERS) $(shell find src tests -name '*.cpp' -o -name '*.hpp' | sort)
	@echo "check: layers, $(words $(HEADERS)) headers, format: ok"

format: ## clang-format on every source
	@clang-format -i $(HEADERS) $(shell find src tests -name '*.cpp' -o -name '*.hpp' | sort)

# ---------------------------------------------------------------------------------------------------------------- set-up
DEBIAN_PACKAGES := g++ make pkg-config git openmpi-bin libopenmpi-dev libhdf5-openmpi-dev libarmadillo-dev \
  libopenblas-pthread-dev libboost-test-dev libboost-dev libtomlplusplus-dev libcli11-dev libfmt-dev librandom123-dev \
  libssl-dev python3 python3-numpy python3-h5py python3-h5netcdf python3-xarray python3-matplotlib python3-pytest python3-pytest-xdist clang-format

deps: ## install what is missing (Debian's packages; nothing is done where config.mk says how a site is set up)
	@[ -f config.mk ] || jobs/deps.sh $(DEBIAN_PACKAGES)

SLURM_PACKAGES := slurmctld slurmd slurm-client munge libpmix2

deps-slurm: ## install a SLURM for tests/slurm, which starts it itself (Debian would start its daemons as services, too)
	@[ -f config.mk ] || jobs/deps.sh $(SLURM_PACKAGES)

deps-fuzz: ## install clang for `make fuzz`
	@[ -f config.mk ] || jobs/deps.sh clang

info: ## compilers, flags, libraries
	@echo "CXX       $(CXX) ($(shell $(CXX) -dumpfullversion 2>/dev/null))"; echo "build     $(BUILD) at $(COMMIT)"
	@echo "flags     $(CXXFLAGS_ALL)"; echo "libraries $(LIBS)"; echo "python    $(PYTHON)"; echo "mpirun    $(MPIRUN)"

clean: ## remove every build
	rm -rf build

help: ## this list
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
