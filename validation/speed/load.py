"""How busy the machine is with what is not ours: without that, a figure of speed says little."""

import dataclasses
import os
import resource
import statistics
import time
from pathlib import Path

LOOK_SECONDS = 1.0
LOOKS = 10
CGROUPS = Path("/sys/fs/cgroup")


def text_of(file: Path) -> str:
    """What is in a file of the system; empty where there is no such file."""
    try:
        return file.read_text()
    except OSError:
        return ""


def busy_seconds() -> float | None:
    """Of all processors together, since they were started; None where the system does not say."""
    words = text_of(Path("/proc/stat")).partition("\n")[0].split()[1:9]
    if len(words) < 8:
        return None
    user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, words)
    return (user + nice + system + interrupts + soft_interrupts + stolen) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Of processors that this process and what it started have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@dataclasses.dataclass(frozen=True)
class Moment:
    """When, and what all processors and ours alone had worked by then."""

    clock: float = dataclasses.field(default_factory=time.monotonic)
    busy: float | None = dataclasses.field(default_factory=busy_seconds)
    own: float = dataclasses.field(default_factory=own_seconds)


def others_cores(since: Moment, now: Moment) -> float | None:
    """How many processors others kept busy in between, on average; None where the system does not say."""
    if since.busy is None or now.busy is None:
        return None
    return max(0.0, (now.busy - since.busy - (now.own - since.own)) / (now.clock - since.clock))


def runnable_processes() -> int:
    """Processes that run or could run, but this one."""
    states = [text_of(file).rpartition(")")[2].split() for file in Path("/proc").glob("[0-9]*/stat")]
    return max(0, sum(state[0] == "R" for state in states if state) - 1)


def quota() -> str:
    """How many processors the control group may use."""
    limit = text_of(CGROUPS / "cpu.max").split()
    if not limit:
        limit = [text_of(CGROUPS / "cpu" / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    if not all(limit):
        return "quota not known"
    return "no quota" if limit[0] in ("max", "-1") else f"a quota of {int(limit[0]) / int(limit[1]):g} processors"


def frequency() -> str:
    megahertz = [float(line.partition(":")[2]) for line in text_of(Path("/proc/cpuinfo")).splitlines() if line.startswith("cpu MHz")]
    return f"{statistics.mean(megahertz) / 1e3:.2f} GHz" if megahertz else "frequency not known"


def cores_said(cores: float | None) -> str:
    return "an unknown number" if cores is None else f"{cores:.1f}"


def described() -> str:
    """The load right now, while nothing of ours runs, in one line."""
    since, runnable = Moment(), []
    for _ in range(LOOKS):
        time.sleep(LOOK_SECONDS / LOOKS)
        runnable.append(runnable_processes())
    averages = " ".join(f"{average:.2f}" for average in os.getloadavg())
    return (
        f"others keep {cores_said(others_cores(since, Moment()))} of {os.cpu_count()} processors busy, "
        f"{statistics.mean(runnable):.1f} runnable processes beside ours, load average {averages}, {quota()}, {frequency()}"
    )
