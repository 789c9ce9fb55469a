"""Table and figures of a results file."""

import argparse
import pathlib
import sys

from . import figures
from .findings import findings_table, has_findings
from .results import open_results
from .tables import table


def main():
    parser = argparse.ArgumentParser(prog="python -m fermiac", description=__doc__)
    parser.add_argument("file", type=pathlib.Path, help="results file, finished or not")
    parser.add_argument("--figures", type=pathlib.Path, metavar="FOLDER", help="where figures go (default: beside the file)")
    parser.add_argument("--only", choices=("table", "figures"), help="leave out the other")
    options = parser.parse_args()
    try:
        data = open_results(options.file)
        if options.only != "figures":
            print((findings_table if has_findings(data) else table)(data).to_string(index=False))
        if options.only != "table":
            for path in figures.draw(data, options.figures or options.file.parent, options.file.stem):
                print(path)
    except (OSError, ValueError) as error:
        sys.exit(f"fermiac: {error}")


if __name__ == "__main__":
    main()
