"""HDF5 files that a page is made of, and that the library does not survive: one line, and the harness goes on."""

import os
import signal

import h5py
import numpy as np
import pytest

from harness.base import hdf5, voxels
from harness.base.errors import InputError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.h5"
    with h5py.File(path, "w") as opened:
        opened["volume"] = np.ones((2, 3, 4), "f4")
        opened["text"] = "of variable length"
    return path


@pytest.mark.parametrize("number, says", [(signal.SIGSEGV, "the HDF5 library crashes on it"), (signal.SIGXCPU, "does not end")])
def test_a_crash_is_one_line(file, monkeypatch, number, says):
    monkeypatch.setattr(hdf5, "visit", lambda _: os.kill(os.getpid(), number))
    with pytest.raises(InputError, match=f"{file}: is damaged: .*{says}"), hdf5.open_file(file):
        pass


def test_a_sound_file_is_opened(file):
    with hdf5.open_file(file) as opened:
        assert voxels.numbers(opened, "volume", 3).shape == (2, 3, 4)


def test_what_fails_inside_names_the_file(file):
    with pytest.raises(InputError, match=f"{file}: is damaged .*"), hdf5.open_file(file) as opened:
        opened["nothing"]


def test_more_numbers_than_a_file_can_hold_are_not_read(file):
    with h5py.File(file, "r+") as opened:
        opened.create_dataset("huge", (1 << 20, 1 << 20, 64), "f8", chunks=(1, 1, 64))
    with hdf5.open_file(file) as opened, pytest.raises(InputError, match="which the file cannot hold"):
        voxels.numbers(opened, "huge", 3)
