"""What the command line's values are read with: each takes the text, and raises argparse.ArgumentTypeError with one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from .errors import did_you_mean

_LONGEST_S = 10_000_000


def one_of(*choices: str) -> Callable[[str], str]:
    """Take one of these words."""
    def choose(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(
                f"there is no {text!r}, only {' and '.join(choices)}{did_you_mean(text, choices)}"
            )
        return text

    return choose


def named(text: str) -> str:
    """Take any name but none: a variable of the shell that was never set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("there is no name; give one")
    return text


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) < 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def seconds(text: str) -> float:
    """Read a number of seconds above 0."""
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not 0 < seconds:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    if seconds > _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {_LONGEST_S} seconds")
    return seconds


def lead(text: str) -> float | None:
    """Read a lead in ms, or with its unit; None for auto."""
    if text == "auto":
        return None
    unit = next((unit for unit in ("ms", "s") if text.endswith(unit)), "")
    try:
        lead_ms = float(text.removesuffix(unit)) * (1000 if unit == "s" else 1)
    except ValueError:
        lead_ms = -1.0
    if not 0 <= lead_ms <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds, 0 to 1000, or auto")
    if 0 < lead_ms < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than a millisecond; for seconds write {lead_ms:g}s")
    return lead_ms / 1000


def port(text: str) -> int | str:
    """Read the number of a port, or off."""
    if text == "off":
        return text
    if not text.isascii() or not text.isdigit() or not int(text[:8]) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535, or off")
    return int(text)


def semitones(text: str) -> float:
    """Read a number of semitones, 1 to 96."""
    try:
        semitones = float(text)
    except ValueError:
        semitones = -1.0
    if not 1 <= semitones <= 96:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of semitones, 1 to 96")
    return semitones


def place(text: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not isinstance(port(port), int):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, as in 127.0.0.1:17000")
    return host, int(port)
