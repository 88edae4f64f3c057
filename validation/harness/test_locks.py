"""One command at a time in a folder; who dies leaves it."""

import fcntl
import os
import re
import signal
import subprocess
import sys

import pytest

from harness.base import documents, locks
from harness.base.errors import InputError
from harness.runs import sweep

HOLDER = (
    "import sys, time\nfrom harness.base import documents\n"
    "documents.take_folder(sys.argv[1], ['ptychoscale', 'bench', 'ci'])\nprint('taken', flush=True)\ntime.sleep(600)\n"
)


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "words", [["bench", "smoke"], ["sweep", "smoke", "--ranks", "1"], ["reproduce", "table1"], ["gate", "--case", "smoke"]]
)
def test_a_second_command_is_refused_and_told_by_whom(holder, rejects, tmp_path, words):
    folder = tmp_path / "smoke" if words[0] == "gate" else tmp_path
    if folder != tmp_path:  # gate has a folder for each case
        folder.mkdir()
        os.rename(tmp_path / locks.NAME, folder / locks.NAME)
    (folder / "report.json").write_text("kept")
    rejects(*words, "-o", tmp_path, says=[f"{folder}: is in use by process {holder.pid} on", "ptychoscale bench ci"])
    assert (folder / "report.json").read_text() == "kept"


def test_a_folder_is_free_again_when_its_holder_is_killed(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locks.released():
        documents.take_folder(tmp_path, ["again"])
        documents.take_folder(tmp_path, ["the same process, twice"])
        assert re.match(rf"process {os.getpid()} on .*: again\n", (tmp_path / locks.NAME).read_text())
    assert not list(tmp_path.iterdir())


def test_a_command_gives_its_folder_back(harness, tmp_path):
    assert harness("reproduce", "table1", "-o", tmp_path, "--only-plan").code == 0
    assert not (tmp_path / locks.NAME).exists()


def test_a_lock_that_goes_away_while_it_is_taken_is_none(tmp_path, monkeypatch):
    flock, gone = fcntl.flock, []

    def late(handle, how):
        if not gone:
            gone.append(os.unlink(tmp_path / locks.NAME))
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with locks.released():
        locks.take(tmp_path, ["late"])
        assert "late" in (tmp_path / locks.NAME).read_text()


def test_a_file_system_without_locks_is_but_a_warning(tmp_path, monkeypatch, capfd):
    def none(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with locks.released():
        locks.take(tmp_path, ["words"])
    assert "warning" in capfd.readouterr().err


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("kept")
    (tmp_path / locks.NAME).symlink_to(tmp_path / "mine")
    with pytest.raises(InputError):
        locks.take(tmp_path, ["words"])
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_sweep_removes_the_volumes_of_one_that_was_killed(tmp_path):
    left = [tmp_path / f"{'0123456789abcdef'}.h5", tmp_path / f"{'0123456789abcdef'}.h5.partial"]
    kept = [tmp_path / name for name in ("mine.h5", "0123456789abcdef-run.json", "0123456789abcdef.log")]
    for file in (*left, *kept):
        file.touch()
    sweep.remove_volumes(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
