"""What a receipt of the suite says, or what changed between two of them beyond noise.

    python bench/show.py A.jsonl                 one receipt as a table; --markdown: README's latency table
    python bench/show.py A.jsonl B.jsonl         from A to B, by medians and 99th percentiles, their controls beside them; the same is
                                                 antiphon bench --compare A.jsonl B.jsonl

Exit codes: 0; 1 with --strict where something got worse beyond noise, or nothing could be compared; 2 for a file that is no receipt.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict

from ..errors import AntiphonError
from . import listing, receipt, table
from .compare import compare
from .usable import sound


def main(arguments: list[str] | None = None) -> int:
    """Print what was asked for and give the exit code."""
    parser = argparse.ArgumentParser(prog="show.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A", help="a receipt that `antiphon bench` wrote")
    parser.add_argument("b", metavar="B", nargs="?", help="a later one, to be compared with it")
    parser.add_argument("--all", action="store_true", help="also what did not change")
    parser.add_argument("--strict", action="store_true", help="exit code 1 where something got worse")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one document")
    form.add_argument("--markdown", action="store_true", help="README's latency table, of A alone")
    options = parser.parse_args(arguments)
    if options.markdown and options.b:
        parser.error("--markdown is of one receipt; leave B out")
    try:
        first = sound(receipt.read(options.a))
        second = sound(receipt.read(options.b)) if options.b else None
    except AntiphonError as error:
        print(f"show.py: {error}", file=sys.stderr)
        return error.exit_code
    if second is None:
        lines = table.markdown(first) if options.markdown else listing.listed(first)
        document = {"head": first.head, "lines": first.lines, "end": first.end, "damaged": first.damaged}
        _print(document if options.json else lines)
        return 0
    found = compare(first, second)
    document = asdict(found) | {"verdict": listing.verdict(found), "worse": [f"{row.bench}: {row.name}" for row in found.worse]}
    for row, told in zip(found.rows, document["rows"], strict=True):
        told |= {"verdict": row.verdict, "worse": row.worse}
    _print(document if options.json else listing.compared(found, first, second, options.all))
    return int(options.strict and (bool(found.worse) or not found.rows))


def _print(told: dict | list[str]) -> None:
    try:
        print(json.dumps(told, indent=1) if isinstance(told, dict) else "\n".join(told), flush=True)
    except BrokenPipeError:  # `show.py A | head`: the reader has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
