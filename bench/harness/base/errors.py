"""The two ways in which a command can fail, each with its exit code."""

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INPUT = 2
EXIT_STOPPED = 75  # by a signal that schedulers send before a limit; EX_TEMPFAIL, the same command goes on
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


LONGEST_LINE = 300  # characters of an error, whatever value it is about


def shortened(text: str, longest: int = LONGEST_LINE) -> str:
    """The text without its middle where it is longer: what it is about stands first, and what would be valid last."""
    if len(text) <= longest:
        return text
    kept = longest - len("...")
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


class Stopped(KeyboardInterrupt):
    """An interruption that lets the run at work make its checkpoint first."""

    def __init__(self, exit_code: int = EXIT_STOPPED):
        super().__init__()
        self.exit_code = exit_code


class InputError(Exception):
    """What the user gave cannot be used; the text is one line: what, where, the value, what would be valid."""

    exit_code = EXIT_INPUT


class RunError(Exception):
    """A run or a check failed; the text is one line."""

    exit_code = EXIT_FAILED
