"""Broken study files and command lines: one clear line, exit status 2, existing files untouched."""

import pathlib

import pytest

from program import FERMIAC, fermiac

GOOD = """[study]
name = "coins"
kind = "count"
seed = 1
replicates = 2

[count]
probability = 0.5
draws = 10
"""


def replaced(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


# name: (study file, fragments that the one line must contain)
BROKEN_FILES = {
    # kind 1: not TOML
    "unclosed_text": (replaced('"coins"', '"coins'), ["study.toml:2", "not valid TOML"]),
    "no_value": (replaced("seed = 1", "seed ="), ["study.toml:4", "not valid TOML"]),
    "key_twice": (replaced("seed = 1", "seed = 1\nseed = 2"), ["study.toml:5", "not valid TOML"]),
    "binary": ("\x00\x01\x02", ["study.toml:1", "not valid TOML"]),
    "unclosed_table": (replaced("[count]", "[count"), ["study.toml:7", "not valid TOML"]),
    # kind 2: something required is missing
    "empty": ("", ["study.toml", "[study]"]),
    "no_study_table": (GOOD[GOOD.index("[count]"):], ["study.toml", "[study]"]),
    "no_seed": (replaced("seed = 1\n", ""), ["study.toml:1", "study.seed", "required"]),
    "no_kind": (replaced('kind = "count"\n', ""), ["study.toml:1", "study.kind", "required"]),
    "no_name": (replaced('name = "coins"\n', ""), ["study.toml:1", "study.name", "required"]),
    # kind 3: unknown keys
    "misspelt_study_key": (replaced("replicates = 2", "replicate = 2"), ["study.toml:5", "study.replicate", "study.replicates"]),
    "misspelt_key": (replaced("probability", "probabilty"), ["study.toml:8", "count.probabilty", "count.probability"]),
    "misspelt_table": (replaced("[count]", "[cuont]"), ["study.toml:8", "cuont.probability", "count.probability"]),
    "key_outside_tables": ("draws = 3\n" + GOOD, ["study.toml:1", "draws", "count.draws"]),
    "unknown_empty_table": (GOOD + "[traps]\n", ["study.toml:10", "traps"]),
    "unknown_swept_key": (GOOD + '[[sweep]]\n"count.drws" = [1, 2]\n', ["study.toml:11", "count.drws", "count.draws"]),
    "foreign_key": (GOOD + "[system]\nomega = 1.0\n", ["study.toml:11", "system.omega"]),
    # kind 4: unknown kind
    "misspelt_kind": (replaced('"count"', '"cuont"'), ["study.toml:3", "study.kind", '"count"']),
    "kind_in_capitals": (replaced('"count"', '"VMC"'), ["study.toml:3", "study.kind", '"vmc"']),
    # kind 5: wrong type
    "text_for_number": (replaced("probability = 0.5", 'probability = "half"'), ["study.toml:8", "count.probability", "a number"]),
    "number_for_integer": (replaced("draws = 10", "draws = 10.5"), ["study.toml:9", "count.draws", "an integer"]),
    "flag_for_integer": (replaced("seed = 1", "seed = true"), ["study.toml:4", "study.seed", "an integer"]),
    "number_for_text": (replaced('name = "coins"', "name = 3"), ["study.toml:2", "study.name", "a text"]),
    "array_for_value": (replaced("draws = 10", "draws = [10, 20]"), ["study.toml:9", "count.draws", "[[sweep]]"]),
    "date_for_number": (replaced("draws = 10", "draws = 2023-04-27"), ["study.toml:9", "count.draws"]),
    "integer_too_large": (replaced("seed = 1", "seed = 9223372036854775808"), ["study.toml:4"]),
    # kind 6: out of range
    "negative_seed": (replaced("seed = 1", "seed = -1"), ["study.toml:4", "study.seed", "at least 0"]),
    "probability_above_one": (replaced("0.5", "1.5"), ["study.toml:8", "count.probability", "at most 1"]),
    "no_draws": (replaced("draws = 10", "draws = 0"), ["study.toml:9", "count.draws", "at least 1"]),
    "not_a_number": (replaced("0.5", "nan"), ["study.toml:8", "count.probability"]),
    "infinite": (replaced("0.5", "inf"), ["study.toml:8", "count.probability"]),
    "no_replicates": (replaced("replicates = 2", "replicates = 0"), ["study.toml:5", "study.replicates", "at least 1"]),
    "name_with_slash": (replaced('"coins"', '"a/b"'), ["study.toml:2", "study.name", "letters"]),
    # kind 7: sweeps
    "empty_axis": (GOOD + '[[sweep]]\n"count.draws" = []\n', ["study.toml", "count.draws"]),
    "axis_not_an_array": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = 3\n', ["study.toml:10", "count.draws", "linear"]),
    "lengths_differ": (GOOD.replace("probability = 0.5\ndraws = 10\n", "")
                       + '[[sweep]]\n"count.draws" = [1, 2]\n"count.probability" = [0.1]\n', ["study.toml:10", "count.probability", "vary together"]),
    "swept_and_given": (GOOD + '[[sweep]]\n"count.draws" = [1, 2]\n', ["study.toml:11", "count.draws", "line 9"]),
    "swept_twice": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = [1]\n[[sweep]]\n"count.draws" = [2]\n', ["study.toml:12", "count.draws"]),
    "value_twice": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = [1, 1]\n', ["study.toml:10", "count.draws", "twice"]),
    "wrong_type_in_axis": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = [1, "two"]\n', ["study.toml:10", "count.draws"]),
    "out_of_range_in_axis": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = [1, -2]\n', ["study.toml:10", "count.draws", "at least 1"]),
    "sweep_not_a_table": (GOOD.replace("[count]", "sweep = 3\n[count]"), ["study.toml"]),
    "single_sweep_table": (GOOD + '[sweep]\n"count.draws" = [1]\n', ["study.toml:10", "[[sweep]]"]),
    "sweep_of_study": (GOOD + '[[sweep]]\n"study.seed" = [1, 2]\n', ["study.toml:11", "study.seed", "cannot be swept"]),
    "too_many_points": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = { linear = [1, 99999999, 99999999] }\n', ["study.toml:10", "count.draws"]),
    "empty_sweep": (GOOD + "[[sweep]]\n", ["study.toml:10", "sweep"]),
    # kind 8: ranges
    "range_of_two": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = { linear = [1, 2] }\n', ["study.toml:10", "count.draws", "three numbers"]),
    "log_from_zero": (replaced("probability = 0.5\n", "") + '[[sweep]]\n"count.probability" = { log = [0, 1, 3] }\n', ["study.toml:10", "greater than 0"]),
    "range_of_halves": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = { linear = [1, 2, 3] }\n', ["study.toml:10", "whole numbers"]),
    "range_and_more": (replaced("draws = 10\n", "") + '[[sweep]]\n"count.draws" = { linear = [1, 2, 2], log = [1, 2, 2] }\n', ["study.toml:10", "one key"]),
    # kind 9: what a kind itself refuses
    "coulomb_in_1d": ('[study]\nname = "a"\nkind = "vmc"\nseed = 1\n[system]\ndimensions = 1\ninteraction = "coulomb"\n', ["study.toml:7", "system.interaction"]),
    "unknown_choice": ('[study]\nname = "a"\nkind = "vmc"\nseed = 1\n[system]\ninteraction = "columb"\n', ["study.toml:6", "system.interaction", '"coulomb"']),
}

# name: (words of the command line, fragments); {study} is a good study file, {results} an existing results file
BROKEN_COMMANDS = {
    # kind 10: subcommands and options
    "no_command": ([], ["fermiac"]),
    "misspelt_command": (["rnu", "{study}"], ["rnu", "run"]),
    "misspelt_option": (["run", "{study}", "--resme"], ["--resme", "--resume"]),
    "no_study": (["run"], ["STUDY"]),
    "text_for_seconds": (["run", "{study}", "--time-limit", "soon"], ["--time-limit"]),
    "no_threads": (["run", "{study}", "--threads", "0"], ["--threads"]),
    "two_studies": (["run", "{study}", "{study}"], ["study.toml"]),
    "resume_and_overwrite": (["run", "{study}", "--resume", "--overwrite"], ["--resume", "--overwrite"]),
    "ranks_do_not_divide": (["run", "{study}", "--ranks-per-item", "2"], ["--ranks-per-item", "2"]),
    "unknown_kind_for_template": (["template", "vcm"], ["vcm", "vmc"]),
    "unknown_family": (["list", "flwo"], ["flwo"]),
    # kind 11: files
    "missing_study": (["run", "nowhere.toml"], ["nowhere.toml"]),
    "folder_as_study": (["run", "."], ["."]),
    "missing_results": (["show", "nowhere.h5"], ["nowhere.h5"]),
    "existing_results": (["run", "{study}", "--out", "{results}"], ["--resume", "--overwrite"]),
    "missing_parent": (["run", "{study}", "--out", "nowhere/a.h5"], ["nowhere"]),
    "folder_as_output": (["run", "{study}", "--out", "."], ["folder"]),
    "reuse_of_nothing": (["run", "{study}", "--out", "b.h5", "--reuse", "nowhere.h5"], ["nowhere.h5"]),
    # kind 12: overrides
    "unknown_override": (["run", "{study}", "--set", "count.drwas=3"], ["count.drwas", "count.draws"]),
    "override_out_of_range": (["run", "{study}", "--set", "count.draws=0"], ["count.draws", "at least 1"]),
    "override_without_value": (["run", "{study}", "--set", "count.draws"], ["key=value"]),
    "override_of_unknown_study_key": (["run", "{study}", "--set", "study.sed=3"], ["study.sed", "study.seed"]),
    "override_before_the_study": (["run", "--set", "count.draws=0", "{study}"], ["count.draws", "at least 1"]),
    "newlines_in_a_name": (["run", "{study}", "--set", 'study.name="a\\nb"'], ["study.name"]),
    "no_number_as_time_limit": (["run", "{study}", "--out", "b.h5", "--time-limit", "nan"], ["--time-limit"]),
    "too_many_replicates": (["run", "{study}", "--set", "study.replicates=4000000000"], ["study.replicates"]),
    "retry_without_resume": (["run", "{study}", "--out", "b.h5", "--retry-failed"], ["--retry-failed", "--resume"]),
    "study_as_output": (["run", "{study}", "--out", "{study}", "--overwrite"], ["study.toml", "not overwritten"]),
    "output_without_a_name": (["run", "{study}", "--out", ""], ["--out"]),
    "comparison_with_nothing": (["compare", "{results}", "nowhere.h5"], ["nowhere.h5"]),
    # kind 13: changed study
    "resume_of_another_study": (["run", "{study}", "--out", "{results}", "--resume", "--set", "count.draws=11"], ["draws = 10", "draws = 11"]),
    # kind 14: item
    "point_past_the_end": (["item", "{study}", "--point", "1", "--replicate", "0"], ["--point 1"]),
    "replicate_past_the_end": (["item", "{study}", "--point", "0", "--replicate", "2"], ["--replicate 2"]),
}


def assert_refused(result, fragments):
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 2, result.stderr
    assert len(lines) == 1, result.stderr
    for fragment in fragments:
        assert fragment in lines[0]
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_study_file_is_refused_in_one_line(tmp_path, name, command):
    text, fragments = BROKEN_FILES[name]
    (tmp_path / "study.toml").write_text(text)
    assert_refused(fermiac(command, "study.toml", cwd=tmp_path), fragments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.toml"]


@pytest.fixture(scope="module")
def existing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("existing")
    (folder / "study.toml").write_text(GOOD)
    assert fermiac("run", "study.toml", "--out", "a.h5", "--quiet", cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("name", BROKEN_COMMANDS)
def test_a_broken_command_line_is_refused_in_one_line(existing, name):
    words, fragments = BROKEN_COMMANDS[name]
    before = {path.name: path.read_bytes() for path in existing.iterdir()}
    words = [word.format(study="study.toml", results="a.h5") for word in words]
    assert_refused(fermiac(*words, cwd=existing), fragments)
    assert {path.name: path.read_bytes() for path in existing.iterdir()} == before


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_refuse_together_in_one_line(existing, ranks):
    result = fermiac("run", "study.toml", "--out", "a.h5", cwd=existing, ranks=ranks)
    assert_refused(result, ["a.h5 exists"])
    result = fermiac("run", "study.toml", "--set", "count.drwas=1", cwd=existing, ranks=ranks)
    assert_refused(result, ["count.draws"])


def test_a_file_of_something_else_is_no_results_file(existing, tmp_path):
    (tmp_path / "a.h5").write_bytes(b"not HDF5 at all" * 100)
    for command in ("show", "status"):
        result = fermiac(command, tmp_path / "a.h5")
        assert result.returncode != 0 and len(result.stderr.strip().splitlines()) == 1 and "a.h5" in result.stderr


def test_the_good_study_is_good(tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    result = fermiac("check", "study.toml", cwd=tmp_path)
    assert result.returncode == 0 and "2 of 1 replicates" in result.stdout
    assert pathlib.Path(FERMIAC).exists()
