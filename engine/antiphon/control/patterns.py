"""OSC 1.0's address patterns: ? * [a-c] [!a-c] {this,that}, none of which goes across a slash.

Not by way of regular expressions: a pattern comes from whoever reaches the port, and `*a*a*a*a*b` costs a matcher that
goes back and tries again as long as its sender likes. Here a part of an address is matched by one pass over the pattern
with the set of all places where it may stand in the text, a whole number of that many bits: the cost is the
pattern's length and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ..errors import UsageError

MAX_LENGTH = 128
_SPECIAL = frozenset("?*[]{}")
_ASCII = "".join(map(chr, range(128)))  # addresses have no other characters

_Step = Callable[["_Text", int], int]


class Pattern:
    """An address pattern, read once. Raises UsageError with one line for one that is too long or is not closed."""

    def __init__(self, text: str):
        if len(text) > MAX_LENGTH:
            raise UsageError(f"address pattern of {len(text)} characters, at most {MAX_LENGTH} are taken")
        self.text = text
        self._parts = [_read(part, text) for part in text.split("/")]  # within brackets a slash is none that an address has

    def matches(self, address: str) -> bool:
        """Say whether this address is one that is meant; the pattern and it begin with a slash both, or both without."""
        parts = address.split("/")
        return len(parts) == len(self._parts) and all(map(_matches, self._parts, parts))


def is_pattern(address: str) -> bool:
    """Say whether an address has a character that only a pattern may have."""
    return not _SPECIAL.isdisjoint(address)


class _Text:
    """Part of an address, as what is matched sees it: bit k of `at[c]` says that character k is c."""

    def __init__(self, text: str):
        self.at: dict[str, int] = {}
        for place, character in enumerate(text):
            self.at[character] = self.at.get(character, 0) | 1 << place
        self.last = 1 << len(text)
        self.whole = (self.last << 1) - 1


_text = lru_cache(1024)(_Text)  # the table's addresses are the only ones that are asked about


def _matches(steps: list[_Step], text: str) -> bool:
    against, places = _text(text), 1
    for step in steps:
        places = step(against, places)
        if not places:
            return False
    return bool(places & against.last)


def _read(part: str, whole: str) -> list[_Step]:
    steps: list[_Step] = []
    at = 0
    while at < len(part):
        character = part[at]
        if character in "[{":
            end = part.find("]" if character == "[" else "}", at + 1)
            if end < 0:
                raise UsageError(f"address pattern {whole!r}: {character} at {part[at : at + 10]!r} is not closed")
            inside = part[at + 1 : end]
            steps.append(_one_of(inside) if character == "[" else _any_of(inside.split(",")))
            at = end
        elif character in "]}":
            raise UsageError(f"address pattern {whole!r}: {character} closes nothing")
        elif character == "*":
            steps.append(_anything)
        elif character == "?":
            steps.append(_one)
        else:
            steps.append(_exactly(character))
        at += 1
    return steps


def _anything(text: _Text, places: int) -> int:
    return text.whole & -(places & -places)  # from the first place on, all of them


def _one(text: _Text, places: int) -> int:
    return places << 1 & text.whole


def _exactly(character: str) -> _Step:
    return lambda text, places: (places & text.at.get(character, 0)) << 1


def _one_of(inside: str) -> _Step:
    without = inside.startswith("!")
    inside = inside[without:]
    wanted: set[str] = set()
    at = 0
    while at < len(inside):
        is_range = inside[at + 1 : at + 2] == "-" and at + 2 < len(inside)
        last = inside[at + 2] if is_range else inside[at]
        wanted.update(_ASCII[ord(inside[at]) : ord(last) + 1])
        at += 3 if is_range else 1

    def step(text: _Text, places: int) -> int:
        found = 0
        for character, where in text.at.items():
            if (character in wanted) != without:
                found |= where
        return (places & found) << 1

    return step


def _any_of(words: list[str]) -> _Step:
    ways = [[_exactly(character) for character in word] for word in words]

    def step(text: _Text, places: int) -> int:
        ends = 0
        for way in ways:
            reached = places
            for character in way:
                reached = character(text, reached)
            ends |= reached
        return ends

    return step
