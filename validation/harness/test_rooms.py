"""The rooms of the harness: no import runs back up (bench/harness/rooms.ini says what up is)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def lint(folder: Path) -> subprocess.CompletedProcess:
    """Holds the imports of the package `harness` in `folder` against its rooms.ini."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run(
        [*command, "--no-cache", folder / "harness" / "rooms.ini"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_no_import_runs_back_up():
    result = lint(BENCH)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "room, upper",
    [
        ("base/documents", "runs.program"),
        ("runs/measure", "judge.pace"),
        ("judge/gate", "report.page"),
        ("imports/scan", "report.page"),
        ("project/machine", "reproduce.work"),
    ],
)
def test_one_that_does_is_named(tmp_path, room, upper):
    shutil.copytree(BENCH / "harness", tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "harness" / f"{room}.py"
    file.write_text(f"{file.read_text()}\nimport harness.{upper}  # planted\n")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"harness.{room.replace('/', '.')} -> harness.{upper}" in result.stdout
