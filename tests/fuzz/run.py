"""Runs the targets of the fuzzer side by side for some seconds on seeds made from the project's own files, and ends with one line
`N passed, M failed`: a finding fails its target, and is left as a file that the target takes as its argument."""

import argparse
import os
import pathlib
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent.parent

STUDY = """[study]
name = "plain"
kind = "plain"
seed = 9223372036854775807
replicates = 5

[[sweep]]
"a.x" = { linear = [0.0, 1.0, 3] }
"b.x" = { log = [1e-3, 10, 3] }
[[sweep]]
a.n = [1, 2, 4]

[a]
mode = "two"
per_item = 2
"""
FORMULAS = ["tanh(z1^3) - 0.5 * sin(2*pi*t) * z2", "-z1^-2^z2/exp(-log(sqrt(z3+1e-3)))", "((((z1))))*0", "1e308*1e308", "z1^0.5^t",
            "-" * 200 + "z1", "z1" + "^z1" * 100, "z1" + "+z1*z2" * 100]
LISTS = ["3/5, 2/5; 1/5, 4/5", "0, 2*cos(pi/4)", "1e-3,-1;;"]
TABLES = ["x, y\n1, 2\n# a line\n3,4e-5\n", "1 2 3\n\t4 5 6 # more\n", "nan\n"]


def checkpoint(fingerprint, arrays):
    """Contents of a checkpoint as its header describes them, without magic line and checksum."""
    def text(value):
        return struct.pack("<Q", len(value)) + value

    contents = text(fingerprint) + struct.pack("<Q", len(arrays))
    for name, values in arrays.items():
        real = isinstance(values[0], float)
        contents += struct.pack("<B", 0 if real else 1) + text(name) + struct.pack("<Q", len(values))
        contents += struct.pack(f"<{len(values)}{'d' if real else 'Q'}", *values)
    return contents


def seeds():
    """By target: inputs to begin with. The first byte says which reader they are for."""
    texts = ["s" + STUDY, "sa.x=3\nb.x=\"y\"\nstudy.seed=1\0" + STUDY]
    for study in sorted(ROOT.glob("jobs/studies/*/*.toml")):
        texts.append("s" + re.sub('kind = ".*"', 'kind = "plain"', study.read_text()))
    texts += ["f" + formula for formula in FORMULAS] + ["l" + numbers for numbers in LISTS] + ["t" + table for table in TABLES]
    readers = [b"c" + checkpoint(b"item", {b"x": [1.0, 2.5], b"n": [7]}), b"c" + checkpoint(b"another", {}), b"b\x89HDF\r\n\x1a\n"]
    readers += [b"r\0" + struct.pack("<HB2B", offset % 65536, offset // 65536, 1, 0) for offset in range(0, 120_000, 4096)]
    return {"text": [text.encode() for text in texts], "reader": readers}


def start(binary, inputs, corpus, seconds):
    corpus.mkdir(parents=True, exist_ok=True)
    for i, content in enumerate(inputs):
        (corpus / f"seed_{i}").write_bytes(content)
    words = ROOT / "tests" / "fuzz" / f"{binary.stem}.dict"
    command = [binary, f"-max_total_time={seconds}", "-timeout=30", "-print_final_stats=1", "-verbosity=1",
               f"-artifact_prefix={binary}_finding_", *([f"-dict={words}"] if words.exists() else []), corpus]
    log = open(f"{binary}.log", "w")
    return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                            env=dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("binaries", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    inputs = seeds()
    runs = []
    for binary in (path.resolve() for path in options.binaries):
        corpus = binary.with_name(binary.name + "_corpus")
        runs.append((binary, start(binary, inputs[binary.name.removesuffix("_fuzz")], corpus, options.seconds)))
    failed = 0
    for binary, process in runs:
        status = process.wait(timeout=options.seconds + 300)
        log = pathlib.Path(f"{binary}.log").read_text(errors="replace")
        number = re.search(r"number_of_executed_units: *(\d+)", log)
        print(f"  {binary.name}: {number.group(1) if number else 'no'} inputs, exit {status}")
        if status != 0:
            failed += 1
            print(log[-6000:])
    print(f"{len(runs) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
