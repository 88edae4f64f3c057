"""`ptychoscale import`: a measured scan, from nearly any file, as a dataset that the solvers take."""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from harness.base import documents
from harness.base.errors import EXIT_OK, InputError
from harness.imports import disk, electrons, geometry, options, probe, scan, settings, writing
from harness.imports import survey as surveys
from harness.imports.layout import Header
from harness.imports.progress import progress
from harness.imports.provenance import FILE, Found, Table
from harness.imports.sources import open_source
from harness.imports.sources.source import Source
from harness.imports.survey import Patterns, Sample, Tally
from harness.runs import program


def add_parser(subparsers) -> None:
    """The command line of `import`."""
    options.add_parser(subparsers, run)


@dataclasses.dataclass
class Plan:
    """All that is settled before every pattern is read."""

    header: Header
    patterns: Patterns
    sample: Sample
    radius: float  # of the disk, in stored pixels


def run(args: argparse.Namespace) -> int:
    """Carries out `import`."""
    picture_file = outputs_of(args)
    source = open_source(options.request(args))
    table = Table()
    plan = planned(args, source, table)
    writing.judge(plan.header, args.output)
    writer = None if args.look else writing.Writer(args.output, plan.header, plan.patterns.identity)
    try:
        tally = read_all(plan, writer)
        sums = tally.sums[plan.header.patterns_used] / tally.share
        found = electrons.settle(args, source, sums, plan.header.scan_step_A, table)
    except InputError:
        if writer:
            writer.give_up()
        raise
    except KeyboardInterrupt:
        if writer:
            writer.keep()
        raise
    if plan.patterns.clipped:
        table.add("negative counts", f"{plan.patterns.clipped} of them became 0", Found(None, FILE))
    header = plan.header.completed(found, table)
    print(table, flush=True)
    picture = []

    def draw() -> None:
        picture.append(drawn(header, plan, tally))

    if writer:
        writer.finish(header, writing.seal, draw)
        print(args.output)
    else:
        draw()
    documents.write_bytes(picture_file, picture[0])
    then = f"then `ptychoscale validate dataset {args.output}`" if writer else "then import it without --look"
    print(f"{picture_file}\ncheck it: look at the picture, {then}")
    return EXIT_OK


def outputs_of(args: argparse.Namespace) -> Path:
    """The picture's file. Throws InputError where an output would replace what is read, or cannot be written."""
    picture_file = args.output.with_suffix(".png")
    if picture_file == args.output:
        raise InputError(f"--output: {args.output} is the name of the picture beside it; valid: for example {args.output.stem}.h5")
    for file in (args.output, picture_file):
        target = documents.output_target(file)
        for word in (args.source, args.positions, args.background, args.bad_pixels, args.probe, args.vacuum):
            read = Path(str(word or "").partition("::")[0])
            if word and target.exists() and read.exists() and target.samefile(read):
                raise InputError(f"--output: {file} is {read}, which is read; valid: another name")
        if not target.parent.is_dir():
            raise InputError(f"--output: {target.parent}: no such folder; valid: one that is there")
    return picture_file


def planned(args: argparse.Namespace, source: Source, table: Table) -> Plan:
    """Looks at some patterns and settles what is to be done with all of them."""
    electrons.refuse_counts_without_dose(args, source)
    table.add("patterns", f"{' x '.join(map(str, source.shape))} of {source.dtype}", Found(None, FILE, source.name))
    left_out = settings.left_out(args, source, table)
    sample = surveys.sample(source, left_out)
    background = settings.background(args, source, table)
    bad = settings.bad(args, sample, table)
    fitted = disk.fit(np.maximum(np.nan_to_num(sample.mean) - background, 0), ~bad)
    optics = geometry.settle(args, source, fitted, table)
    correction = settings.correction(args, source, optics, background, bad, table)
    grid = settings.grid(args, source, optics, correction, table)
    used = settings.used(correction, table)
    wave = probe.settle(args, source, optics, correction, grid, table)
    placed = scan.settle(args, source, optics, grid, table)
    radius = optics.radius / correction.bin
    some = surveys.tally_of_sample(Patterns(source, correction, left_out, np.dtype(np.float32)), sample, radius)
    correction = dataclasses.replace(correction, scale=electrons.scale_of(args, some.sums / some.share, placed.scan.step_A))
    counts = electrons.type_of_counts(args, source, correction, table)
    header = Header.of(args, optics, grid, placed, counts, used, ~left_out, wave)
    return Plan(header, Patterns(source, correction, left_out, counts), sample, radius)


def read_all(plan: Plan, writer: writing.Writer | None) -> Tally:
    """Reads every pattern once, and writes it; what an interrupted import has written is read from there."""
    patterns = plan.patterns
    total = patterns.source.patterns
    tally, advance = Tally(total, plan.header.pixels_used, plan.radius), progress("read", total)
    done = 0
    for first, block in writer.kept(patterns.source.block()) if writer else ():
        tally.add(first, block)
        done = first + len(block)
    if done:
        patterns.clipped = writer.saved.clipped
        program.say(f"goes on after {done} of {total} patterns")
    for first, block in patterns.blocks(done):
        tally.add(first, block)
        if writer:
            writer.write(block, patterns.clipped)
        advance(first + len(block))
    return tally


def drawn(header: Header, plan: Plan, tally: Tally) -> bytes:
    """The picture, PNG."""
    from harness.imports import picture  # brings matplotlib, which takes its time

    mean = plan.patterns.correction.apply(np.nan_to_num(plan.sample.mean)[None], 0)[0][0]
    return picture.draw(header, mean, tally, plan.radius)
