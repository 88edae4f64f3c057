"""`ptychoscale compare`: two reports row by row, for people as a table and for machines as JSON."""

import argparse
import collections
import json
from pathlib import Path

from harness.base import documents, identity
from harness.base.errors import EXIT_OK, InputError
from harness.judge.comparison import CHANGED, SAME, UNCLEAR, Difference, differences
from harness.judge.matching import Matched, Run, match, runs_of, why_alone
from harness.judge.quantities import SPREADS, TIME

EPILOG = """Examples:
  ptychoscale compare before/report.json after/report.json
  ptychoscale compare before/report.json after/report.json --json -
Rows are compared where all that sets runs apart agrees: case, method, mesh, options, threads, evidence. Two cases of one name that
differ are refused; two datasets of one case are compared, which is said first. Bytes, messages and positions are equal or not; cost and quality are the same within a tolerance; a time is judged by repeated runs on one machine
(bench --repeat 6 or more) and only when its 95 % interval excludes no change. The exit code is 0 whatever the verdicts, 2 when
nothing can be compared; `ptychoscale gate` is the one that fails."""

TITLE, VALUE, CHANGE = 38, 10, 10  # widths of columns


def add_parser(subparsers) -> None:
    """The command line of `compare`."""
    parser = subparsers.add_parser(
        "compare",
        description="Compare two reports row by row: better, worse, same or unclear.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="nothing was written")
    parser.add_argument("base", metavar="BASE.json", type=Path, help="the report to compare with")
    parser.add_argument("new", metavar="NEW.json", type=Path, help="the report that may be better or worse")
    parser.add_argument("--json", metavar="FILE", help="also write the comparison here; - prints it instead of the table")


def matched(base_file: Path, new_file: Path) -> Matched:
    """The rows of two reports. Throws InputError when no row has a counterpart, saying why."""
    base, new = (runs_of(documents.read_report(file)) for file in (base_file, new_file))
    for file, runs in ((base_file, base), (new_file, new)):
        if not runs:
            raise InputError(f"{file}: has no rows to compare")
    try:
        found = match(base, new)
    except ValueError as double:
        raise InputError(f"{base_file}, {new_file}: {double}") from None
    if not found.pairs:
        run = base[0]
        raise InputError(f"{new_file}: no row matches one of {base_file}; of {run.name}, {why_alone(run, new)}")
    return found


def data_notes(found: Matched) -> list[str]:
    """What must be said of the data of rows that are compared, each once. Throws InputError for rows of different data."""
    notes = {}
    for base, new in found.pairs:
        why = identity.why_other_case(base.data, new.data)
        if why is not None:
            raise InputError(
                f"{new.name}: cannot be compared: both rows are called that, but their data differ: {why}; valid: reports of the same case"
            )
        said = identity.doubt(base.data, new.data)
        if said is not None:
            notes.setdefault(said, []).append(new.name)
    return [f"{', '.join(names)}: {said}" for said, names in notes.items()]


def percent(fraction: float | None) -> str:
    if fraction is None:
        return ""
    if fraction == 0:
        return "0 %"
    return f"{100 * fraction:+.3g} %" if abs(fraction) < 10 else f"x {1 + fraction:.3g}"


def line(difference: Difference) -> str:
    """One quantity in columns."""
    quantity = difference.quantity
    title = f"{quantity.title}, {quantity.unit}" if quantity.unit else quantity.title
    verdict = difference.verdict
    if difference.interval is not None:
        low, high = difference.interval
        verdict += f" ({percent(low)} to {percent(high)})"
    values = f"{quantity.text(difference.base):>{VALUE}}{quantity.text(difference.new):>{VALUE}}"
    return f"  {title:<{TITLE}}{values}{percent(difference.relative):>{CHANGE}}  {verdict}"


def worth_a_line(difference: Difference, changed: set[str]) -> bool:
    """Whether people want to see it: what changed, and the time. Of a spread over ranks the largest speaks for the others."""
    quantity = difference.quantity
    if quantity.kind == TIME:
        return bool(quantity.samples)
    stem, _, spread = quantity.key.rpartition("_")
    if spread in SPREADS[1:] and f"{stem}_{SPREADS[0]}" in changed:
        return False
    return difference.verdict != SAME


def table(found: Matched, compared: list[tuple[Run, Run, list[Difference]]], notes: list[str]) -> str:
    """What changed, row by row, and a line that counts it all."""
    lines = [*notes, f"  {'':<{TITLE}}{'base':>{VALUE}}{'new':>{VALUE}}{'change':>{CHANGE}}  verdict"]
    counts: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    for base, new, found_differences in compared:
        lines.append(base.name)
        for side, run in (("base", base), ("new", new)):
            if run.withheld:
                lines.append(f"  {side} {run.withheld}")
        changed = {each.quantity.key for each in found_differences if each.verdict != SAME}
        lines += [line(each) for each in found_differences if worth_a_line(each, changed)]
        counts.update(each.verdict for each in found_differences)
        reasons.update(each.why for each in found_differences if each.verdict == UNCLEAR)
    for side, alone, others in (("base", found.only_base, found.only_new), ("new", found.only_new, found.only_base)):
        lines += [f"{run.name}: only in {side}; {why_alone(run, others)}" for run in alone]
    lines += [f"{count} unclear: {why}" for why, count in reasons.items()]
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("better", "worse", CHANGED, UNCLEAR, SAME) if counts[verdict])
    lines.append(f"{len(compared)} row{'' if len(compared) == 1 else 's'} compared: {counted or 'no figures'}")
    return "\n".join(lines) + "\n"


def as_json(
    args: argparse.Namespace, found: Matched, compared: list[tuple[Run, Run, list[Difference]]], notes: list[str]
) -> dict:
    """The comparison for machines: every quantity, in the units of the reports."""
    def of(difference: Difference) -> dict:
        keys = ("base", "new", "verdict", "relative", "interval", "why")
        return {"quantity": difference.quantity.key, **{key: getattr(difference, key) for key in keys}}

    return {
        "context": {**documents.new_context(args.argv), "base": str(args.base), "new": str(args.new)},
        "notes": notes,
        "rows": [
            {
                "name": base.name,
                **base.identity,
                "withheld_base": base.withheld,
                "withheld_new": new.withheld,
                "differences": [of(each) for each in all_differences],
            }
            for base, new, all_differences in compared
        ],
        "only_base": [{"name": run.name, **run.identity} for run in found.only_base],
        "only_new": [{"name": run.name, **run.identity} for run in found.only_new],
    }


def run(args: argparse.Namespace) -> int:
    """Carries out `compare`."""
    found = matched(args.base, args.new)
    notes = data_notes(found)
    compared = [(b, n, [] if b.withheld or n.withheld else list(differences(b, n))) for b, n in found.pairs]
    if args.json is not None:
        document = as_json(args, found, compared, notes)
        if args.json == "-":
            print(json.dumps(document, indent=2, allow_nan=False))
            return EXIT_OK
        documents.write_json(Path(args.json), document)
    print(table(found, compared, notes), end="")
    return EXIT_OK
