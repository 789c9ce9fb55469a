"""Runs test programs and Python tests, each with a time-out, and ends with one line `N passed, M failed`."""

import argparse
import concurrent.futures
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

TIERS = {"fast": "!@stat:!@long", "stat": "!@long", "long": "*"}
TIME_LIMIT_S = {"fast": 600, "stat": 900, "long": 7200}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--tier", choices=TIERS, default="stat")
    parser.add_argument("--np", default="1 2 3 4")
    parser.add_argument("--mpirun", default="mpirun -q")
    parser.add_argument("programs", nargs="*", type=pathlib.Path)
    return parser.parse_args()


def environment(build, mpi):
    result = dict(os.environ, OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "2"), FERMIAC=str((build / "fermiac").resolve()))
    # Side by side, two mpiruns would bind to the same cores; more ranks than cores must not spin against each other.
    result.update(OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_mpi_yield_when_idle="1",
                  OMP_WAIT_POLICY="passive")  # as the program itself has it
    if mpi:
        result["ASAN_OPTIONS"] = "detect_leaks=0"  # Open MPI leaks in the leak checker's eyes
    return result


def count(report):
    """Numbers of passed and failed cases in a Boost.Test XML report; none where it cannot be read."""
    try:
        cases = ElementTree.parse(report).getroot().iter("TestCase")
    except (ElementTree.ParseError, OSError):
        return None
    results = [case.get("result") for case in cases]
    failed = sum(result not in ("passed", "skipped") for result in results)
    return sum(result == "passed" for result in results), failed


def line(name, passed, failed, start, note=""):
    print(f"  {name:34s} {passed:4d} passed {failed:3d} failed {time.monotonic() - start:8.1f} s{note}", flush=True)


def run_boost(program, tier, build, prefix=()):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.xml"
        command = [*prefix, str(program), f"--run_test={TIERS[tier]}", "--report_level=detailed", "--report_format=XML",
                   f"--report_sink={report}", "--log_level=error", "--catch_system_errors=no"]
        start = time.monotonic()
        try:
            done = subprocess.run(command, env=environment(build, bool(prefix)), timeout=TIME_LIMIT_S[tier], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            status, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as expired:
            status, output = "time-out", str(expired.stdout)
        counted = count(report) or (0, 1)
        passed, failed = counted if status == 0 or counted[1] else (counted[0], 1)
    if status != 0:
        print(output)
    line(program.name + (f" on {prefix[-1]}" if prefix else ""), passed, failed, start, "" if status == 0 else f"   exit {status}")
    return passed, failed


def another_build(build):
    """The program of another mode or architecture at the same commit, if there is one: its bits must be the same."""
    commit = (build / "commit").read_text()
    others = [path for path in build.parent.glob("*/fermiac") if path.parent != build]
    return next((path.resolve() for path in others if (path.parent / "commit").read_text() == commit), "")


def run_pytest(build, tier, mpirun):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", "--tb=short"]
        if importlib.util.find_spec("xdist"):
            # They wait for much of their time: one more than cores.
            command += ["-n", str(len(os.sched_getaffinity(0)) + 1), "--dist", "loadfile"]
        command += ["-m", {"fast": "not stat and not long", "stat": "not long", "long": ""}[tier]]
        # Sanitizers see nothing of Python, and too much of a SLURM that they slow down.
        command += ["tests/app", "tests/io"] if build.name.startswith("asan") else ["tests"]
        start = time.monotonic()
        env = dict(environment(build, True), PYTHONPATH="analysis", PYTHONDONTWRITEBYTECODE="1", MPIRUN=mpirun,
                   FERMIAC_OTHER=str(another_build(build)))
        try:
            status = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True, timeout=2 * TIME_LIMIT_S[tier])
            if status.returncode:
                print(status.stdout)
        except subprocess.TimeoutExpired as expired:
            print(expired.stdout)
        try:
            suite = ElementTree.parse(report).getroot().find("testsuite")
            failed = int(suite.get("failures")) + int(suite.get("errors"))
            skipped = int(suite.get("skipped"))
            passed = int(suite.get("tests")) - failed - skipped
        except (ElementTree.ParseError, OSError):
            passed, failed, skipped = 0, 1, 0
    line("python", passed, failed, start, f"   {skipped} skipped" if skipped else "")
    return passed, failed


def run_programs(options):
    for program in options.programs:
        if program.name.endswith("_mpi_test"):
            for n_ranks in options.np.split():
                yield run_boost(program, options.tier, options.build, [*options.mpirun.split(), "-np", n_ranks])
        else:
            yield run_boost(program, options.tier, options.build)


def main():
    options = arguments()
    # Whole-program tests wait for much of their time: test programs run beside them.
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        python = beside.submit(run_pytest, options.build, options.tier, options.mpirun)
        results = [*run_programs(options), python.result()]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
