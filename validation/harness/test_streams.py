"""Standard output that cannot be written: one line or silence, the right exit code, and no traceback."""

import os
import subprocess

import pytest
from patience import HANG_SECONDS

from harness.runs import program

NO_READER = 141  # 128 + SIGPIPE
FULL = "ptychoscale: error: standard output: cannot be written (No space left on device)"


def started(*words, stdout, stderr=subprocess.PIPE):
    words = [program.executable(), *map(str, words)]
    return subprocess.run(words, stdout=stdout, stderr=stderr, text=True, timeout=HANG_SECONDS, check=False)


@pytest.fixture
def pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.fixture
def full():
    with open("/dev/full", "w") as device:
        yield device


def commands(folder, case):
    """One that prints at its end, one after each item, and the help that argparse prints."""
    return [
        ["bench", case, "-o", folder / "bench", "--methods", "serial", "--iterations", 2],
        ["reproduce", "table1", "-o", folder / "reproduced"],
        ["compare", "--help"],
    ]


@pytest.mark.parametrize("which", range(3))
def test_a_full_device_is_one_line(full, tiny_case, tmp_path, which):
    result = started(*commands(tmp_path, tiny_case)[which], stdout=full)
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if "error" in line.lower()] == [FULL], result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("which", range(3))
def test_a_reader_that_has_gone_ends_it_quietly(pipe_without_reader, tiny_case, tmp_path, which):
    result = started(*commands(tmp_path, tiny_case)[which], stdout=pipe_without_reader)
    assert result.returncode == NO_READER
    assert "rror" not in result.stderr and "Traceback" not in result.stderr, result.stderr


def test_a_reader_of_both_streams_that_has_gone(pipe_without_reader, tmp_path):
    words = ["reproduce", "table1", "-o", tmp_path]
    assert started(*words, stdout=pipe_without_reader, stderr=pipe_without_reader).returncode == NO_READER


def test_a_file_that_cannot_be_removed_is_no_traceback(harness, tiny_case, tmp_path):
    (tmp_path / "report.json").mkdir()
    result = harness("bench", tiny_case, "-o", tmp_path, "--methods", "serial")
    assert result.code == 1
    (line,) = result.err.splitlines()
    assert line.startswith(f"ptychoscale: error: {tmp_path / 'report.json'}: ")
