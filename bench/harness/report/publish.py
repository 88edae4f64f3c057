"""Puts a page's files into their folder, whole or not at all, and leaves alone what no page made."""

import html
import os
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

from harness.base.documents import current_umask, sync
from harness.base.errors import InputError

MARK = '<meta name="generator" content="ptychoscale report">'  # in every page, so that one is known to be replaceable


def files_of_page(folder: Path) -> set[str]:
    """The files of the page in `folder`, by their names below it: index.html, and what it links to in figures/ and data/, which is all
    that a page makes."""
    text = (folder / "index.html").read_text(encoding="utf-8", errors="replace")
    links = re.findall(r'(?:href|src)="((?:figures|data)/[^"#]+)', text)
    names = {urllib.parse.unquote(html.unescape(link)) for link in links}
    return {"index.html", *(name for name in names if ".." not in Path(name).parts)}


def names_in(folder: Path) -> set[str]:
    """Everything below `folder` but folders, by name; links to folders are not followed."""
    found = set()
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found |= {os.path.relpath(os.path.join(parent, name), folder) for name in (*files, *links)}
    return found


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
    """Writes files, and returns when the disk has them and their names."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        sync(file)
    sync_folders(folder, files)


def sync_folders(folder: Path, names: Iterable[str]) -> None:
    """Has the disk keep the names of files below `folder`."""
    for parent in {parent for name in names for parent in (folder / name).parents if parent.is_relative_to(folder)}:
        sync(parent)


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
    sync(folder.parent)


def replace_one_by_one(new: Path, folder: Path, earlier: set[str], names: set[str]) -> None:
    """Renames the new page's files into `folder`, index.html last, and removes those that only the earlier page had."""
    for name in sorted(names, key=lambda name: name == "index.html"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (new / name).replace(file)
    for name in earlier - names:
        (folder / name).unlink(missing_ok=True)
    sync_folders(folder, names)


def publish(files: dict[str, bytes], folder: Path) -> None:
    """Writes files, by their names below `folder`, in place of an earlier page, as one step when nothing else is there. What no page
    made stays. Throws InputError when they cannot be written, or when one would replace such a file."""
    there = names_in(folder)
    earlier = files_of_page(folder) if there else set()
    of_others = there - earlier
    taken = sorted(of_others & files.keys())
    if taken:
        raise InputError(f"{folder / taken[0]}: was made by no earlier page and would be replaced; move it away")
    attic = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        attic = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        new = attic / "new"
        new.mkdir(mode=0o777 & ~current_umask())
        write_files(new, files)
        if of_others:
            replace_one_by_one(new, folder, earlier, set(files))
        else:
            swap(new, folder, attic)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose a place with room that you may write to"
        ) from None
    finally:
        if attic is not None:
            shutil.rmtree(attic, ignore_errors=True)
