"""`gate`: an unchanged tree passes; one byte, a wrong halo, a worse result or a slowdown do not; what cannot be compared is said."""

import copy
import dataclasses
import json
import re
import tempfile
from pathlib import Path

import pytest

from harness.base import documents
from harness.base.limits import AGAINST_LIMIT, SERIAL_LIMIT
from harness.judge import pace
from harness.judge.judgement import judge_against
from harness.judge.quantities import BY_KEY
from harness.runs import measure

REAL_RUN = measure.run
GD = "smoke/gd/2x2"
# In the place of what this machine takes: seconds of an iteration, and of a bare transform.
SECONDS = {"serial": 0.05, "gd": 0.016, "hve": 0.017}
TRANSFORM_SECONDS = 5e-5


@dataclasses.dataclass
class Times:
    """Fixed times of the runs that the gate makes for their times alone."""

    times_as_long: float = 1  # as SECONDS, for this program; another one takes SECONDS

    def run(self, point, protocol, tag, iterations=None):
        """As measure.run. Of each kind the first run is a real one, to see that it can be."""
        kind, _, round_ = tag.rpartition("-")
        if kind not in ("pace", "against") or round_ == "0":
            report = REAL_RUN(point, protocol, tag, iterations)
        else:
            report = {"benchmarks": [{}]}
        if kind in ("pace", "against"):
            fastest = SECONDS[point.method] * (1 + 0.002 * int(round_)) * (1 if point.program else self.times_as_long)
            report["benchmarks"][0]["seconds_of_iterations"] = [2 * fastest, fastest, 1.5 * fastest]
        return report

    def put(self, monkeypatch):
        monkeypatch.setattr(measure, "run", self.run)
        monkeypatch.setattr(pace, "bare_transform_seconds", lambda extent: TRANSFORM_SECONDS)


@pytest.fixture(autouse=True)
def times(monkeypatch):
    times = Times()
    times.put(monkeypatch)
    return times


@pytest.fixture(scope="session")
def accepted(tmp_path_factory):
    """A baseline of this build and this machine, but for its times, made as a maintainer makes it."""
    from harness.__main__ import main

    file = tmp_path_factory.mktemp("baseline") / "baseline.json"
    with pytest.MonkeyPatch.context() as monkeypatch:
        Times().put(monkeypatch)
        assert main(["gate", "--case", "smoke", "--baseline", str(file), "--update"]) == 0
    return documents.read_report(file)


@pytest.fixture
def files(accepted, tmp_path):
    """A baseline and a new report, the same until a test changes them."""
    class Files:
        base, new = copy.deepcopy(accepted), copy.deepcopy(accepted)

        def row(self, name=GD, side="new"):
            return next(row for row in getattr(self, side)["benchmarks"] if row["name"] == name)

        def write(self):
            baseline, new = tmp_path / "baseline.json", tmp_path / "new.json"
            baseline.write_text(json.dumps(self.base))
            new.write_text(json.dumps(self.new))
            return "--baseline", baseline, new

    return Files()


@pytest.fixture
def breaks(harness, files):
    """Exit code 1, and exactly one line that names each of `says`."""
    def check(*says):
        result = harness("gate", *files.write())
        assert result.code == 1, (result.out, result.err)
        broken = [line for line in result.out.splitlines() if all(word in line for word in says)]
        assert len(broken) == 1, result.out
        return result

    return check


def test_same_holds(harness, files):
    result = harness("gate", *files.write())
    assert result.code == 0, result.out
    assert "0 broken" in result.out


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize(
    "key",
    ["bytes_sent", "messages_sent", "memory_exchange_bytes_max", "memory_peak_bytes_max", "positions_per_rank_max"],
)
def test_one_more_or_less_breaks(files, breaks, key, step):
    files.row(side="base")[key] += step
    breaks(GD, f"({key})", f"baseline {files.row(side='base')[key]}" if key.endswith("bytes_max") else "baseline")


def test_five_percent_more_bytes_break(files, breaks):
    files.row()["bytes_sent"] = round(1.05 * files.row()["bytes_sent"])
    breaks(GD, "bytes_sent", "+5 %", "worse")


@pytest.mark.parametrize("key", ["cost", "relative_rmse", "structural_similarity"])
@pytest.mark.parametrize("tolerances, code", [(0.5, 0), (2, 1), (-2, 1)])
def test_cost_and_quality_have_tolerances(harness, files, key, tolerances, code):
    tolerance, base = BY_KEY[key].tolerance, files.row(side="base")[key]
    files.row()[key] = base + tolerances * (tolerance.absolute + tolerance.relative * abs(base))
    result = harness("gate", *files.write())
    assert result.code == code and (f"({key})" in result.out) == (code == 1), result.out


def test_a_seam_breaks(files, breaks):
    files.row()["seam_found"] = True
    breaks(GD, "seam_found", "yes, baseline no", "worse")


def test_a_real_wrong_halo_breaks(files, breaks, tmp_path):
    """Gradient Decomposition with a halo narrower than its circles, as a mistake in the tiling would give."""
    from harness.runs import program

    dataset, file = tmp_path / "smoke.h5", tmp_path / "gd.json"
    program.ask("simulate", "smoke", "-o", dataset)
    words = ["reconstruct", dataset, "--method", "gd", "--halo-pm", 200, "--iterations", 5, "--threads", 1, "-o", tmp_path / "gd.h5"]
    assert program.launch([*words, "--json", file], tmp_path / "gd.log", ranks=4) == 0
    wrong = documents.read_report(file)["benchmarks"][0]
    files.row().update({key: wrong[key] for key in wrong if key in BY_KEY and BY_KEY[key].gated})
    result = breaks(GD, "halo_px")
    assert "extended_voxels_max" in result.out


def test_a_slower_pace_breaks_only_beyond_its_limit(harness, files):
    serial = files.row("smoke/serial/1x1")
    for factor, code in ((1 + SERIAL_LIMIT / 2, 0), (1.1 * (1 + SERIAL_LIMIT), 1)):
        samples = [factor * value for value in (3.6, 3.61, 3.62, 3.63, 3.64, 3.65, 3.66, 3.67, 3.68)]
        files.row("smoke/serial/1x1", "base")["pace_of_repetitions"] = [value / factor for value in samples]
        serial["pace_of_repetitions"] = samples
        result = harness("gate", *files.write())
        assert result.code == code, result.out
        assert ("pace" in result.out and "worse" in result.out) == (code == 1)


def test_few_noisy_paces_are_unclear(harness, files):
    files.row("smoke/serial/1x1", "base")["pace_of_repetitions"] = [1.0, 1.1, 0.9]
    files.row("smoke/serial/1x1")["pace_of_repetitions"] = [1.0, 3.0, 2.0]
    result = harness("gate", *files.write())
    assert result.code == 0 and "too few for an interval" in result.out


def test_pace_of_another_machine_is_not_judged(harness, files):
    files.base["context"]["cpu"] = "another"
    files.row("smoke/serial/1x1")["pace_of_repetitions"] = [100.0] * 9
    result = harness("gate", *files.write())
    assert result.code == 0 and "not the baseline's kind of machine, cpu differs" in result.out


def test_failed_and_unverified_rows_break(files, breaks):
    row = files.row()
    index = files.new["benchmarks"].index(row)
    files.new["benchmarks"][index] = {"name": GD, "method": "gd", "ranks": 4, "error_occurred": True, "error": "out of memory"}
    breaks(GD, "failed: out of memory")
    files.new["benchmarks"][index] = {**row, "verified": False, "verification_failed": "seams"}
    breaks(GD, "not verified: seams")


def test_what_cannot_be_compared(rejects, files):
    files.new["benchmarks"].remove(files.row())
    rejects("gate", *files.write(), says=[GD, "no such row"])


@pytest.mark.parametrize("key, value", [("threads", 2), ("ranks", 9), ("update", "batch"), ("iterations", 6), ("evidence", "modelled")])
def test_other_settings_cannot_be_compared(rejects, files, key, value):
    files.row()[key] = value
    rejects("gate", *files.write(), says=[GD, f"{key} {value} instead of"])


def test_another_case_cannot_be_compared(rejects, files):
    files.row()["case_hash"] = "0" * 16
    rejects("gate", *files.write(), says=[GD, "the case is not what it was"])
    files.new["context"]["dataset"]["case"] = "mine"
    rejects("gate", *files.write(), says=["mine", "smoke"])


def test_a_missing_quantity_cannot_be_compared(rejects, files):
    del files.row()["relative_rmse"]
    rejects("gate", *files.write(), says=[GD, "relative_rmse"])


@pytest.mark.parametrize("side", ["base", "new"])
def test_other_schema_cannot_be_compared(rejects, files, side):
    getattr(files, side)["context"]["schema_version"] = 99
    rejects("gate", *files.write(), says=["schema_version is 99"])


def test_damaged_and_absent_baselines(rejects, files, tmp_path):
    _, baseline, new = files.write()
    baseline.write_text("{")
    rejects("gate", "--baseline", baseline, new, says=[baseline, "not JSON"])
    rejects("gate", "--baseline", tmp_path / "absent.json", new, says=["absent.json", "cannot be read"])
    rejects("gate", *files.write(), "--case", "nosuch", says=["nosuch", "smoke"])


def test_update_accepts_and_keeps_other_cases(harness, files, tmp_path):
    other = copy.deepcopy(files.base)
    for row in other["benchmarks"]:
        row["name"] = row["name"].replace("smoke", "other")
        row["dataset"] = {"case": "other", "seed": 1}
    del other["context"]["dataset"]
    files.base = other
    files.row()["bytes_sent"] += 1
    words = files.write()
    assert harness("gate", *words, "--update").code == 0
    written = documents.read_report(words[1])
    assert len(written["benchmarks"]) == 2 * len(other["benchmarks"])
    assert harness("gate", *words).code == 0


def test_update_refuses_what_is_not_verified(harness, files):
    files.row()["verified"] = False
    words = files.write()
    before = words[1].read_bytes()
    assert harness("gate", *words, "--update").code == 1
    assert words[1].read_bytes() == before


def test_two_runs_of_the_same_build_agree(harness, files):
    """Nothing but times may differ between two runs; that those are not called worse is among the checks of speed."""
    _, baseline, _ = files.write()
    result = harness("gate", "--baseline", baseline)
    assert result.code == 0, result.out


@pytest.fixture
def instead(tmp_path, monkeypatch):
    """Puts a shell script in the program's place, which it finds as $REAL; gives the path of the real one."""
    from harness.runs import program

    real = program.executable()

    def put(script):
        wrapper = tmp_path / "ptychoscale"
        wrapper.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
        wrapper.chmod(0o755)
        monkeypatch.setenv("PTYCHOSCALE", str(wrapper))
        program.executable.cache_clear()
        return real

    yield put
    program.executable.cache_clear()


def test_a_run_that_fails_breaks(harness, files, instead):
    """One solver fails: said, not timed, and no reason to compare nothing."""
    instead('case "$*" in *"--method gd"*) echo "ptychoscale: error: planted" >&2; exit 1;; esac; exec $REAL "$@"')
    _, baseline, _ = files.write()
    result = harness("gate", "--baseline", baseline)
    assert result.code == 1, (result.out, result.err)
    assert "gd: failed: planted" in result.out


def test_the_log_of_a_run_that_fails_is_kept(harness, files, instead, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    instead('case "$*" in *"--method gd"*) echo planted; exit 3;; esac; exec $REAL "$@"')
    _, baseline, _ = files.write()
    result = harness("gate", "--baseline", baseline)
    assert result.code == 1, (result.out, result.err)
    (log,) = re.findall(r"gd: failed: exit code 3.*see (\S+\.log)", result.out)
    assert "planted" in Path(log).read_text()


def test_against_must_be_a_program(rejects, files, tmp_path):
    _, baseline, new = files.write()
    rejects("gate", "--baseline", baseline, "--against", tmp_path / "absent", says=["--against", "absent"])
    rejects("gate", "--baseline", baseline, new, "--against", "/bin/true", says=["--against", "NEW.json"])


@pytest.mark.parametrize("script", ["", "echo 'other (tools) 9.1'", "echo 0.1.0; kill -9 $$", None])
def test_against_must_be_ptychoscale(rejects, tmp_path, script):
    """Before anything runs; a program that cannot even start, as one for another machine, is none either."""
    other = tmp_path / "other"
    other.write_text("\x7fELF" if script is None else f"#!/bin/sh\n{script}\n")
    other.chmod(0o755)
    result = rejects("gate", "--against", other, says=["--against", other, "no ptychoscale", "--version"])
    assert len(result.err.splitlines()) == 1


def test_the_pace_of_a_row_is_its_time_over_that_beside_it(files):
    """On 36 positions of 4 slices; of each run the fastest iteration, of the nine runs the median."""
    serial = files.row("smoke/serial/1x1")
    assert serial["pace"] == pytest.approx(SECONDS["serial"] * 1.008 / (TRANSFORM_SECONDS * 36 * 4))
    assert len(serial["pace_of_repetitions"]) == pace.ROUNDS == 9


def only_worse_line(result):
    """Of the serial run, in a result that is broken."""
    assert result.code == 1, (result.out, result.err)
    (line,) = [line for line in result.out.splitlines() if line.startswith("smoke/serial/1x1") and line.endswith("worse")]
    return line


def test_a_program_slower_everywhere_breaks_the_pace(harness, files, times):
    """No method is slower than another: seen against bare transforms."""
    times.times_as_long = 1.1 * (1 + SERIAL_LIMIT)
    _, baseline, _ = files.write()
    assert "pace" in only_worse_line(harness("gate", "--baseline", baseline))


def test_a_slower_build_breaks_against_the_other(harness, files, times, instead):
    """Of no pace that is worse: seen in pairs of runs."""
    times.times_as_long = 1.1 * (1 + AGAINST_LIMIT)
    _, baseline, _ = files.write()
    result = harness("gate", "--baseline", baseline, "--against", instead('exec $REAL "$@"'))
    assert "time over the other build's" in only_worse_line(result)


@pytest.mark.parametrize("limits, broken, noted", [(0.8, 0, 0), (1.0, 0, 1), (1.2, 1, 0)])
def test_a_build_is_worse_when_the_whole_interval_is(limits, broken, noted):
    """Nine ratios that scatter by 4 % around some share of what is allowed."""
    ratios = [(1 + limits * AGAINST_LIMIT) * (1 + 0.005 * (i - 4)) for i in range(9)]
    judgement = judge_against({"smoke/serial/1x1": ratios})
    assert (len(judgement.broken), len(judgement.notes)) == (broken, noted)
