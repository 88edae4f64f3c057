"""`compare`: rows are matched by what they are, verdicts follow from kind, tolerance and samples, and nothing is judged that cannot be."""

import copy
import json

import numpy as np
import pytest

from harness.base import documents
from harness.base.statistics import unpaired_ratio


@pytest.fixture(scope="module")
def real_report(tiny_dataset, tmp_path_factory):
    """A row of the program itself, with as many repeated times as a test may want to give it."""
    from harness.runs import program

    file = tmp_path_factory.mktemp("compare") / "gd.json"
    arguments = ["reconstruct", tiny_dataset, "--method", "gd", "--iterations", 2, "--threads", 1, "-o", file.with_suffix(".h5")]
    assert program.launch([*arguments, "--json", file], file.with_suffix(".log"), ranks=2) == 0
    return documents.read_report(file)


@pytest.fixture
def pair(real_report, tmp_path):
    """Two copies of the report, which the test may change, and the files they go to."""
    class Pair:
        def __init__(self):
            self.base, self.new = copy.deepcopy(real_report), copy.deepcopy(real_report)

        def write(self):
            files = tmp_path / "base.json", tmp_path / "new.json"
            for file, report in zip(files, (self.base, self.new), strict=True):
                documents.write_report(file, report)
            return files

        def row(self, side="new"):
            return getattr(self, side)["benchmarks"][0]

        def times(self, base, new):
            for side, values in (("base", base), ("new", new)):
                self.row(side)["seconds_per_iteration_of_repetitions"] = list(map(float, values))
                self.row(side)["seconds_per_iteration"] = float(np.median(values))

    return Pair()


@pytest.fixture
def compared(harness, pair):
    """The differences of the pair by key."""
    def compare():
        result = harness("compare", *pair.write(), "--json", "-")
        assert result.code == 0, result.err
        (row,) = json.loads(result.out)["rows"]
        return {each["quantity"]: each for each in row["differences"]}

    return compare


def test_a_report_is_the_same_as_itself(compared, harness, pair):
    verdicts = {each["verdict"] for key, each in compared().items() if "second" not in key}
    assert verdicts == {"same"}
    result = harness("compare", *pair.write())
    assert "1 row compared:" in result.out and "worse" not in result.out.splitlines()[-1]
    assert max(map(len, result.out.splitlines())) <= 100


@pytest.mark.parametrize("factor, verdict", [(1.05, "worse"), (0.95, "better")])
def test_bytes_are_exact(compared, pair, factor, verdict):
    pair.row()["bytes_sent"] = round(pair.row()["bytes_sent"] * factor)
    found = compared()["bytes_sent"]
    assert found["verdict"] == verdict
    assert found["relative"] == pytest.approx(factor - 1, rel=1e-3)


def test_one_byte_counts(compared, pair):
    pair.row()["memory_waves_bytes_max"] += 1
    assert compared()["memory_waves_bytes_max"]["verdict"] == "worse"


def test_halo_tells_rows_apart(rejects, pair):
    pair.row()["halo_px"] = [4, 4]
    rejects("compare", *pair.write(), says=["halo_px [4, 4] instead of"])


@pytest.mark.parametrize(
    "key, factor, verdict",
    [("cost", 0.5, "same"), ("cost", 2, "worse"), ("cost", -2, "better"), ("structural_similarity", -2, "worse")],
)
def test_tolerances(compared, pair, key, factor, verdict):
    """`factor` is in tolerances."""
    from harness.judge.quantities import BY_KEY

    tolerance = BY_KEY[key].tolerance
    base = pair.row("base")[key]
    pair.row()[key] = base + factor * (tolerance.absolute + tolerance.relative * abs(base))
    assert compared()[key]["verdict"] == verdict


NOISE = [0.98, 1.0, 1.03, 0.99, 1.01, 1.02, 1.0, 0.97]


@pytest.mark.parametrize(
    "base, new, verdict",
    [
        ([1.0, 1.5, 0.8], [1.4, 0.9, 1.9], "unclear"),  # few and noisy
        ([1.0, 1.01, 1.02], [2.0, 2.01, 2.02], "unclear"),  # three against three: a rank-sum test cannot reject
        (NOISE, [1.3 * t for t in NOISE], "worse"),
        (NOISE, [0.7 * t for t in NOISE], "better"),
        (NOISE, NOISE[::-1], "same"),
        (NOISE, [1.01 * t for t in NOISE], "unclear"),
    ],
)
def test_times_are_judged_by_their_samples(compared, pair, base, new, verdict):
    pair.times(base, new)
    found = compared()["seconds_per_iteration"]
    if verdict == "same":  # these samples scatter by 3 %; their interval must be within 2 % of no change
        assert found["verdict"] == ("same" if max(map(abs, found["interval"])) <= 0.02 else "unclear")
    else:
        assert found["verdict"] == verdict, found


def test_times_of_other_machines_are_reported_not_judged(compared, pair):
    pair.times(NOISE, [3 * t for t in NOISE])
    pair.new["context"]["cpu"] = "another"
    found = compared()["seconds_per_iteration"]
    assert found["verdict"] == "unclear" and found["why"] == "other machine: cpu differs"
    assert found["relative"] == pytest.approx(2)


@pytest.mark.parametrize("key, value", [("threads", 7), ("iterations", 99), ("exchange", "allreduce")])
def test_settings_tell_rows_apart(rejects, pair, key, value):
    pair.row()[key] = value
    base, new = pair.write()
    rejects("compare", base, new, says=[new, f"{key} {value} instead of"])


def test_evidence_is_never_mixed(rejects, pair):
    pair.new["context"]["evidence"] = "modelled"
    rejects("compare", *pair.write(), says=["evidence modelled instead of measured"])


def test_rows_in_one_file_only_are_said(harness, pair):
    other = {**pair.row(), "name": "tiny/hve/1x2", "method": "hve"}
    pair.new["benchmarks"].append(other)
    result = harness("compare", *pair.write())
    assert result.code == 0 and "tiny/hve/1x2: only in new" in result.out


def test_unverified_rows_show_no_figures(harness, pair):
    pair.row().update(verified=False, verification_failed="the cost rose")
    pair.row()["bytes_sent"] += 1
    result = harness("compare", *pair.write())
    assert "new not verified: the cost rose" in result.out and "sent by all ranks" not in result.out


def test_a_row_that_is_there_twice_is_refused(rejects, pair):
    pair.new["benchmarks"].append(copy.deepcopy(pair.row()))
    rejects("compare", *pair.write(), says=["two rows of the same run"])


def test_nothing_to_compare(rejects, pair, tmp_path):
    pair.new["benchmarks"] = []
    rejects("compare", *pair.write(), says=["has no rows to compare"])
    rejects("compare", tmp_path / "base.json", tmp_path / "absent.json", says=["absent.json", "cannot be read"])


def test_json_goes_to_a_file_whole(harness, pair, tmp_path):
    base, new = pair.write()
    result = harness("compare", base, new, "--json", tmp_path / "out.json")
    assert "rows compared" in result.out or "row compared" in result.out
    assert json.loads((tmp_path / "out.json").read_text())["context"]["new"] == str(new)


def test_ratio_interval_covers_the_true_ratio():
    """Coverage of at least 95 %: of 400 trials, four standard deviations fewer than 380 once in 30000."""
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        _, (low, high) = unpaired_ratio(1.3 * random.lognormal(0, 0.1, 8), random.lognormal(0, 0.1, 7))
        hits += low <= 1.3 <= high
    assert hits > 380 - 4 * np.sqrt(400 * 0.95 * 0.05)


def test_four_against_four_is_the_least_evidence():
    assert unpaired_ratio([2, 2.1, 2.2], [1, 1.1, 1.2])[1] is None
    low, high = unpaired_ratio([2, 2.1, 2.2, 2.3], [1, 1.1, 1.2, 1.3])[1]
    assert (low, high) == (pytest.approx(2 / 1.3), pytest.approx(2.3))
