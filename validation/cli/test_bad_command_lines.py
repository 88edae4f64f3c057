"""Words and numbers that no command takes: one line that says what would be valid."""

import json

import pytest
from conftest import RANKS, TINY


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["simulate"],
        ["simulate", "smoke"],
        ["simulate", "smoke", "-o", "out.h5", "--nothing"],
        ["simulate", "smoke", "-o", "out.h5", "--dose", "-1"],
        ["simulate", "smoke", "-o", "out.h5", "--dose", "many"],
        ["simulate", "smoke", "-o", "out.h5", "--count-type", "int8"],
        ["simulate", "smoke", "-o", "out.h5", "--count-type", "uint16"],
        ["simulate", "smoke", "-o", "out.h5", "--backend", "abacus"],
        ["simulate", "smoke", "-o", "out.h5", "--kernels", "cufft"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--method", "magic"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--iterations", "0"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--mesh", "2by2"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--mesh", "0x2"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--rounds", "0"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--positions-at-once", "0"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--measurement-type", "float64"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--step", "-1"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--bandwidth", "two_thirds", "--adjoint", "reverse"],
    ],
)
def test_bad_command_line(run, tmp_path, arguments):
    run.rejects(*arguments, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", "smoke"],
        ["simulate", "smoke", "-o", "out.h5", "--count-type", "uint16"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--mesh", "2by2"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--bandwidth", "two_thirds", "--adjoint", "reverse"],
    ],
    ids=["missing", "without its dose", "value", "together"],
)
def test_bad_command_line_on_two_ranks(run, tmp_path, arguments):
    """Both parse it and find the same; one of each kind."""
    run.rejects(*arguments, ranks=2, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "valid"),
    [
        ("--iterations", "0", "a whole number, 1 or more"),
        ("--iterations", "1e3", "a whole number, 1 or more"),
        ("--iterations", "99999999999", "a whole number, 1 to 2147483647"),
        ("--ranks", "2,a", "a whole number, 1 or more"),
        ("--extra-rows", "-1", "a whole number, 0 or more"),
        ("--step", "0", "a number above 0"),
        ("--step", "nan", "a number above 0"),
        ("--halo-pm", "-1", "a number, 0 or more"),
        ("--exchange-MB", "inf", "a number, 0 or more"),
    ],
)
def test_bad_number(run, option, value, valid):
    wrong = value.split(",")[-1]
    says = [f"{option}: '{wrong}'; valid: {valid}; see ptychoscale plan --help"]
    run.rejects("plan", "--case", "smoke", "--ranks", 2, f"{option}={value}", says=says)


def test_leading_zeros_are_not_octal(run):
    assert " 10 " in run.good("plan", "--case", "smoke", "--methods", "gd", "--ranks", "010").out


@pytest.mark.parametrize("seed", ["-1", "1.5", "18446744073709551616"])
def test_bad_seed(run, output, tiny_case, seed):
    run.rejects("simulate", tiny_case, "-o", output, "--seed", seed, says=[f"--seed: '{seed}'; valid: a whole number, 0 "])
    assert not output.exists()


def test_whole_counts_need_a_dose(run, output, tiny_case, tmp_path):
    """Without one every count is a fraction, and would be stored as 0."""
    run.rejects("simulate", tiny_case, "-o", output, "--count-type", "uint16", says=["--count-type: uint16 needs a dose"])
    case = tmp_path / "dosed.json"
    case.write_text(json.dumps({**TINY, "dose_e_per_A2": 1e4}))
    run.rejects("simulate", case, "-o", output, "--count-type", "uint16", "--no-noise", says=["uint16 needs a dose"])
    assert not output.exists()
    run.good("simulate", case, "-o", output, "--count-type", "uint16")


def test_no_command(run):
    run.rejects(says=["give a command; valid: simulate, reconstruct", "; see ptychoscale --help"])


@RANKS
def test_unknown_command(run, ranks):
    run.rejects("frobnicate", ranks=ranks, says=["'frobnicate' is not a command; valid: simulate", "bench"])


def test_mistakes_name_the_help_of_their_command(run):
    run.rejects("validate", "silver", says=["'silver' is not a command; valid: golden, dataset; see ptychoscale validate --help"])
    run.rejects("validate", "golden", says=["see ptychoscale validate golden --help"])
    run.rejects("simulate", "smoke", says=["--output is required; see ptychoscale simulate --help"])


def test_a_mistyped_option_is_named_with_the_nearest(run):
    words = ["reconstruct", "in.h5", "-o", "out.h5", "--itreations", "5"]
    run.rejects(*words, says=["not expected: --itreations 5; is --iterations meant by --itreations?; see ptychoscale reconstruct"])
    run.rejects("plan", "--case", "smoke", "--ranks", 2, "--threads", 1, "what", "--zzz", says=["not expected: what --zzz; see ptychoscale plan"])


@pytest.mark.parametrize("value", ["x" * 100_000, "a\nb\x1b[31m" * 1000, "\u00e9" * 5000])
def test_a_line_of_error_is_short_whatever_the_value(run, value):
    line = run.rejects("plan", "--case", value, "--ranks", 2).errors[0]
    assert len(line.encode()) <= 300 and line.isprintable() and "valid: " in line
    run.rejects("simulate", "smoke", "-o", "out.h5", "--seed", value)


def test_launcher_without_ranks(run, tmp_path):
    run.rejects("bench", "smoke", "-o", tmp_path / "runs", "--launcher", "mpirun", says=["--launcher", "{ranks}"])
