"""Whether the gate sees a program that is slower, and none where there is none: its own measurements, of slowed programs."""

import functools
import subprocess
from pathlib import Path

from check import Bar, Check, Place, dataset

from harness.base.limits import AGAINST_LIMIT, SERIAL_LIMIT
from harness.judge import pace
from harness.runs import datasets, measure, program

# Transforms take ADDED times as long on top; they are about two thirds of the solver's time, and reading the clock costs some, too.
SLOW_TRANSFORMS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
void fftwf_execute_dft(const void* plan, float (*in)[2], float (*out)[2]) {
  static void (*real)(const void*, float (*)[2], float (*)[2]);
  if (!real) real = dlsym(RTLD_NEXT, "fftwf_execute_dft");
  const double start = now();
  real(plan, in, out);
  const double end = now();
  while (now() < end + ADDED * (end - start)) {}
}
"""
SLOWER = "time of a program 30 % slower over this one's"
SAME = "time of this program over its own"
HALF_AS_FAST = "pace of a program half as fast over this one's"
SAME_PACE = "pace of this program over its own"


@functools.cache
def slowed(folder: Path, added: float) -> str:
    """A program whose transforms take longer."""
    source, library, script = (folder / f"slow-{added}{suffix}" for suffix in (".c", ".so", ""))
    source.write_text(SLOW_TRANSFORMS)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-DADDED={added}", "-o", library, source, "-ldl"], check=True)
    script.write_text(f'#!/bin/sh\nLD_PRELOAD="{library} $LD_PRELOAD" exec {program.executable()} "$@"\n')
    script.chmod(0o755)
    return str(script)


@functools.cache
def iterations(place: Place) -> int:
    """As many as the gate would take."""
    point = measure.Point("first", "serial", 1, 3, (str(dataset(place, "smoke")),), threads=1)
    return pace.iterations(measure.run(point, measure.Protocol(place.scratch), "0")["benchmarks"][0])


def sample(place: Place, _: int) -> dict[str, list[float]]:
    protocol = measure.Protocol(place.scratch)
    case = pace.Case.of(datasets.read_case("smoke")["header"])

    def point(label: str, other: str | None = None) -> measure.Point:
        return measure.Point(label, "serial", 1, iterations(place), (str(dataset(place, "smoke")),), other, threads=1)

    seconds, ours = pace.in_transforms(point("this"), protocol, case, "pace")
    slower = pace.fastest_iteration(point("slower", slowed(place.scratch, 0.4)), protocol, "against")
    _, half_as_fast = pace.in_transforms(point("half", slowed(place.scratch, 1.4)), protocol, case, "pace")
    again, ours_again = pace.in_transforms(point("this"), protocol, case, "pace")
    return {
        SLOWER: [slower / seconds],
        SAME: [again / seconds],
        HALF_AS_FAST: [half_as_fast / ours],
        SAME_PACE: [ours_again / ours],
    }


CHECK = Check(
    "slowed programs",
    {
        SLOWER: Bar(least=1 + AGAINST_LIMIT),
        SAME: Bar(most=1 + AGAINST_LIMIT),
        HALF_AS_FAST: Bar(least=1 + SERIAL_LIMIT),
        SAME_PACE: Bar(most=1 + SERIAL_LIMIT),
    },
    sample,
)
