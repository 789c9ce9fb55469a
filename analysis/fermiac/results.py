"""Opens results files."""

import pathlib

import xarray

SCHEMA = "fermiac/1"


def open_results(path):
    """The results file `path` as an xarray.Dataset, in memory: what is done now, NaN where a study still runs.

    Sweep axes, `replicate` and a variable's own dimensions are named dimensions; the group /run is left out.
    Raises FileNotFoundError where there is none, ValueError where it is not a results file of fermiac.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with xarray.open_dataset(path, engine="h5netcdf") as data:
            found = data.attrs.get("schema")
            if found == SCHEMA:
                return data.load()
    except OSError as error:
        raise ValueError(f"{path} is not an HDF5 file: {error}") from None
    raise ValueError(f"{path} is not a results file of fermiac: its schema is {found!r}, not {SCHEMA!r}")
