"""Entry point: `python -m harness COMMAND ARGS`, which is what `ptychoscale COMMAND ARGS` becomes."""

import argparse
import difflib
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path

from harness.base import locks, streams, temporary
from harness.base.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_STOPPED, InputError, RunError, Stopped, shortened
from harness.base.tree import ROOT

# Only the module of the chosen command is imported: pandas and matplotlib take longer to load than most commands to run.
COMMANDS = {
    "bench": "harness.runs.bench",
    "halves": "harness.runs.halves",
    "sweep": "harness.runs.sweep",
    "tune": "harness.runs.tune",
    "compare": "harness.judge.compare",
    "gate": "harness.judge.gate",
    "report": "harness.report",
    "reproduce": "harness.reproduce",
    "project": "harness.project",
    "import": "harness.imports",
}


LAUNCHING = COMMANDS.keys() - {"compare", "report"}  # those under which MPI programs run


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are one line, as those of every other command."""

    def error(self, message):
        raise InputError(f"{message}; see {self.prog} --help")


def load(command: str):
    """The module of a command. Throws InputError when it needs a package that this python lacks."""
    try:
        return importlib.import_module(COMMANDS[command])
    except ModuleNotFoundError as missing:
        # A command's own module that is not there is a mistake of ours, not a missing package.
        if missing.name.startswith("harness"):
            raise
        requirements = ROOT / "ci" / "requirements.txt"
        raise InputError(
            f"{sys.executable}: python package '{missing.name}' is missing; install what {requirements} lists, or name "
            "a python that has it in PTYCHOSCALE_PYTHON"
        ) from None


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of the chosen command; `run` among them carries it out."""
    parser = Parser(prog="ptychoscale", description="The commands over many runs; each explains itself with --help.")
    parser.add_argument("command", choices=COMMANDS)
    if not arguments or arguments[0] not in COMMANDS:
        return parser.parse_args(arguments)
    parser = Parser(prog="ptychoscale")
    commands = parser.add_subparsers(required=True)
    load(arguments[0]).add_parser(commands)
    options, extras = parser.parse_known_args(arguments)
    if extras:
        raise InputError(f"{describe_extras(extras, commands.choices[arguments[0]])}; see ptychoscale {arguments[0]} --help")
    return options


def describe_extras(words: list[str], command: argparse.ArgumentParser) -> str:
    """Words that a command does not know, in the order they were typed, and the option that is nearest to the first like one."""
    text = f"not expected: {' '.join(shortened(word, 60) for word in words)}"
    option = next((word.partition("=")[0] for word in words if word.startswith("--")), "")
    known = [name for action in command._actions for name in action.option_strings]  # noqa: SLF001
    near = difflib.get_close_matches(option, known, n=1)
    return f"{text}; is {near[0]} meant by {option}?" if near else text


def stop(number, _):
    """What schedulers send; TERM has the exit code of an interruption."""
    raise Stopped(EXIT_INTERRUPTED if number == signal.SIGTERM else EXIT_STOPPED)


def carry_out(arguments: list[str]) -> int:
    """Carries out a command line and says in one line what went wrong; gives the exit code."""
    interrupted = "nothing was written"
    try:
        options = parse(arguments)
        interrupted = getattr(options, "interrupted", interrupted)
        options.argv = ["ptychoscale", *arguments]
        if arguments[0] in LAUNCHING:
            temporary.check()
        with locks.released():
            return options.run(options) or EXIT_OK
    except (InputError, RunError) as error:
        return end_with_error(str(error), error.exit_code)
    except OSError as error:  # a file of ours that others took away, or locked
        return end_with_error(f"{error.filename or 'the system'}: {error.strerror or error}", EXIT_FAILED)
    except MemoryError:
        return end_with_error("memory: there is too little for this command", EXIT_FAILED)
    except KeyboardInterrupt as end:
        return end_with_error(f"interrupted; {interrupted}", end.exit_code if isinstance(end, Stopped) else EXIT_INTERRUPTED)
    except streams.StreamError:
        raise
    except Exception as mistake:  # noqa: BLE001
        if os.environ.get("PTYCHOSCALE_TRACEBACK"):
            raise
        return end_with_error(mistake_of_ours(mistake), EXIT_FAILED)


def end_with_error(message: str, code: int) -> int:
    """Says in one line of bounded length what went wrong; gives the exit code."""
    line = "".join(c if c.isprintable() else " " for c in f"ptychoscale: error: {message}")
    print(shortened(" ".join(line.split())), file=sys.stderr)
    return code


def mistake_of_ours(mistake: Exception) -> str:
    """What nobody foresaw, with its place in the code."""
    place = traceback.extract_tb(mistake.__traceback__)[-1]
    return (
        f"unforeseen {type(mistake).__name__} in {Path(place.filename).name}:{place.lineno} ({shortened(str(mistake), 100)}); "
        "PTYCHOSCALE_TRACEBACK=1 shows where; please report it"
    )


def main(arguments: list[str]) -> int:
    """Carries out a command line, its output to the last byte; gives the exit code."""
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, stop)
    try:
        with streams.guarded():
            try:
                return carry_out(arguments)
            except SystemExit as wanted:  # argparse has printed its help
                return wanted.code or EXIT_OK
    except streams.StreamError as failure:
        return streams.end_without(failure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
