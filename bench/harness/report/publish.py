"""Puts a folder of files under its final name, whole or not at all."""

import shutil
import tempfile
from pathlib import Path

from harness.base.documents import current_umask
from harness.base.errors import InputError

MARK = '<meta name="generator" content="ptychoscale report">'  # in every page, so that one is known to be replaceable


def check_replaceable(folder: Path) -> None:
    """Throws InputError unless `folder` is missing, empty or an earlier page: nothing of the user's is overwritten."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder}: is no folder; valid: a new folder, an empty one or an earlier page")
    if not folder.exists() or not any(folder.iterdir()):
        return
    page = folder / "index.html"
    if not page.is_file() or MARK not in page.read_text(encoding="utf-8", errors="replace"):
        raise InputError(f"{folder}: holds files that are no earlier page; valid: a new folder, an empty one or an earlier page")


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def swap(new: Path, folder: Path, attic: Path) -> None:
    """Renames `new` to `folder`; what was there goes into `attic`, and comes back when the renaming fails."""
    old = attic / "old"
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise


def publish(files: dict[str, bytes], folder: Path) -> None:
    """Writes files, by their names below `folder`, in place of an earlier page. Throws InputError when they cannot be written."""
    attic = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        attic = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        new = attic / "new"
        new.mkdir(mode=0o777 & ~current_umask())
        write_files(new, files)
        swap(new, folder, attic)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose a place with room that you may write to"
        ) from None
    finally:
        if attic is not None:
            shutil.rmtree(attic, ignore_errors=True)
