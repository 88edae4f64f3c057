"""ci/packages and ci/python-env where there is no apt, no network, or a python of the user's own."""

import os
import shutil
import subprocess
import sys

import pytest

from harness.base.tree import ROOT

HIDDEN = {"dpkg-query", "apt-get", "sudo"}


@pytest.fixture
def run(tmp_path):
    """Runs a script of ci/ on a machine without apt, as an ordinary user sees it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/usr/bin", "/bin"):
        for program in os.listdir(folder):
            if program not in HIDDEN and not (programs / program).exists():
                (programs / program).symlink_to(os.path.join(folder, program))

    def call(*words, without=(), root=ROOT, **variables):
        for name in without:
            (programs / name).unlink(missing_ok=True)
        environment = {key: value for key, value in os.environ.items() if key != "PTYCHOSCALE_PYTHON"}
        return subprocess.run(
            [str(root / "ci" / words[0]), *map(str, words[1:])],
            capture_output=True, text=True, env={**environment, "PATH": str(programs), **variables},
        )  # fmt: skip

    return call


def test_packages_are_looked_for_by_what_they_hold(run):
    result = run("packages", "libfmt-dev", "libfftw3-dev", "cmake", "python3")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_what_is_missing_without_apt_is_one_line(run):
    result = run("packages", "ninja-build", "cmake", "libsuch-dev", without=["ninja"])
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "ninja-build libsuch-dev;" in result.stderr and "cmake" not in result.stderr and "bench/README.md" in result.stderr


def test_asking_says_nothing(run):
    result = run("packages", "--ask", "ninja-build", without=["ninja"])
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")


def test_a_python_of_the_users_own_is_taken(run):
    result = run("python-env", PTYCHOSCALE_PYTHON=sys.executable)
    assert (result.returncode, result.stdout) == (0, f"{sys.executable}\n")


@pytest.mark.parametrize("python, says", [("/bin/false", "no python 3.11"), ("/usr/bin/python3", "lacks: ")])
def test_a_python_that_lacks_something_is_refused(run, python, says):
    result = run("python-env", PTYCHOSCALE_PYTHON=python)
    assert result.returncode == 2 and python in result.stderr and says in result.stderr and result.stderr.count("\n") == 1


def copy_of_scripts(folder):
    (folder / "ci").mkdir(parents=True)
    for name in ("python-env", "requirements.txt"):
        shutil.copy(ROOT / "ci" / name, folder / "ci" / name)
    return folder


def test_without_a_network_every_wheel_has_to_be_there(run, tmp_path):
    (tmp_path / "wheels").mkdir()
    result = run("python-env", "--from", tmp_path / "wheels", root=copy_of_scripts(tmp_path / "checkout"))
    assert result.returncode == 2 and result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert f"{tmp_path}/wheels lacks a wheel" in last and "h5py==" in last


def test_a_folder_of_wheels_that_is_none(run, tmp_path):
    result = run("python-env", "--from", tmp_path / "none", root=copy_of_scripts(tmp_path / "checkout"))
    assert result.returncode == 2 and "none' is no folder" in result.stderr


def test_a_checkout_without_room_for_builds_is_said(run, tmp_path):
    """A file is in the way, which stops root, too."""
    checkout = copy_of_scripts(tmp_path / "checkout")
    (checkout / "build").touch()
    result = run("python-env", root=checkout)
    assert result.returncode == 2 and f"{checkout}/build cannot be made or written" in result.stderr and result.stderr.count("\n") == 1


def test_a_checkout_that_cannot_be_written_is_built_elsewhere(run, tmp_path):
    """A file is in the way in the checkout; what stops it in the other folder says that it was there."""
    checkout = copy_of_scripts(tmp_path / "checkout")
    (checkout / "build").touch()
    (tmp_path / "wheels").mkdir()
    result = run("python-env", "--from", tmp_path / "wheels", root=checkout, PTYCHOSCALE_BUILD=str(tmp_path / "else where"))
    assert "lacks a wheel" in result.stderr
    assert (tmp_path / "else where" / "venv" / "bin" / "python").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a checkout to another user, which root may")
def test_the_commit_of_a_checkout_that_another_user_owns_is_known(tmp_path):
    checkout = tmp_path / "a checkout"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(checkout)]
    subprocess.run(["git", "init", "--quiet", str(checkout)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=a"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, 12345, 12345)
    (tmp_path / "template").write_text("@commit@ @dirty@")
    given = {"SOURCE_DIR": checkout, "TEMPLATE": tmp_path / "template", "OUTPUT": tmp_path / "state"}
    script = ["-P", str(ROOT / "bench/record/source_state.cmake")]
    subprocess.run(["cmake", *(f"-D{key}={value}" for key, value in given.items()), *script], check=True)
    assert (tmp_path / "state").read_text().split() == [commit, "false"]


def test_a_combination_that_there_is_not_is_refused(run):
    result = run("matrix", "--only", "bookworm-openmpi-gcc-99")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "no 'bookworm-openmpi-gcc-99'" in result.stderr and "trixie-openmpi-gcc-14" in result.stderr


def test_from_a_clone_to_a_table_it_is_six_commands():
    """Which ci/no-apt-check takes from there."""
    _, after = (ROOT / "bench/README.md").read_text().split("`ci/no-apt-check`", 1)
    block = after.split("\n\n")[1].splitlines()
    commands = [line.split("#")[0].split() for line in block]
    assert [words[0] for words in commands] == ["git", "module", "ci/python-env", "cmake", "cmake", "build/cpu/bin/ptychoscale"]
