"""What is made of measured figures, with fixed numbers in their place."""

import importlib.util
import math
import sys
from pathlib import Path

import load
import pytest
from check import BROKEN, HOLDS, UNCLEAR, Bar, Check, Outcome, Place, lines_of, measure

from harness.base.statistics import summarise

NINE = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8]  # the interval of their median is from the second to the eighth


@pytest.mark.parametrize(
    "bar, verdict",
    [
        (Bar(most=1.75), HOLDS),
        (Bar(most=1.65), UNCLEAR),
        (Bar(most=1.15), UNCLEAR),
        (Bar(most=1.05), BROKEN),
        (Bar(least=1.05), HOLDS),
        (Bar(least=1.15), UNCLEAR),
        (Bar(least=1.75), BROKEN),
        (Bar(1.0, 2.0), HOLDS),
        (Bar(1.2, 2.0), UNCLEAR),
        (Bar(1.9, 2.0), BROKEN),
        (Bar(0.1, 0.2), BROKEN),
    ],
)
def test_only_a_whole_interval_beyond_its_bar_is_broken(bar, verdict):
    outcome = Outcome("figure", bar, summarise(NINE))
    assert outcome.summary.interval == (1.1, 1.7)
    assert outcome.verdict == verdict


def test_too_few_rounds_say_nothing():
    outcome = Outcome("figure", Bar(most=0.1), summarise(NINE[:5]))
    assert outcome.verdict == UNCLEAR
    assert "5 are too few" in lines_of([outcome])[1]


def test_bars_in_words():
    assert [str(bar) for bar in (Bar(most=1.3), Bar(least=1.7), Bar(0.25, 2))] == ["at most 1.3", "at least 1.7", "0.25 to 2"]


def fixed(title, values, asked=None):
    """A check of one figure with a value for each round; `asked` gets its title and the round whenever it is measured."""

    def sample(place, round_):
        if asked is not None:
            asked.append((title, round_))
        return {title: [values[round_]]}

    return Check(title, {title: Bar(most=1.3)}, sample)


def test_rounds_are_interleaved_and_every_other_goes_backwards(tmp_path):
    asked = []
    checks = [fixed(title, NINE, asked) for title in ("a", "b")]
    outcomes = measure(checks, Place(tmp_path, tmp_path), 3)
    assert asked == [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]
    assert [outcome.summary.samples for outcome in outcomes] == [tuple(NINE[:3])] * 2


@pytest.fixture
def command():
    """The command as a module."""
    spec = importlib.util.spec_from_file_location("speed_command", Path(__file__).with_name("__main__.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("median, code, verdict", [(1.2, 0, HOLDS), (1.3, 0, UNCLEAR), (1.4, 1, BROKEN)])
def test_the_command_fails_only_for_what_is_broken(command, monkeypatch, capsys, median, code, verdict):
    values = [median * (1 + 0.01 * (i - 4)) for i in range(9)]
    monkeypatch.setattr(command, "CHECKS", [fixed("figure", values)])
    monkeypatch.setattr(sys, "argv", ["speed"])
    assert command.main() == code
    out = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in out[:3]] == ["before", "during", "after"]
    assert out[-2].endswith(verdict) and out[-1] == f"1 figures, {code} broken"


def test_nothing_to_measure_is_said(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["speed", "--only", "no such"])
    assert command.main() == 1
    assert "there are slice step, two ranks" in capsys.readouterr().err


def test_what_others_take_is_what_is_not_ours():
    """In 10 s the processors worked 15 s, of which 9 were ours."""
    since, now = load.Moment(100.0, 1000.0, 5.0), load.Moment(110.0, 1015.0, 14.0)
    assert load.others_cores(since, now) == pytest.approx(0.6)
    assert load.others_cores(load.Moment(0.0, None, 0.0), now) is None


def test_the_load_is_described_in_one_line(monkeypatch):
    monkeypatch.setattr(load, "LOOK_SECONDS", 0.01)
    line = load.described()
    assert "\n" not in line and all(word in line for word in ("processors busy", "runnable processes", "load average", "quota"))
    assert "GHz" in line or "frequency not known" in line


@pytest.mark.parametrize(
    "files, said",
    [
        ({"cpu.max": "max 100000\n"}, "no quota"),
        ({"cpu.max": "150000 100000\n"}, "a quota of 1.5 processors"),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, "no quota"),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "a quota of 0.5 processors"),
        ({}, "quota not known"),
    ],
)
def test_quota_of_either_kind_of_control_group(tmp_path, monkeypatch, files, said):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(load, "CGROUPS", tmp_path)
    assert load.quota() == said


def test_figures_have_names_of_their_own(command):
    names = [figure for check in command.CHECKS for figure in check.bars]
    assert len(names) == len(set(names)) == 17
    assert all(math.isfinite(bar.least) or math.isfinite(bar.most) for check in command.CHECKS for bar in check.bars.values())
