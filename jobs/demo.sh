#!/bin/sh
# The two-electron study on all cores, its table and its figure. Called by `make demo`.
set -eu

study=jobs/studies/vmc/two_electrons.toml
results=results/two_electrons.h5
cores=$(nproc)

mkdir -p results
$MPIRUN --oversubscribe --bind-to none -np "$cores" "$PROGRAM" run "$study" --out "$results" --overwrite
echo
"$PROGRAM" show "$results"
PYTHONPATH=analysis "$PYTHON" -m fermiac "$results" --only figures
