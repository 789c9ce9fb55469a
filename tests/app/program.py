"""Runs the program under test: the path comes from the variable FERMIAC, mpirun from MPIRUN."""

import os
import pathlib
import shlex
import signal
import subprocess

FERMIAC = os.environ.get("FERMIAC", "build/release/fermiac")
MPIRUN = shlex.split(os.environ.get("MPIRUN", "mpirun -q"))
TIME_LIMIT_S = 300  # no run of a test may hang

COUNT = """
[study]
name = "coins"
kind = "count"
seed = 1
replicates = {replicates}

[[sweep]]
"count.probability" = [0.1, 0.5, 0.75]

[count]
draws = {draws}
per_item = {per_item}
"""


def write_count(path, replicates=8, draws=1000, per_item=1):
    path.write_text(COUNT.format(replicates=replicates, draws=draws, per_item=per_item))
    return path


def environment(threads=1, **more):
    return dict(os.environ, OMP_NUM_THREADS=str(threads), **more)


def fermiac(*words, cwd=None, ranks=None, threads=1, program=None, mca=(), time_limit_s=TIME_LIMIT_S, **options):
    """Runs it (under mpirun where `ranks` is given) and returns the completed process, text captured."""
    command = [str(pathlib.Path(program or FERMIAC).resolve()), *map(str, words)]
    if ranks is not None:
        command = [*MPIRUN, *mca, "-np", str(ranks), *command]
    return subprocess.run(command, cwd=cwd, env=environment(threads), capture_output=True, text=True, timeout=time_limit_s,
                          stdin=subprocess.DEVNULL, **options)


def start(*words, cwd=None, ranks=None, threads=1, mca=()):
    """Starts it in a process group of its own, and returns the process."""
    command = [str(pathlib.Path(FERMIAC).resolve()), *map(str, words)]
    if ranks is not None:
        command = [*MPIRUN, *mca, "-np", str(ranks), *command]
    return subprocess.Popen(command, cwd=cwd, env=environment(threads), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            stdin=subprocess.DEVNULL, start_new_session=True)


def descendants(pid):
    """Process ids of all children, children's children, ..., read from /proc."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            child = int(entry.parent.name)
            found += [child, *descendants(child)]
    return found


def kill_all_ranks(process):
    """kill -9 of every rank (and mpirun itself) at once."""
    for pid in [*descendants(process.pid), process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait(timeout=TIME_LIMIT_S)
