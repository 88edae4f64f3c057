"""What MPI launchers must be told on a small machine: ci/mpi-settings, read."""

import functools

from harness.base.tree import ROOT

UNBOUND = "unbound"  # ranks are not bound to single cores
OUTNUMBER = "outnumber"  # more ranks than cores
AS_ROOT = "root"
NO_PEEK = "no_peek"  # ranks do not read each other's memory
AT_ONCE = "at_once"  # an aborted run is over at once


@functools.cache
def mpi_settings(*groups: str) -> dict[str, str]:
    """The environment variables of some groups, whatever the MPI."""
    lines = (ROOT / "ci" / "mpi-settings").read_text().splitlines()
    entries = [line.split() for line in lines if line and not line.startswith("#")]
    return dict(setting.split("=", 1) for group, setting in entries if group in groups)
