"""`antiphon verify FILE`: was this made with Antiphon, where, and in which take? Exit code 1: no mark."""

from __future__ import annotations

import argparse

HELP = "was this made with Antiphon?"
DESCRIPTION = (
    "Look for the mark that everything generated with Antiphon carries: in any sound file, after MP3, a change of speed, or a "
    "room. Says which take it was where that is one of this installation, and reads C2PA credentials. Exit code 1: no mark."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="WAV, FLAC, OGG or MP3; what ffmpeg can read too, where it is installed")
    parser.add_argument("--key", metavar="FILE", help="also try the keys of a file that `antiphon keys export` wrote")
    parser.add_argument("--public-only", action="store_true", help="use no keys: only what everybody can tell")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    from ..cli import NOT_SO, OK
    from ..provenance.verify import verify
    from ..verbs import document

    report = verify(options.file, options.key, options.public_only)
    for found in report.takes.values():
        _add_answers(found)
    if options.json:
        document(report.as_json())
    else:
        print("\n".join(report.lines()))
    return OK if report.marked else NOT_SO


def _add_answers(found: dict | None) -> None:
    """Put with a take that was found what its log says that its answers were nearest to."""
    from ..errors import AntiphonError
    from ..take import Take

    if found and "answers" not in found:
        try:
            found["answers"] = list(Take(found["folder"]).answers())
        except (AntiphonError, KeyError, TypeError):  # it has been moved away
            pass
