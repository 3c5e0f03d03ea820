"""`antiphon report TAKE`: pack the evidence of a take into one file, for whoever has a problem with it; nothing is sent."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

HELP = "pack the evidence of a take into one file; sends nothing"
DESCRIPTION = (
    "Pack what proves and explains a take into one ZIP file: its documents, what `antiphon verify` says of it, the versions here.\n"
    "Nothing is sent: you look at it, and decide who gets it. Sound goes in with --sound only."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("take", metavar="TAKE", help="folder of the take")
    parser.add_argument("-o", "--out", metavar="FILE.zip", help="what to write (default: TAKE-report.zip here)")
    parser.add_argument("--sound", action="store_true", help="pack the sound too, and what it could be made of again")
    parser.add_argument("--doctor", action="store_true", help="run `antiphon doctor` first, and pack what it says")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    """Pack it; exit code 0. Raises UsageError for what is no take, and for a place that can't be written."""
    from dataclasses import asdict

    from ..provenance import report
    from ..verbs import document, say

    folder = Path(options.take)
    out = Path(options.out) if options.out else Path(f"{Path(os.path.abspath(folder)).name}-report.zip")
    if not (folder / "take.json").is_file() or out.exists():
        report.pack(folder, out, {})  # says what is wrong, before anything long is done
    documents: dict[str, object] = {"machine.json": report.machine(), "take-check.json": _checked(folder, say)}
    documents["verify.json"] = _verified(folder, say)
    if options.doctor:
        documents["doctor.json"] = _doctor(say)
    packed, left = report.pack(folder, out, documents, options.sound)
    if options.json:
        document({"out": str(out), "packed": [asdict(part) for part in packed], "left_out": [asdict(part) for part in left]})
        return 0
    for part in packed:
        print(f"  {part.name}  {part.bytes} bytes")
    for part in left:
        print(f"  left out: {part.name}  {part.bytes} bytes ({part.why})")
    print(f"{out}: written, sent to nobody. The performer's name and consent line are in take.json: look before you give it away")
    return 0


def _checked(folder: Path, say) -> object:
    """Whether every byte of the take is as its log has it; where that can't be said, why."""
    try:
        from ..take import verify

        return verify(folder).as_json()
    except Exception as error:  # a report is wanted most where something is broken
        say(f"{folder}: its log was not checked ({next(iter(str(error).splitlines()), type(error).__name__)})")
        return {"error": f"{type(error).__name__}: {error}"}


def _verified(folder: Path, say) -> object:
    """What verify says of each sound file of the take; where it can't, why."""
    found: dict[str, object] = {}
    for path in sorted(folder.glob("*.wav")) + sorted(folder.glob("*.flac")):
        try:
            from ..provenance.verify import verify

            found[path.name] = verify(path).as_json()
        except Exception as error:
            found[path.name] = {"error": f"{type(error).__name__}: {error}"}
            say(f"{path.name}: not verified ({next(iter(str(error).splitlines()), type(error).__name__)})")
    return found


def _doctor(say) -> object:
    from ..cli import parse
    from ..doctor import examine

    try:
        return examine(parse(["doctor"]), say).as_json()
    except Exception as error:
        say(f"doctor: {error}")
        return {"error": f"{type(error).__name__}: {error}"}
