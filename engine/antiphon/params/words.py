"""Asking in words: `understand("slow, a bit darker, in D dorian")` gives the rows' values that this means.

A vocabulary (vocabulary.py) and a small grammar (grammar.py), read from left to right; no model, no guess. Every word is
taken, passed over because it is on the list of words that mean nothing, or named as not understood. The same text and
values always give the same answer.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import UsageError, nearest
from . import vocabulary as v
from .grammar import BREAKS, Line, line_of, longest_form, rows_named, tokens
from .spec import Param, RefusedValue, Registry, Value
from .table import REGISTRY

LONGEST = 500
"""Characters of one asking."""
_SUGGESTED = 4  # unknown words that get suggestions: looking for what is alike is the one thing here that costs milliseconds
_LISTED = 12
_NONE_WORDS = ("no", "without", "senza", "never", "don't", "dont", "avoid", "neither", "nor", "no longer", *v.OFF_WORDS)
_MOST_STEPS = 60.0  # of a dial in one word: they lead past both ends of any row, and past the end of no float
_MOST_SKIPPED = 8  # fillers and articles within one phrase


@dataclass(frozen=True)
class Meant:
    """One row's part of what was asked: the words, and `why` in words, as in `tempo 80 bpm, from 100 bpm`."""

    phrase: str
    path: str
    value: Value
    why: str


@dataclass(frozen=True)
class Asked:
    """What a text was taken for: accepted values by path, and what to tell about it."""

    values: dict[str, Value]
    understood: tuple[Meant, ...]
    unknown: tuple[tuple[str, tuple[str, ...]], ...]
    remarks: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say in a line each what was understood, what was not, and what else there is to know."""
        said = [
            f"{phrase}: {', '.join(meant.why for meant in together)}"
            for phrase, together in itertools.groupby(self.understood, lambda meant: meant.phrase)
        ]
        return said + [unknown_line(word, near) for word, near in self.unknown] + list(self.remarks)


def understand(text: str, registry: Registry = REGISTRY, values: Mapping[str, Value] | None = None) -> Asked:
    """Read what a person asks for; `values` are what the rows are set to now, for more and less. Any thread; milliseconds.

    Raises UsageError for a text that is too long. What is not understood is in the answer, and stops nothing else.
    """
    if len(text) > LONGEST:
        raise UsageError(f"asked in {len(text)} characters; {LONGEST} are taken")
    reader = _Reader(text, registry, {**registry.defaults(), **(values or {})})
    reader.read()
    return reader.asked()


def must_understand(text: str, registry: Registry = REGISTRY, values: Mapping[str, Value] | None = None) -> Asked:
    """Like `understand`; raises UsageError where nothing at all was understood."""
    asked = understand(text, registry, values)
    if not asked.values:
        said = "; ".join([unknown_line(word, near) for word, near in asked.unknown] + list(asked.remarks))
        why = f": {said}" if said else ""
        raise UsageError(f"nothing in {_short(text)!r} is understood{why}; antiphon params --words has the words")
    return asked


def unknown_line(word: str, near: tuple[str, ...]) -> str:
    """Say that a word means nothing here, and what is near it."""
    return f"{_short(word)!r} is not understood" + (f"; did you mean {' or '.join(near)}?" if near else "")


def vocabulary() -> list[tuple[str, dict[str, Value]]]:
    """Every phrase of the vocabulary and the values it stands for, said plainly."""
    dials = [(words, {dial.path: value}) for dial in v.DIALS for value, words in (dial.low, dial.high)]
    said = (*dials, *((setting.words, setting.values) for setting in v.SETTINGS))
    scales = [(words, {"scale": name}) for words, name in v.SCALE_WORDS.items()]
    return [(phrase, values) for words, values in said for phrase in words.split(", ")] + scales


def as_text(registry: Registry = REGISTRY) -> str:
    """Lay the vocabulary out for a terminal, for `antiphon params --words`."""
    lines = []
    for dial in v.DIALS:
        row = registry.resolve(dial.path)
        step = f"{dial.step:g} times" if row.curve == "exp" else f"{dial.step:g} {row.unit}".strip()
        for value, words in (dial.low, dial.high):
            means = "moves it by a step" if dial.relative else row.show(row.accept(value))
            lines.append((words, dial.path, f"{means} (a step: {step})"))
    for setting in v.SETTINGS:
        shown = [f"{path} {registry.resolve(path).show(registry.accept(path, value))}" for path, value in setting.values.items()]
        lines.append((setting.words, "", ", ".join(shown)))
    by_scale = {name: [words for words, n in v.SCALE_WORDS.items() if n == name] for name in v.SCALE_WORDS.values()}
    lines += [(", ".join(words), "scale", name) for name, words in by_scale.items()]
    lines += [(form, "", means) for form, means in v.FORMS]
    return "\n".join(f"{words}\n    {(path + ' ' + means).strip()}" for words, path, means in lines)


@dataclass
class _Held:
    """Modifiers that wait for the word they belong to."""

    words: list[str] = field(default_factory=list)
    strength: float = 1.0
    direction: int = 0
    negation: str = ""
    too: bool = False
    multiple: bool = False
    grip: float | None = None

    def turned(self) -> int:
        """+1 for more, -1 for less, 0 for neither."""
        if self.too or (self.negation and not self.direction):
            return -1
        return -self.direction if self.negation else self.direction


class _Reader:
    """Reads one text; `read` goes through it once."""

    def __init__(self, text: str, registry: Registry, now: dict[str, Value]):
        self.line = line_of(text, registry)
        self.registry, self.now = registry, now
        self.values: dict[str, Value] = {}
        self.understood: list[Meant] = []
        self.unknown: list[str] = []
        self.remarks: dict[str, str] = {}  # one of each key, which is the remark itself where nothing else is said
        self.held = _Held()

    def read(self) -> None:
        """Take what is understood at each word: a phrase of the vocabulary, or a form that goes on where the phrase ends."""
        at = 0
        while at < len(self.line.words):
            phrase, form = _phrase_at(self.line, at), longest_form(self.line, at)
            if form is not None and (phrase is None or form[0] > phrase.taken):
                at += self._set(at, *form)
            elif phrase is not None:
                at += self._obey(at, phrase)
            else:
                at += self._modifier(at) or self._other(at)
        self._let_go()

    def asked(self) -> Asked:
        """Give what was read, with remarks on what does nothing as things are."""
        now = {**self.now, **self.values}
        remarks = list(self.remarks.values())
        for path, needed, remark in v.NEEDS:
            asked_for = path in self.values and self.values[path] != self.registry.resolve(path).default
            if asked_for and now.get(needed) == 0 and remark not in remarks:
                remarks.append(remark)
        if "register_low" in self.values or "register_high" in self.values:
            if now["register_low"] > now["register_high"]:
                remarks.append(f"register_low {now['register_low']:g} is above register_high {now['register_high']:g}")
        words = list(dict.fromkeys(self.unknown))
        known = [phrase for phrase, _ in vocabulary()] + [row.path for row in self.registry.rows if row.access != "w"]
        unknown = [(word, self._near(word, known) if k < _SUGGESTED else ()) for k, word in enumerate(words[:_LISTED])]
        if len(words) > _LISTED:
            remarks.append(f"{len(words) - _LISTED} more words are not understood")
        return Asked(dict(self.values), tuple(self.understood), tuple(unknown), tuple(remarks))

    def _near(self, word: str, known: list[str]) -> tuple[str, ...]:
        near = () if word.lower() in self.registry.paths else nearest(word[:20], known)
        return tuple(near)

    def _set(self, at: int, taken: int, values: dict[str, Value]) -> int:
        """Set what a form says; returns of how many words it is, with an "off" behind it."""
        off = self._off_behind(at + taken)
        taken += off
        held, self.held = self.held, _Held()
        phrase = self.line.phrase(at, taken)
        if off or held.negation or held.direction or held.multiple:
            self.unknown.append(" ".join([*held.words, phrase]))  # any key but C minor: which?
            return taken
        gripped = [grip for path, grip in v.GRIPPED.items() if path in values] if held.grip is not None else []
        if gripped:
            phrase, values = " ".join([*held.words, phrase]), {**values, gripped[0]: held.grip}
        elif held.words:
            self.unknown.append(" ".join(held.words))
        for path, value in values.items():
            self._take(phrase, path, value)
        return taken

    def _off_behind(self, at: int) -> bool:
        """Whether an "off" stands there that belongs to what is before it: off the grid does not."""
        return self.line.word(at) == "off" and _phrase_at(self.line, at) is None

    def _obey(self, at: int, found: _Found) -> int:
        """Do what a phrase says; returns of how many words it is, with an "off" behind it."""
        held, self.held = self.held, _Held()
        taken, phrase = found.taken, " ".join([*held.words, found.shown])
        if not held.negation and self._off_behind(at + taken):
            held.negation, phrase, taken = "off", f"{phrase} off", taken + 1
        self._do(held, found, phrase)
        return taken

    def _do(self, held: _Held, found: _Found, phrase: str) -> None:
        said = found.said
        if held.multiple:
            self.unknown.append(phrase)
            return
        if held.grip is not None and not (isinstance(said, v.Setting) and any(path.endswith("_grip") for path in said.values)):
            self.unknown.append(held.words[-1])
            held.grip = None
        if isinstance(said, v.Dial):
            held.direction = held.direction or found.compared
            self._turn(said, found.side, held, phrase)
            return
        values = said.off if held.negation else said.values
        if not values or held.direction:
            self.unknown.append(phrase)
            return
        if held.strength != 1.0:
            self._remark(f"{found.shown} has no more and less; it is taken as it is")
        for path, value in values.items():
            self._take(phrase, path, held.grip if held.grip is not None and path.endswith("_grip") else value)

    def _turn(self, dial: v.Dial, side: int, held: _Held, phrase: str) -> None:
        row = self.registry.resolve(dial.path)
        pole = (dial.high if side > 0 else dial.low)[0]
        now = self.values.get(row.path, self.now[row.path])
        base, usual = ((dial.neutral if row.zero and value == 0 else value) for value in (now, row.default))
        turned = held.turned()
        if held.negation in _NONE_WORDS and not held.too and not held.direction and dial.none is not None and side > 0:
            self._take(phrase, row.path, dial.none)
        elif held.negation in v.OFF_WORDS and not held.too and not held.direction:
            self.unknown.append(phrase)  # slow off
        elif turned or dial.relative:
            steps = (turned or 1) * side * (1.0 if held.negation else min(held.strength, _MOST_STEPS))
            value = base * dial.step**steps if row.curve == "exp" else base + dial.step * steps
            self._reckoned(phrase, row, value, f", from {row.show(base)}", moved=True)
        elif held.strength > 1:
            self._reckoned(phrase, row, pole * dial.step**side if row.curve == "exp" else pole + dial.step * side)
        elif held.strength < 1:
            self._reckoned(phrase, row, (usual * pole) ** 0.5 if row.curve == "exp" else (usual + pole) / 2)
        else:
            self._take(phrase, row.path, pole)

    def _reckoned(self, phrase: str, row: Param, value: float, why: str = "", moved: bool = False) -> None:
        """Take a number that was reckoned: within the row's range always, since 0 may be a word for something else there."""
        value = _rounded(row, value)
        bounded = min(max(value, row.minimum), row.maximum)
        if bounded != value:
            taken_as = row.show(row.accept(bounded))
            self._remark(f"{row.path} {value:.10g} is beyond {row.span()}; taken as {taken_as}", f"beyond {row.path}")
        self._take(phrase, row.path, bounded, why, moved)

    def _take(self, phrase: str, path: str, value: object, why: str = "", moved: bool = False) -> None:
        row = self.registry.resolve(path)
        try:
            accepted = row.accept(value)
        except RefusedValue as error:
            self._remark(str(error))
            return
        if remark := row.clipped(value):
            self._remark(remark, f"beyond {path}")
        before = next((meant for meant in self.understood if meant.path == path), None)
        if before is not None:
            self.understood.remove(before)
            if before.value != accepted and not moved:
                self._remark(f"{_short(before.phrase)!r} and {_short(phrase)!r} both set {path}; the later is taken")
        self.values[path] = accepted
        self.understood.append(Meant(phrase, path, accepted, f"{path} {row.show(accepted)}{why}"))

    def _remark(self, line: str, key: str = "") -> None:
        self.remarks[key or line] = line

    def _modifier(self, at: int) -> int:
        """Hold a modifier that stands there; returns of how many words it is, 0 for none."""
        for count in (3, 2, 1):
            words = " ".join(self.line.words[at : at + count])
            if words in v.STRENGTHS:
                self.held.strength *= v.STRENGTHS[words]
            elif words in v.DIRECTIONS:
                self.held.direction = v.DIRECTIONS[words]
                self.held.too |= words.startswith("too")
            elif words in v.NEGATIONS:
                self.held.negation = words
            elif words in v.GRIP_WORDS:
                self.held.grip = v.GRIP_WORDS[words]
            elif words in v.MULTIPLES:
                self.held.multiple = True
            else:
                continue
            self.held.words.append(" ".join(self.line.given[at : at + count]))
            return min(count, len(self.line.words) - at)
        return 0

    def _other(self, at: int) -> int:
        word = self.line.words[at]
        if word in BREAKS:
            self._let_go()
        elif word not in v.LINKS:
            self.unknown.append(" ".join([*self.held.words, self.line.given[at]]))
            self.held = _Held()
            if word in self.registry.paths and self.registry.resolve(word).access == "w":
                self._remark(f"{word} is a {self.registry.resolve(word).kind}: it is sent by itself, not asked for in words")
            elif named := rows_named(self.line, at):
                self._remark(f"{named[0][0].path} takes {named[0][0].span()}")
                return named[0][1]
        return 1

    def _let_go(self) -> None:
        """What waits for a word that does not come is not understood."""
        if self.held.words:
            self.unknown.append(" ".join(self.held.words))
        self.held = _Held()


@dataclass(frozen=True)
class _Found:
    """A phrase that stands somewhere: of how many words, as it was given, what it says, which side of a dial, whether compared."""

    taken: int
    shown: str
    said: v.Dial | v.Setting
    side: int
    compared: bool


def _phrase_at(line: Line, at: int) -> _Found | None:
    """The longest phrase that stands there whole; it may begin with a filler before that place, as "give way" does."""
    found, best = None, (0, 0)
    for start in range(line.places[at - 1] + 1 if at else 0, line.places[at] + 1):
        word = line.small[start]
        for first in (word, *_bases(word)):
            for words, said, side in _PHRASES.get(first, ()):
                end = _end(line, start, words)
                if end <= line.places[at] or (first != word and not isinstance(said, v.Dial)):
                    continue
                taken = bisect.bisect_left(line.places, end) - at
                if (taken, len(words)) > best:
                    best = taken, len(words)
                    found = _Found(taken, " ".join(line.whole[start:end]), said, side, first != word)
    return found


def _end(line: Line, start: int, words: tuple[str, ...]) -> int:
    """Where a phrase ends whose first word stands at `start` of the whole line; 0 where the rest of it does not follow.

    What means nothing may lie between its words, and an article: "on a grid" is on the grid. But a 440 is a phrase, too.
    """
    at = start + 1
    for word in words[1:]:
        while line.small[at : at + 1] != [word]:
            if at >= min(len(line.small), start + len(words) + _MOST_SKIPPED) or not _passed_over(line.small[at]):
                return 0
            at += 1
        at += 1
    return at


def _passed_over(word: str) -> bool:
    return word in v.FILLERS or word in ("a", "an")


def _rounded(row: Param, value: float) -> float:
    return round(value) if row.kind == "int" else float(f"{value:.3g}")


def _bases(word: str) -> tuple[str, ...]:
    """What a word may be the comparative of: slower, safer, busier."""
    return (word[:-2], word[:-1], word[:-3] + "y") if len(word) > 4 and word.endswith("er") else ()


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= 40 else text[:37] + "..."


def _by_first_word() -> dict[str, list[tuple[tuple[str, ...], v.Dial | v.Setting, int]]]:
    """Every phrase, whole, with what it says and which side of a dial it is, under its first word."""
    dials = [(dial, side, words) for dial in v.DIALS for side, (_, words) in ((-1, dial.low), (1, dial.high))]
    found = {}
    for said, side, phrases in (*dials, *((setting, 0, setting.words) for setting in v.SETTINGS)):
        for phrase in phrases.split(", "):
            words = tuple(word.lower() for word in tokens(phrase))
            found.setdefault(words[0], []).append((words, said, side))
    return found


_PHRASES = _by_first_word()
