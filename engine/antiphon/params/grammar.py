"""The forms that an asking may have beside single words: keys, chords, ranges, intervals, numbers and rows by name.

Each form looks at one place of a line and gives how many words it takes there and what they mean, or None.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

from ..units import note_number
from . import vocabulary as v
from .spec import Param, Registry, Value
from .table import GRIDS, KEYS

BREAKS = frozenset((*",;.!?:()[]{}<>|/*_-\"'`…", "and", "but"))
_ARTICLE_SCALES = ("blues", "pentatonic", "minor-pentatonic", "chromatic", "octatonic", "whole-tone")
_TOKEN = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:/[0-9]+t?)?|[^\W\d_](?:[\w#/+°]|'(?=\w))*|\S"
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"

Found = tuple[int, dict[str, Value]] | None


@dataclass(frozen=True)
class Line:
    """What was written, word by word: as it was given, and in small letters.

    The fillers are not among `given` and `words`, but in `whole` and `small`, where a phrase may need them; `places` says
    where each word stands there.
    """

    given: list[str]
    words: list[str]
    registry: Registry
    whole: list[str]
    small: list[str]
    places: list[int]

    def word(self, at: int) -> str:
        """The word there, "" beyond the end."""
        return self.words[at] if at < len(self.words) else ""

    def phrase(self, at: int, count: int) -> str:
        """Some words of it as they were given."""
        return re.sub(r" (?=[,:;.])", "", " ".join(self.given[at : at + count]))


def line_of(text: str, registry: Registry) -> Line:
    """Take a text apart, fillers aside."""
    whole = tokens(text)
    small = [token.lower() for token in whole]
    places = [place for place, word in enumerate(small) if word not in v.FILLERS]
    return Line([whole[place] for place in places], [small[place] for place in places], registry, whole, small, places)


def tokens(text: str) -> list[str]:
    """Take a text apart into words, numbers and signs."""
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("♯♭’–—", "#b'--"))
    text = re.sub(r"\b([a-g][#b]?[0-9]) ?- ?([a-g][#b]?[0-9])\b", r"\1 to \2", text, flags=re.IGNORECASE)
    return re.findall(_TOKEN, re.sub(r"(?<=\w)-(?=\w)", " ", text))


def longest_form(line: Line, at: int) -> Found:
    """The form that takes most of the words from there on; None where there is none."""
    return max(filter(None, (form(line, at) for form in _FORMS)), key=lambda found: found[0], default=None)


def _range(line: Line, at: int) -> Found:
    """Between c3 and c5; c3 to c5."""
    start = at + 1 if line.word(at) in ("between", "from") else at
    ends = [_pitch(line.word(start)), _pitch(line.word(start + 2))]
    if None in ends or line.word(start + 1) not in ("and", "to"):
        return None
    return start + 3 - at, {"register_low": min(ends), "register_high": max(ends)}


def _interval(line: Line, at: int) -> Found:
    """An octave up; up a fifth; 3 semitones down."""
    sign = v.UP_DOWN.get(line.word(at), 0)
    k = at + bool(sign)
    k += line.word(k) == "by"
    count = v.COUNTS.get(line.word(k))
    if count is None and re.fullmatch(r"[0-9]{1,3}", line.word(k)):
        count = int(line.word(k))
    k += count is not None
    for words in (2, 1):
        name = " ".join(line.words[k : k + words])
        size = v.INTERVALS.get(name, v.INTERVALS.get(name.removesuffix("s")))
        if size is None:
            continue
        k += words
        if not sign:
            sign, k = v.UP_DOWN.get(line.word(k), 0), k + 1
        return (k - at, {"transpose": sign * size * (1 if count is None else count)}) if sign else None
    return None


def _chord(line: Line, at: int) -> Found:
    """Cmaj7; chord am; chord c e g; notes 60 64 67; c e g."""
    named = line.word(at) in ("chord", "chords", "notes")
    k = at + named
    k += named and line.word(k) in ("of", ":")
    notes, end = [], k
    while (number := _chord_note(line.word(k), named)) is not None:
        notes.append(number)
        k = end = k + 1
        k += line.word(k) in (",", "and") and _chord_note(line.word(k + 1), named) is not None
    if len(notes) >= (2 if named else 3):
        return end - at, {"chord": tuple(dict.fromkeys(notes))}
    k = at + named + (named and line.word(at + 1) in ("of", ":"))
    found = _chord_symbol(line.given[k], named) if k < len(line.given) else None
    return None if found is None else (k + 1 - at, {"chord": found})


def _tonic(line: Line, at: int) -> Found:
    """C minor; in D dorian; key of f#; b flat major."""
    k = at
    prefixed = line.word(k) in ("in", "on", "from", "key")
    k += prefixed
    k += prefixed and line.word(k) == "key"
    k += prefixed and line.word(k) == "of"
    word, beside = line.word(k), line.word(k + 1)
    if beside in ("dur", "moll") and word in v.GERMAN:
        tonic = v.GERMAN[word]
    else:
        tonic = note_number(word) if re.fullmatch(r"[a-g][#b]?", word) else v.TONICS.get(word)
    if tonic is None:
        return None
    shift = {"sharp": 1, "flat": -1}.get(beside, 0)
    after, scale = _scale_at(line, k + 1 + abs(shift))
    if scale is None and not prefixed:
        return None
    if word == "a" and not shift:
        if scale is None and beside and beside not in BREAKS:
            return None  # in a slow ...
        articled = line.given[k] == "a" and scale in _ARTICLE_SCALES
        if scale is not None and (articled or line.word(after) in ("key", "scale", "mode")):
            return after - at, {"scale": scale}  # in a minor key: nobody said which
    values = {"key": KEYS[1 + int(tonic + shift) % 12]}
    return after - at, values | ({} if scale is None else {"scale": scale})


def _scale(line: Line, at: int) -> Found:
    """Dorian; rast on d."""
    if line.word(at) == "min" and at and re.fullmatch(_NUMBER, line.word(at - 1)):
        return None  # 10 min: of whatever, but not in minor
    after, scale = _scale_at(line, at + (line.word(at) == "scale"))
    if scale is None:
        return None
    k = after + (line.word(after) in ("scale", "mode"))
    if line.word(k) in ("in", "on", "from") and (found := _tonic(line, k)) and "scale" not in found[1]:
        return k + found[0] - at, {"scale": scale} | found[1]
    return k - at, {"scale": scale}


def _number_first(line: Line, at: int) -> Found:
    """80 bpm; 10 s answers; 60 % swing; for 20 s; 1/8 grid."""
    if line.word(at) in GRIDS:
        return 1 + (line.word(at + 1) in ("grid", "notes")), {"grid": line.word(at), "grid_grip": 1.0}
    if line.word(at) == "grid" and line.word(at + 1) in GRIDS:
        return 2, {"grid": line.word(at + 1), "grid_grip": 1.0}
    k = at + (line.word(at) == "for")
    if not re.fullmatch(_NUMBER, line.word(k)):
        return None
    unit, factor = v.UNITS.get(line.word(k + 1), ("", 0))
    number, end = _number(line.word(k)) * factor, k + 2
    for row, count in rows_named(line, end):
        if factor and row.unit == unit and row.kind in ("float", "int"):
            return end + count - at, {row.path: number}
    if unit == "bpm":
        return end - at, {"tempo": number}
    return (end - at, {"answer_s": number}) if unit == "s" and k > at else None


def _direct(line: Line, at: int) -> Found:
    """Temperature 0.7; dry off; recall_as once."""
    for row, count in rows_named(line, at):
        k = at + count
        while line.word(k) in ("=", ":", "to", "at", "of"):
            k += 1
        if (value := _value(line, row, k)) is not None:
            return k + value[0] - at, {row.path: value[1]}
    return None


def rows_named(line: Line, at: int) -> list[tuple[Param, int]]:
    """Rows that are named there, and of how many words each name is, longest first: "scale cents" may be two rows."""
    found = []
    for count in (3, 2, 1):
        name = " ".join(line.words[at : at + count])
        path = v.ALIASES.get(name) or _names(line.registry).get(name)
        if path and at + count <= len(line.words):
            found.append((line.registry.resolve(path), count))
    return found


def _value(line: Line, row: Param, at: int) -> tuple[int, Value] | None:
    """The value of a row that stands there, and of how many words it is."""
    word = line.word(at)
    for choice in sorted(row.choices, key=len, reverse=True):
        words = tokens(choice)
        if line.words[at : at + len(words)] == words:
            return len(words), choice
    if row.kind == "bool":
        return (1, word in ("on", "yes", "true")) if word in ("on", "yes", "true", "off", "no", "false") else None
    if row.kind == "list" and word in ("none", "off"):
        return 1, ()
    if word and ((row.zero and word == row.zero) or (row.has_off and word == "off")):
        return 1, 0 if row.zero else row.minimum
    numbers = []
    while (number := _pitch_or_number(line.word(at + len(numbers)), row)) is not None:
        numbers.append(number)
        if row.kind != "list":
            unit, factor = v.UNITS.get(line.word(at + 1), (None, 0))
            return (2, number * factor) if unit == row.unit and factor else (1, number)
    return (len(numbers), tuple(numbers)) if numbers else None


def _pitch_or_number(word: str, row: Param) -> float | None:
    if row.kind not in ("float", "int", "list"):
        return None
    return _pitch(word) if row.unit == "note" else _number(word)


def _pitch(word: str) -> float | None:
    named = re.fullmatch(r"[a-g][#b]?-?[0-9]", word)
    return note_number(word) if named else _number(word)


def _number(word: str) -> float | None:
    if not re.fullmatch(_NUMBER, word):
        return None
    number = float(word)
    return int(number) if number.is_integer() else number


def _chord_note(word: str, named: bool) -> float | None:
    if re.fullmatch(r"[a-g][#b]?[0-9]?", word):
        return note_number(word)
    return _number(word) if named else None


def _chord_symbol(given: str, named: bool) -> tuple[float, ...] | None:
    """Pitch classes of Cmaj7, F#m7b5, C/E; `am` and `c7` only where it was said that a chord follows: they are words, and notes."""
    found = re.fullmatch(r"([A-Ga-g][#b]?)([^/]*)(?:/([A-Ga-g][#b]?))?", given)
    if found is None:
        return None
    quality = re.sub(r"^M(?=7|9|$)|^Δ", "maj", found[2]).lower()
    plain = quality in ("", "6", "7", "9")
    capital = found[1][0].isupper() and (quality or found[3])
    if quality not in v.CHORDS or not (named or capital or (not plain and quality[-1].isdigit())):
        return None
    root, bass = note_number(found[1]), [note_number(found[3])] if found[3] else []
    return tuple(dict.fromkeys(bass + [(root + step) % 12 for step in v.CHORDS[quality]]))


def _scale_at(line: Line, at: int) -> tuple[int, str | None]:
    """Where a scale's name ends that begins there, and the scale; None for none."""
    for count in (2, 1):
        name = v.SCALE_WORDS.get(" ".join(line.words[at : at + count]))
        if name and at + count <= len(line.words):
            return at + count, name
    return at, None


@functools.lru_cache(4)
def _names(registry: Registry) -> dict[str, str]:
    """Rows by every name they go by: answer_s, answer s."""
    names = {}
    for row in registry.rows:
        if row.access != "w":
            spoken = row.path.replace("_", " ").replace("/", " ")
            names |= {row.path: row.path, spoken: row.path}
            if row.unit == "s":
                names[spoken.removesuffix(" s")] = row.path
    return names


_FORMS = (_range, _interval, _chord, _tonic, _scale, _number_first, _direct)
