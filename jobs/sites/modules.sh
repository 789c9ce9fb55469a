# What a job sources on a cluster with environment modules, the same as when fermiac was built there (modules.mk).
module purge
module load gcc openmpi hdf5 openblas armadillo boost
