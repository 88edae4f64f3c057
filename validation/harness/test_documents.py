"""Files of the user: an output goes where its name leads, and what is no file is left alone."""

import os
import socket
import stat

import pytest

from harness.base.documents import write_text
from harness.base.errors import InputError


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path, there):
    disk = tmp_path / "disk"
    disk.mkdir()
    if there:
        (disk / "report.json").write_text("old")
    link, second = tmp_path / "link.json", tmp_path / "second.json"
    link.symlink_to("disk/report.json")
    second.symlink_to(link)
    write_text(second, "new")
    assert link.is_symlink() and second.is_symlink()
    assert not (disk / "report.json").is_symlink() and (disk / "report.json").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["disk", "link.json", "report.json", "second.json"]


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    "make, kind",
    [
        (os.mkfifo, "is a pipe"),
        (make_socket, "is a socket"),
        (os.mkdir, "is a folder"),
        (lambda path: path.symlink_to("/dev/null"), "leads to /dev/null, which is a device"),
        (lambda path: path.symlink_to(path), "is a link that leads in a circle"),
    ],
)
def test_what_is_no_file_is_not_replaced(tmp_path, make, kind):
    path = tmp_path / "out"
    make(path)
    before = os.lstat(path)
    with pytest.raises(InputError, match=kind):
        write_text(path, "new")
    assert stat.S_IFMT(os.lstat(path).st_mode) == stat.S_IFMT(before.st_mode) and os.lstat(path).st_ino == before.st_ino
    assert list(tmp_path.iterdir()) == [path]
