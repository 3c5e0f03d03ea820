"""Who performs, and what they say to its being kept: asked once at a terminal, kept in the player's folder, written into takes."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..errors import UsageError
from ..home import home

NOT_TOLD = "not told"
"""Name or consent of whoever was not asked, or did not answer."""
CONSENT = "I perform here and agree that this take is kept and marked"
"""What a performer agrees to who answers yes and has no words of their own."""
MOST_NAME, MOST_CONSENT = 100, 300
"""Characters, one line each."""
_JOINERS = "\u200c\u200d"  # names in Persian, Malayalam, Sinhala are not written right without
_YES, _NO = ("yes", "y"), ("no", "n")


@dataclass(frozen=True)
class Person:
    """Name, consent in one line each, NOT_TOLD where nobody said; `asked`: whether they were asked just now."""

    name: str = NOT_TOLD
    consent: str = NOT_TOLD
    asked: bool = False


def path() -> Path:
    """Where the answers are kept: performer.toml in the player's folder, `name` and `consent`."""
    return home() / "performer.toml"


def performer(name: str | None = None, interactive: bool = False) -> Person:
    """Say who performs: `name` as given, else as kept; consent as that person once gave it.

    Where something is missing and `interactive`, with a terminal on both sides, they are asked, and the answers kept: of the
    first name only, a guest's are not. Without a terminal nobody waits: it is NOT_TOLD. Raises UsageError for a name or a kept
    file that can't be used, and where the answer is no: then no take may be made.
    """
    kept = _kept()
    if name is None and kept is not None:
        return kept
    name = None if name is None else line("--performer", name, MOST_NAME)
    if kept is not None and kept.name == name:
        return kept
    if interactive and _terminal(sys.stdin) and _terminal(sys.stderr):
        person = ask_performer(sys.stdin, sys.stderr, name)
        if kept is None and person.name != NOT_TOLD:
            keep(person)
        return person
    return Person(name or NOT_TOLD)


def ask_performer(input: TextIO, output: TextIO, name: str | None = None) -> Person:
    """Ask for name, unless it is given, and consent, one line each. An empty line or the end of `input` is no answer: NOT_TOLD.

    Raises UsageError where they say no.
    """
    if name is None:
        name = _ask(input, output, "Who performs? (it is written into your takes; Enter: not told) ", MOST_NAME)
    consent = _ask(input, output, f'"{CONSENT}": yes, no, or your own words (Enter: not told) ', MOST_CONSENT)
    if consent.lower() in _NO:
        raise UsageError("the performer does not agree to a take; play without one")
    return Person(name or NOT_TOLD, CONSENT if consent.lower() in _YES else consent or NOT_TOLD, asked=True)


def keep(person: Person) -> None:
    """Write the answers down for the next time. Raises UsageError where the folder can't be written."""
    answers = {"name": person.name, "consent": person.consent}
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in answers.items())
    half = path().with_suffix(".half")
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8")
        os.chmod(half, 0o600)
        os.replace(half, path())
    except OSError as error:
        raise UsageError(f"{path()}: cannot be written ({error.strerror}); give --performer instead") from None


def line(what: str, text: str, most: int) -> str:
    """Take a line from a person: spaces put right. Raises UsageError where it is empty, too long or no text."""
    text = " ".join(text.split())
    if not text or not all(char.isprintable() or char in _JOINERS for char in text):
        raise UsageError(f"{what} {text!r}: must say something, in one line of text")
    if len(text) > most:
        raise UsageError(f"{what}: {len(text)} characters; at most {most}, one line")
    return text


def _ask(input: TextIO, output: TextIO, question: str, most: int) -> str:
    """One answer, empty where there is none; asked again where it can't be used."""
    while True:
        print(question, end="", file=output, flush=True)
        answer = input.readline()
        if not answer.strip():
            return ""
        try:
            return line("the answer", answer, most)
        except UsageError as error:
            print(error, file=output)


def _kept() -> Person | None:
    """Read what was kept; None where nothing was. Raises UsageError where it can't be read."""
    try:
        found = tomllib.loads(path().read_text(encoding="utf-8"))
        name = line("name", found.get("name", ""), MOST_NAME)
        return Person(name, line("consent", found.get("consent", NOT_TOLD), MOST_CONSENT))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, TypeError, UsageError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UsageError(f"{path()}: not as it was written ({why}); mend it, or remove it and be asked again") from None


def _terminal(stream) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
