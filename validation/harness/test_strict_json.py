"""JSON that parsers choke on, or take in silence: one line that names the file, of bounded length."""

import json
import sys

import pytest

from harness.base import strict_json
from harness.base.errors import LONGEST_LINE, InputError, shortened

BAD = {
    "deep lists": ("[" * 200_000, "nested 200000 deep; valid: 64"),
    "deep objects": ('{"a":' * 100 + "1" + "}" * 100, "nested 100 deep"),
    "a long integer": ("1" * 100_000, "has 100000 characters; valid: 100"),
    "a long integer below": (f'{{"a": [{"7" * 101}]}}', "has 101 characters"),
    "a long fraction": ("0." + "1" * 5000, "has 5002 characters"),
    "a large number": ("1e999", "1e999 is too large"),
    "nan": ('{"a": NaN}', "NaN is no JSON number"),
    "infinity": ("[-Infinity]", "-Infinity is no JSON number"),
    "a key twice": ('{"a": 1, "b": {"c": 1, "c": 2}}', "key 'c' is there twice"),
    "a long key twice": (f'{{"{"k" * 9999}": 1, "{"k" * 9999}": 2}}', "is there twice"),
    "half a pair": (r'["\ud800"]', "a character that is none"),
    "a zero": (r'{"case": "a\u0000b"}', "a character that is none"),
    "nothing": ("", "is not JSON"),
    "half a text": ('{"a": ', "is not JSON"),
    "two values": ("1 2", "is not JSON"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_json_is_one_line(kind, tmp_path):
    text, says = BAD[kind]
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(InputError) as refusal:
        strict_json.read(file)
    line = str(refusal.value)
    assert line.startswith(f"{file}: ") and says in line and len(line) < LONGEST_LINE and "\n" not in line


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "bad.json").write_bytes(b'{"a": "\xff\xfe"}')
    with pytest.raises(InputError, match="is not JSON: invalid start byte at byte 7"):
        strict_json.read(tmp_path / "bad.json")


def test_a_folder_a_device_and_a_file_too_large(tmp_path, monkeypatch):
    for file in (tmp_path, "/dev/zero"):
        with pytest.raises(InputError, match="not a regular file"):
            strict_json.read(file)
    monkeypatch.setattr(strict_json, "MOST_BYTES", 3)
    (tmp_path / "large.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="has 6 bytes; valid: a file in JSON of 3 at most"):
        strict_json.read(tmp_path / "large.json")


def test_good_json_is_what_it_was():
    value = {"a": [1, -2.5e-3, 10**99, True, None, "[{\\\"", "\u00e9\U0001f600"], "b": {"c": {}}}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert strict_json.parse(text, "here") == value
    nested = "[" * strict_json.DEEPEST + "]" * strict_json.DEEPEST
    assert strict_json.depth(nested) == strict_json.DEEPEST and strict_json.parse(nested, "here")


def test_commands_refuse_in_one_line(rejects, tmp_path):
    for kind in ("deep lists", "a long integer", "a key twice"):
        file = tmp_path / "bad.json"
        file.write_text(BAD[kind][0])
        for words in (["compare", file, file], ["sweep", file, "-o", tmp_path / "out", "--ranks", "1"], ["gate", file]):
            line = rejects(*words, says=[file, BAD[kind][1]]).err
            assert len(line.strip()) <= LONGEST_LINE


@pytest.mark.parametrize("value", ["x" * 100_000, "line\nline\x1b[31m" * 1000, "\u00e9" * 5000, "\udcff" * 400])
def test_a_line_of_error_is_short_whatever_the_value(harness, tmp_path, value):
    result = harness("bench", "smoke", "-o", tmp_path / "runs", "--ranks", value)
    assert result.code == 2
    (line,) = result.err.splitlines()
    assert len(line) <= LONGEST_LINE and line.isprintable() and "--ranks" in line and "valid" in line


def test_shortened_keeps_both_ends():
    assert shortened("short", 10) == "short"
    assert shortened("abcdefghijklm", 10) == "abcd...klm"
    assert all(len(shortened("x" * n, 20)) <= 20 for n in range(40))


def test_a_mistake_of_ours_is_one_line_that_says_so(harness, tmp_path, monkeypatch):
    from harness.judge import compare

    def mistaken(_):
        raise KeyError("what nobody thought of")

    monkeypatch.setattr(compare, "run", mistaken)
    result = harness("compare", tmp_path, tmp_path)
    assert result.code == 1 and "Traceback" not in result.err
    assert "unforeseen KeyError in test_strict_json.py" in result.err and "please report it" in result.err
    monkeypatch.setenv("PTYCHOSCALE_TRACEBACK", "1")
    with pytest.raises(KeyError):
        harness("compare", tmp_path, tmp_path)


def test_the_limits_hold_back_the_recursion_of_python():
    assert strict_json.DEEPEST * 4 < sys.getrecursionlimit()


def test_a_word_too_many_is_named_with_the_nearest_option(rejects, tmp_path):
    says = "not expected: 5 --rnaks; is --ranks meant by --rnaks?; see ptychoscale bench --help"
    rejects("bench", "smoke", "5", "-o", tmp_path / "runs", "--rnaks", says=[says])
