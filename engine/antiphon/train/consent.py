"""Whose sound a model learns from, and by what leave: asked once, kept in the bundle."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ..errors import UsageError

MOST = 300
"""Characters of an answer."""


@dataclass(frozen=True)
class Consent:
    """One line each: who performs, how they agreed, and under what licence their sound is."""

    performer: str
    consent: str
    licence: str


QUESTIONS = {
    "performer": "Whose sound is it? ",
    "consent": "How did they agree that a model learns from it? (one line, it is kept in the bundle) ",
    "licence": "Under what licence is it? (for instance: all rights mine; CC0-1.0; CC-BY-4.0) ",
}


def obtain(given: dict[str, str | None], kept: dict[str, str] | None = None) -> Consent:
    """What was given by options, else what was `kept` of an earlier run, else what the person at the terminal answers.

    Raises UsageError where something is missing and there is no terminal to ask at, and for an empty or endless answer.
    """
    answers = {name: given.get(name) or (kept or {}).get(name) for name in QUESTIONS}
    missing = [name for name, answer in answers.items() if answer is None]
    if missing and not sys.stdin.isatty():
        options = " ".join(f'--{name} "..."' for name in missing)
        raise UsageError(f"whose sound is it, and did they agree? nobody can be asked here; say it with {options}")
    for name in missing:
        try:
            print(QUESTIONS[name], end="", file=sys.stderr, flush=True)
            answers[name] = input()
        except EOFError:
            raise UsageError(f"no answer to {QUESTIONS[name].split('?')[0]!r}; without one nothing is learned") from None
    return Consent(**{name: _line(name, answer) for name, answer in answers.items()})


def _line(name: str, answer: str) -> str:
    line = " ".join(answer.split())
    if not line or not line.isprintable():
        raise UsageError(f"--{name} {answer!r}: must say something, in one line; without it nothing is learned")
    if len(line) > MOST:
        raise UsageError(f"--{name}: {len(line)} characters; at most {MOST}, one line")
    return line
