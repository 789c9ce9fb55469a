"""What experiments on estimators found: a line for every measure of every estimator at every point."""

import pandas

from .tables import axes, concise

# Array, its dimension of methods, its dimension of measures, and what its measures are.
ARRAYS = (("performance", "estimator", "measure", "{}"), ("interval_performance", "interval", "interval_measure", "{}"),
          ("difference", "estimator", "difference_measure", "difference in {}"), ("rate", "estimator", "rate_measure", "rate of {}"))


def has_findings(data):
    return "performance" in data and "estimator" in data["performance"].dims


def findings(data):
    """A pandas.DataFrame of numbers: the axes of the sweep, quantity, method, measure, then value, error, truth and z."""
    parts = []
    for name, method, measure, text in ARRAYS:
        frame = pandas.DataFrame({part: data[name + suffix].to_series() for part, suffix in
                                  (("value", ""), ("error", "_error"), ("truth", "_truth"), ("z", "_z"))})
        frame = frame.dropna(subset=["value"]).reset_index().rename(columns={method: "method", measure: "measure"})
        frame["measure"] = [text.format(m) for m in frame["measure"]]
        parts.append(frame)
    return pandas.concat(parts, ignore_index=True)[[*axes(data), "quantity", "method", "measure", "value", "error", "truth", "z"]]


def findings_table(data):
    """The same as texts: values with their errors in the notation of `concise`."""
    frame = findings(data)
    frame["value"] = [concise(v, e) for v, e in zip(frame["value"], frame["error"])]
    frame["truth"] = [concise(v) for v in frame["truth"]]
    frame["z"] = ["-" if z != z else f"{z:.2f}" for z in frame["z"]]
    return frame.drop(columns="error")
