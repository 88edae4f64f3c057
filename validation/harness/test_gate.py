"""`gate`: an unchanged tree passes; one byte, a wrong halo, a worse result or a slowdown do not; what cannot be compared is said."""

import copy
import json
import os
import shutil
import subprocess
import textwrap

import pytest

from harness.base import documents
from harness.judge.judgement import SERIAL_LIMIT
from harness.judge.quantities import BY_KEY

GD = "smoke/gd/2x2"
# 30 % more for the whole solver: its transforms take about two thirds of it, and reading the clock twice costs some, too.
SLOW_TRANSFORMS = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <time.h>
    static double now(void) {
      struct timespec t;
      clock_gettime(CLOCK_MONOTONIC, &t);
      return t.tv_sec + 1e-9 * t.tv_nsec;
    }
    void fftwf_execute_dft(const void* plan, float (*in)[2], float (*out)[2]) {
      static void (*real)(const void*, float (*)[2], float (*)[2]);
      if (!real) real = dlsym(RTLD_NEXT, "fftwf_execute_dft");
      const double start = now();
      real(plan, in, out);
      const double end = now();
      while (now() < end + ADDED * (end - start)) {}
    }
"""


@pytest.fixture(scope="session")
def accepted(tmp_path_factory):
    """A baseline of this build and this machine, made as a maintainer makes it."""
    from harness.__main__ import main

    file = tmp_path_factory.mktemp("baseline") / "baseline.json"
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
    """Nothing but times may differ between two runs, and those must not be called worse."""
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


@pytest.fixture
def slowed(tmp_path, instead):
    """Puts a program in place whose transforms take `added` times as long on top; gives the path of the one that is not slowed down."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    source, library = tmp_path / "slow.c", tmp_path / "slow.so"
    source.write_text(textwrap.dedent(SLOW_TRANSFORMS))

    def put(added):
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-DADDED={added}", "-o", library, source, "-ldl"], check=True)
        return instead(f'LD_PRELOAD={library} exec $REAL "$@"')

    return put


def worse_lines(result):
    assert result.code == 1, result.out
    return [line for line in result.out.splitlines() if line.startswith("smoke/serial/1x1") and line.endswith("worse")]


two_cores = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one core has no room for whatever else the machine does"
)


@two_cores
def test_a_program_slower_everywhere_breaks_the_pace(harness, files, slowed):
    """Half as fast, so that no method is slower than another: seen against bare transforms. The baseline was measured a while ago,
    and the pace is known to drift by 15 % meanwhile."""
    slowed(1.4)
    _, baseline, _ = files.write()
    result = harness("gate", "--baseline", baseline)
    assert any("pace" in line for line in worse_lines(result)), result.out


@two_cores
def test_a_slower_build_breaks_against_the_other(harness, files, slowed):
    """30 % slower: seen in pairs of runs, which are disturbed alike."""
    _, baseline, _ = files.write()
    result = harness("gate", "--baseline", baseline, "--against", slowed(0.4))
    assert any("time over the other build's" in line for line in worse_lines(result)), result.out
