"""`antiphon replay TAKE`: the voice of a take made again, and how far it is the same."""

from __future__ import annotations

import argparse
import os
import sys

HELP = "make a take's voice again, and compare"
DESCRIPTION = (
    "Make the voice of a take again from what was recorded of the performer and of every control, and compare it hop by hop "
    "with what was heard. Exit code 0: the same bit for bit. 1: not, and how far it agrees."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("take", metavar="TAKE", help="folder of the take")
    parser.add_argument("-o", "--out", metavar="FILE", help=".wav or .flac to write the voice to that was made again")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    """Replay, and say how far it agrees."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: as in the model process
    from ..cli import NOT_SO, OK
    from ..replay import replay
    from ..verbs import Bar, document

    bar = Bar(options.take) if sys.stderr.isatty() else None
    try:
        result = replay(options.take, options.out, bar)
    finally:
        if bar:
            bar.close()
    if options.json:
        document(result.as_json())
    else:
        print("\n".join(lines(result)))
    return OK if result.identical else NOT_SO


def lines(result) -> list[str]:
    """Say it in plain words."""
    if result.identical:
        said = [f"{result.take}: the voice is the same bit for bit, {result.hops} hops, {result.seconds:.1f} s"]
        if others := result.frames - result.frames_same:
            said.append(f"{others} of its frames were faded when they were heard: a step was late, or the device stopped")
        return said
    said = [f"{result.take}: {result.hops_same} of {result.hops} hops and {result.frames_same} of {result.frames} frames are the same"]
    if result.first_difference_s is not None:
        said.append(f"the first difference is at {result.first_difference_s:.2f} s")
    if result.snr_db is not None:
        said.append(f"what differs lies {result.snr_db:.1f} dB below the voice")
    return said + list(result.notes)
