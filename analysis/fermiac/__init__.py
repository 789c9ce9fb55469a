"""Reads, compares and draws the results files of fermiac.

    data = fermiac.open_results("results/two_electrons.h5")    an xarray.Dataset, also while the study runs
    print(fermiac.table(data))                                 a line for every point
    fermiac.findings(data)                                     of experiments on estimators: a line for every measure
    fermiac.same_bits("a.h5", "b.h5")                          None, or the first difference
    fermiac.figures.draw(data, "results")                      the figures of its kind

On the command line: python -m fermiac FILE.h5
"""

from . import figures
from .compare import same_bits
from .findings import findings
from .results import open_results
from .tables import concise, table

__all__ = ["concise", "figures", "findings", "open_results", "same_bits", "table"]
