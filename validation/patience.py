"""How tests wait: for the thing itself, however long a busy machine takes; only what hangs meets a limit."""

import time

HANG_SECONDS = 600  # nothing that a test starts takes a tenth of that on a quiet machine
POLL_SECONDS = 0.02


def wait_until(happened, what: str, process=None):
    """Returns what `happened()` gives once that is true. Fails, naming `what`, when `process` has ended before, or after HANG_SECONDS."""
    deadline = time.monotonic() + HANG_SECONDS
    while not (found := happened()):
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the process ended with {process.returncode} before {what}")
        if time.monotonic() > deadline:
            raise AssertionError(f"hangs: {HANG_SECONDS} s without {what}")
        time.sleep(POLL_SECONDS)
    return found
