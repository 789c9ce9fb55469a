"""Checks what no compiler does: the layers of src/LAYERS, and that every header says what it is for."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
# Libraries that belong to one module: nothing else includes their headers.
OWNERS = {"mpi.h": {"par", "io"}, "hdf5.h": {"io"}, "hdf5_hl.h": {"io"}, "toml++/toml.h": {"study"}, "CLI/CLI.hpp": {"app"},
          "openssl/evp.h": {"base"}}


def layers():
    table = {}
    for line in (ROOT / "src" / "LAYERS").read_text().splitlines():
        if line and not line.startswith("#"):
            module, allowed = line.split(":")
            table[module.strip()] = {module.strip(), *allowed.split()}
    return table


def complaints():
    table = layers()
    files = [*ROOT.glob("include/fermiac/*/**/*.hpp"), *ROOT.glob("src/*/**/*.hpp"), *ROOT.glob("src/*/**/*.cpp")]
    for path in sorted(files):
        name = path.relative_to(ROOT)
        module = name.parts[2] if name.parts[0] == "include" else name.parts[1]
        if module not in table:
            yield f"{name}: module '{module}' is not in src/LAYERS"
            continue
        text = path.read_text()
        for include in INCLUDE.findall(text):
            if include.startswith("fermiac/"):
                other = include.split("/")[1]
                if other not in table[module]:
                    yield f"{name}: module '{module}' may not include '{include}' (src/LAYERS)"
            elif module not in OWNERS.get(include, {module}):
                yield f"{name}: only {sorted(OWNERS[include])} may include '{include}'"
        if path.suffix == ".hpp" and not text.startswith("///"):
            yield f"{name}: does not begin with a '///' comment that says what it is for"


def main():
    found = list(complaints())
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
