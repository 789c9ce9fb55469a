"""How runs scale on the cores of this machine, and what the engine adds to an item.

    FERMIAC=build/release/fermiac /usr/bin/python3 tests/bench/scaling.py [rounds [overhead items teams tail]]

Every figure is of whole runs of the program. Those that are compared take turns, the least time of each counts (whatever disturbs
a run makes it longer), and the least time of the same run of next to no work is taken off: MPI's start and the file's creation.

Where others are at work too, run it under `chrt -r 1`: runs with the pauses between them stay below the 0.95 s of each second that
Linux lets real-time processes have (but not those of more ranks than cores: overhead on 4 and 16 is to be taken without).

* strong: a study on one rank and on two; efficiency T1 / (2 T2). weak: twice the study on two; T1 / T2.
* apart: two single ranks at once that share nothing, each with its half; T_apart / T2 is what of the loss is the engine's own
  and not that of two busy cores.
* items: many items of one rank each. teams: one item, its walkers over the ranks (--ranks-per-item).
* tail: items of 1 : 10 : 100, nine of each; the time two ranks take beyond half of one's, in longest items.
* overhead: 200,000 items of next to no work; cores x time over items, on 1, 2, 4 and 16 ranks.
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

FERMIAC = str(pathlib.Path(os.environ.get("FERMIAC", "build/release/fermiac")).resolve())
MPIRUN = shlex.split(os.environ.get("MPIRUN", "mpirun -q --oversubscribe"))
CORES = 2

VMC = """
[study]
name = "dots"
kind = "vmc"
seed = 1
replicates = {replicates}
[sampler]
walkers = {walkers}
pack = 128
burn_in = 20
sweeps = {sweeps}
[optimiser]
starts = 1
iterations = {iterations}
choose_sweeps = 8
"""

COUNT = """
[study]
name = "coins"
kind = "count"
seed = 1
replicates = {replicates}
[count]
draws = {draws}
per_item = {per_item}
"""

IMBALANCED = """
[study]
name = "coins"
kind = "count"
seed = 1
replicates = {replicates}
[[sweep]]
"count.draws" = [1_000_000, 10_000_000, 100_000_000]
"""


class Runs:
    """Named runs of studies that take turns."""

    def __init__(self, folder):
        self.folder = folder
        self.commands = {}
        self.least = {}

    def add(self, name, text, ranks=1, per_item=1, at_once=1):
        """`at_once` runs of the study start together and end with the last of them."""
        study = self.folder / f"{len(self.commands)}.toml"
        study.write_text(text)
        binding = ["--bind-to", "core" if ranks * at_once == CORES and at_once == 1 else "none"]
        self.commands[name] = [[*MPIRUN, *binding, "-np", str(ranks), FERMIAC, "run", study, "--out", f"{study}.{i}.h5", "--overwrite",
                                "--quiet", "--threads", "1", "--ranks-per-item", str(per_item)] for i in range(at_once)]

    def take_turns(self, rounds):
        environment = dict(os.environ, OMPI_MCA_mpi_yield_when_idle="1")
        for _ in range(rounds):
            for name, commands in self.commands.items():
                time.sleep(0.5)
                begin = time.perf_counter()
                processes = [subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) for command in commands]
                if any([process.wait() for process in processes]):
                    sys.exit(f"{name}: failed")
                self.least[name] = min(self.least.get(name, float("inf")), time.perf_counter() - begin)

    def net(self, name, base):
        return self.least[name] - self.least[base]


def scaling(folder, rounds, title, study, per_item):
    """`study(n)` is the text of one with n parts of work; 0 for next to none."""
    runs = Runs(folder)
    for name, n, ranks, at_once in (("one", 2, 1, 1), ("two", 2, 2, 1), ("two, twice", 4, 2, 1), ("apart", 1, 1, 2),
                                    ("apart, twice", 2, 1, 2), ("none on one", 0, 1, 1), ("none on two", 0, 2, 1),
                                    ("none apart", 0, 1, 2)):
        runs.add(name, study(n), ranks, per_item if ranks > 1 else 1, at_once)
    runs.take_turns(rounds)
    one, two, twice = runs.net("one", "none on one"), runs.net("two", "none on two"), runs.net("two, twice", "none on two")
    apart, apart_twice = runs.net("apart", "none apart"), runs.net("apart, twice", "none apart")
    print(f"{title:6s} strong {one / (2 * two):.3f} (of apart {apart / two:.3f})   weak {one / twice:.3f} "
          f"(of apart {apart_twice / twice:.3f})   {one:.2f} s on one rank, {two:.2f} s on two, {apart:.2f} s apart", flush=True)


def items(n):
    return VMC.format(replicates=max(1, 80 * n), walkers=256, sweeps=1000 if n else 8, iterations=12 if n else 0)


def team(n):
    return VMC.format(replicates=1, walkers=1024 * max(1, n), sweeps=20_000 if n else 8, iterations=400 if n else 0)


def tail(folder, rounds):
    runs = Runs(folder)
    for ranks in (1, 2):
        runs.add(f"{ranks}", IMBALANCED.format(replicates=9), ranks)
        runs.add(f"none on {ranks}", COUNT.format(replicates=1, draws=1, per_item=1), ranks)
    runs.add("longest", COUNT.format(replicates=1, draws=100_000_000, per_item=1))
    runs.take_turns(rounds)
    one, two, longest = runs.net("1", "none on 1"), runs.net("2", "none on 2"), runs.net("longest", "none on 1")
    print(f"tail   two ranks take {(two - one / 2) / longest:.2f} of the longest item ({longest:.2f} s) beyond half of one's "
          f"{one:.2f} s", flush=True)


def overhead(folder, rounds):
    n_items = 200_000
    runs = Runs(folder)
    for ranks in (1, 2, 4, 16):
        runs.add(f"{ranks}", COUNT.format(replicates=n_items, draws=1, per_item=1), ranks)
        runs.add(f"none on {ranks}", COUNT.format(replicates=1, draws=1, per_item=1), ranks)
    runs.take_turns(rounds)
    for ranks in (1, 2, 4, 16):
        seconds = runs.net(f"{ranks}", f"none on {ranks}")
        print(f"overhead on {ranks:2d} ranks: {min(ranks, CORES) * seconds / n_items * 1e6:.2f} us an item "
              f"({seconds:.2f} s beside {runs.least[f'none on {ranks}']:.2f} s of start)", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        print(subprocess.run([FERMIAC, "--version"], capture_output=True, text=True).stdout.strip(), flush=True)
        parts = {"overhead": lambda: overhead(folder, rounds),
                 "items": lambda: scaling(folder, rounds, "items", items, 1),
                 "teams": lambda: scaling(folder, rounds, "teams", team, 2),
                 "tail": lambda: tail(folder, rounds)}
        for part in sys.argv[2:] or parts:
            parts[part]()


if __name__ == "__main__":
    main()
