"""JSON from outside: what parsers choke on, or take in silence, is refused in one line."""

import json
import math
import re
from pathlib import Path

from harness.base.errors import InputError, shortened

# The same limits as in C++ (ptychoscale/base/json_text.hpp); the project's own files keep far away from them.
MOST_BYTES = 100_000_000
DEEPEST = 64
LONGEST_NUMBER = 100  # characters
LONGEST_VALUE = 60  # characters of a value that are shown
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class Refused(ValueError):
    """Why a text is refused."""


def depth(text: str) -> int:
    """How deep lists and objects are nested."""
    deepest = level = 0
    for match in BRACKETS.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        deepest = max(deepest, level)
    return deepest


def short_enough(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise Refused(f"the number {shortened(text, LONGEST_VALUE)} has {len(text)} characters; valid: {LONGEST_NUMBER} at most")
    return text


def finite(text: str) -> float:
    number = float(short_enough(text))
    if not math.isfinite(number):
        raise Refused(f"the number {shortened(text, LONGEST_VALUE)} is too large")
    return number


def no_constant(text: str) -> None:
    raise Refused(f"{text} is no JSON number; valid: a finite one")


def each_key_once(pairs: list[tuple[str, object]]) -> dict:
    found = {}
    for key, value in pairs:
        if key in found:
            raise Refused(f"key '{shortened(key, LONGEST_VALUE)}' is there twice; valid: once")
        found[key] = value
    return found


def check_characters(text: str, value: object) -> None:
    """That no text holds what no file can be named by, and no stream takes; such characters only come escaped."""
    if "\\u" not in text:
        return
    plain = json.dumps(value, ensure_ascii=False)
    if r"\u0000" in plain or any("\ud800" <= c <= "\udfff" for c in plain):
        raise Refused("a text has a character that is none (a zero, or half of a pair)")


def parse(text: str, where: str) -> object:
    """The value of a JSON text; `where` is what it is from. Throws InputError of one line."""
    try:
        if depth(text) > DEEPEST:
            raise Refused(f"it is nested {depth(text)} deep; valid: {DEEPEST} at most")
        value = json.loads(
            text,
            parse_int=lambda digits: int(short_enough(digits)),
            parse_float=finite,
            parse_constant=no_constant,
            object_pairs_hook=each_key_once,
        )
        check_characters(text, value)
        return value
    except Refused as refused:
        raise InputError(f"{where}: {refused}") from None
    except ValueError as error:
        raise InputError(f"{where}: is not JSON: {shortened(str(error), 2 * LONGEST_VALUE)}") from None


def read(file: Path) -> object:
    """The value in a JSON file. Throws InputError naming the file and what is wrong with it."""
    file = Path(file)
    try:
        if file.exists() and not file.is_file():
            raise InputError(f"{file}: cannot be read (not a regular file); valid: a file in JSON")
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file}: has {file.stat().st_size} bytes; valid: a file in JSON of {MOST_BYTES} at most")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); valid: a file in JSON") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not JSON: {error.reason} at byte {error.start}") from None
    except ValueError as error:  # a name with a zero in it
        raise InputError(f"{file}: cannot be read ({error}); valid: a file in JSON") from None
    return parse(text, str(file))
