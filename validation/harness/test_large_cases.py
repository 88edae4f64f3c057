"""A case that asks for more than anything could be is refused at once by every command that takes cases, and nothing is left."""

import json

import pytest

COMMANDS = {
    "bench": ["CASE", "-o", "OUT"],
    "project": ["--case", "CASE", "--ranks", 4, "--measure", "OUT"],
    "sweep": ["CASE", "--ranks", 2, "-o", "OUT"],
    "tune": ["CASE", "--ranks", 2, "-o", "OUT"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "field, value, says", [("slices", 10**9, "'slices' is 1000000000"), ("detector", [10**9, 64], "'detector.y' is 1000000000")]
)
def test_it_is_refused_in_one_line(rejects, tiny_case, tmp_path, command, field, value, says):
    case = tmp_path / "large.json"
    case.write_text(json.dumps({**json.loads(tiny_case.read_text()), field: value}))
    words = [{"CASE": case, "OUT": tmp_path / "out"}.get(word, word) for word in COMMANDS[command]]
    rejects(command, *words, says=[case, says, "it must be from 1 to "])
    assert not (tmp_path / "out").exists()
