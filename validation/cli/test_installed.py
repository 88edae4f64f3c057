"""An installed program finds the project's own files beside itself, not where it was built."""

import json
import subprocess
from pathlib import Path

from conftest import PROGRAM, TINY


def test_an_installed_program_has_its_own_cases_and_harness(run, tmp_path):
    build = Path(PROGRAM).resolve().parents[1]
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "prefix"], check=True, capture_output=True)
    own = tmp_path / "prefix/share/ptychoscale"
    (own / "bench/cases/only-here.json").write_text(json.dumps(TINY))
    (own / "bench/harness/__main__.py").write_text("import harness.base.documents as d; print(d.SCHEMA, d.SCHEMA.is_file())")
    run.rejects("info", "only-here", says=["only-here", "unknown"])

    def installed(*words):
        words = [tmp_path / "prefix/bin/ptychoscale", *words]
        return subprocess.run(words, capture_output=True, text=True, check=True, env=run.environment).stdout

    assert "for tests" in installed("info", "only-here")
    assert installed("bench") == f"{own}/results/schema.json True\n"
