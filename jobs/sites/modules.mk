# A cluster with environment modules: `module load gcc openmpi hdf5 openblas armadillo boost`, then copy this to config.mk. Not tried on one yet.
# config.mk also keeps `make` from installing packages.
CXX      := mpicxx
PACKAGES := openblas fmt tomlplusplus CLI11 libcrypto
CPPFLAGS := -isystem $(HDF5_ROOT)/include -isystem $(ARMADILLO_ROOT)/include -isystem $(BOOST_ROOT)/include
LDLIBS   := -L$(HDF5_ROOT)/lib -lhdf5
ARCH     := native
