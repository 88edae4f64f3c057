"""Without room for temporary files no run is started: what launchers say then names neither them nor TMPDIR."""

import errno
import tempfile

import pytest

from harness.base import temporary
from harness.base.errors import InputError

COMMANDS = {
    "bench": ["smoke", "-o", "OUT"],
    "gate": ["--case", "smoke", "-o", "OUT"],
    "project": ["--case", "smoke", "--ranks", 4, "--machine", "summit"],
    "reproduce": ["table1", "-o", "OUT"],
    "sweep": ["smoke", "--ranks", 2, "-o", "OUT"],
    "tune": ["smoke", "--ranks", 2, "-o", "OUT"],
}


@pytest.fixture
def no_folder(tmp_path, monkeypatch):
    file = tmp_path / "a-file"
    file.write_text("")
    monkeypatch.setenv("TMPDIR", str(file))
    return file


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_begun(rejects, tmp_path, no_folder, command):
    words = [tmp_path / "out" if word == "OUT" else word for word in COMMANDS[command]]
    rejects(command, *words, says=[f"TMPDIR: {no_folder}: cannot be written (Not a directory)", "set TMPDIR to a folder with room"])
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def write(self, content):
            assert len(content) >= 1 << 20
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    temporary.check()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: Full())
    with pytest.raises(InputError, match=r"TMPDIR: .*: cannot be written \(No space left on device\)"):
        temporary.check()


def test_what_starts_nothing_needs_none(harness, tiny_dataset, no_folder):
    assert harness("report", "--help").code == 0 and harness("compare", "--help").code == 0
    assert "cannot be written" not in harness("compare", tiny_dataset, tiny_dataset).err
