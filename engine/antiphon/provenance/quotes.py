"""Melodies laid out so that a run of their notes is found in microseconds, in whatever key and tempo it comes back.

A melody is written as the intervals between its notes, in semitones, and as the time from each onset to the next, on a scale
of doublings. Every place in every melody is sorted by the intervals that lead there, the newest first. So the places that
share the last n intervals of a line lie side by side, for any n up to DEPTH, and the one that shares most lies beside where
the line itself would. Longer runs are found by comparing on from there. A suffix array (Manber and Myers 1993) read backwards,
with its first DEPTH characters packed into a word.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import BundleError

FORMAT = 1
DEPTH = 12
"""Intervals by which places are sorted."""
WIDEST = 15
"""Semitones; a wider leap is taken for one of this width."""
LONGEST = 64
"""Intervals up to which a run is followed."""
START = 0
"""What stands before the first note of a melody in place of an interval."""
OCTAVE = 16
"""Parts of a doubling of time in which waits are kept."""
MOST_BYTES = 64_000_000
_BITS = 5


@dataclass(frozen=True, slots=True)
class Work:
    """A melody's name: `by` is who wrote it or whose it is. Melodies of one `family` are variants of one tune, one below 0
    is of a registered work; `own` is the player's own, and no quotation. `key` names it in a status: its number, or of a registered
    work a checksum above 2**32."""

    title: str
    by: str = ""
    source: str = ""
    licence: str = ""
    family: int = -1
    own: bool = False
    key: int = -1

    @property
    def name(self) -> str:
        """Title and who it is by, in a line."""
        return f"{self.title}, {self.by}" if self.by else self.title


@dataclass(frozen=True)
class Melody:
    """One line of a work: `pitches` (n,) in semitones, `waits` (n,) from each onset to the next, in any one unit of time."""

    work: Work
    pitches: np.ndarray
    waits: np.ndarray


def wait_code(waits) -> np.ndarray:
    """Waits on the scale of doublings, int8; only differences of these mean anything."""
    return np.clip(np.round(OCTAVE * np.log2(np.maximum(waits, 1e-6))), -127, 127).astype(np.int8)


@dataclass(frozen=True)
class Quotes:
    """Melodies end to end, and their places in order. Immutable, so any thread; 17 bytes a note.

    `codes` (notes + 1,) uint8 lead to each note, START where a melody begins and behind the last; `waits` (notes,) int8 come
    after it; `of` (notes,) uint16 number its work, `families` (works,) that work's family. `words` (notes,) int64 are sorted,
    `ends` (notes,) int32 are the notes that they belong to, and `nexts` (notes,) uint8 the codes that follow those.
    """

    works: tuple[Work, ...]
    codes: np.ndarray = field(repr=False)
    waits: np.ndarray = field(repr=False)
    of: np.ndarray = field(repr=False)
    families: np.ndarray = field(init=False, repr=False)
    own: np.ndarray = field(init=False, repr=False)
    words: np.ndarray = field(init=False, repr=False)
    ends: np.ndarray = field(init=False, repr=False)
    nexts: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        words = words_of(self.codes[:-1])
        order = np.argsort(words, kind="stable")
        put = object.__setattr__
        put(self, "families", np.array([work.family for work in self.works], np.int32))
        put(self, "own", np.array([work.own for work in self.works], bool))
        put(self, "words", words[order])
        put(self, "ends", order.astype(np.int32))
        put(self, "nexts", self.codes[1:][order])

    @classmethod
    def of_melodies(cls, melodies: Iterable[Melody]) -> Quotes:
        """Lay melodies out. Those that follow one another and are of an equal work are lines of one work."""
        works, codes, waits, of = [], [], [], []
        for melody in melodies:
            if len(melody.pitches) != len(melody.waits):
                raise ValueError(f"{melody.work.name}: {len(melody.pitches)} pitches, {len(melody.waits)} waits")
            if len(melody.pitches) == 0:
                continue
            if not works or works[-1] != melody.work:
                works.append(melody.work)
            codes.append(codes_of(melody.pitches))
            waits.append(wait_code(melody.waits))
            of.append(np.full(len(melody.pitches), len(works) - 1, np.uint16))
        if len(works) >= 1 << 16:
            raise ValueError(f"{len(works)} works; at most 65535")
        ended = np.array([START], np.uint8)
        return cls(tuple(works), np.concatenate([*codes, ended]), np.concatenate([np.zeros(0, np.int8), *waits]),
                   np.concatenate([np.zeros(0, np.uint16), *of]))  # fmt: skip

    @property
    def learned(self) -> int:
        """Notes before the first of a registered work."""
        registered = np.flatnonzero(self.families < 0)
        return int(np.searchsorted(self.of, registered[0])) if len(registered) else len(self.waits)

    def joined(self, melodies: Sequence[Melody]) -> Quotes:
        """These, and behind them registered works, each of a family of its own below 0."""
        if not melodies:
            return self
        more, registered = Quotes.of_melodies(melodies), np.count_nonzero(self.families < 0)
        fresh = [replace(work, family=-1 - registered - number) for number, work in enumerate(more.works)]
        codes, waits = np.concatenate([self.codes[:-1], more.codes]), np.concatenate([self.waits, more.waits])
        return Quotes((*self.works, *fresh), codes, waits, np.concatenate([self.of, more.of + np.uint16(len(self.works))]))

    @classmethod
    def empty(cls) -> Quotes:
        return cls.of_melodies([])

    def pack(self) -> np.ndarray:
        """All of it as bytes, (n,) uint8: what a bundle keeps. `unpack` reads it."""
        sources = list(dict.fromkeys((work.source, work.licence) for work in self.works))
        number = {source: n for n, source in enumerate(sources)}
        told = {
            "format": FORMAT, "notes": len(self.waits), "sources": sources,
            "works": [[work.title, work.by, number[work.source, work.licence], work.family] for work in self.works],
        }  # fmt: skip
        sizes = np.bincount(self.of, minlength=len(self.works)).astype("<u4")
        parts = [json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\0", sizes.tobytes()]
        parts += [self.codes.tobytes(), self.waits.tobytes()]
        return np.frombuffer(zlib.compress(b"".join(parts), 9), np.uint8)

    @classmethod
    def unpack(cls, packed: np.ndarray) -> Quotes:
        """Read what `pack` made. Raises ValueError where it is none."""
        works, notes, rest = _unpack(packed)
        count = len(works)
        if not 0 <= notes <= MOST_BYTES or len(rest) != 4 * count + 2 * notes + 1:
            raise ValueError(f"{len(rest)} bytes for {notes} notes of {count} works")
        sizes = np.frombuffer(rest, "<u4", count)
        codes = np.frombuffer(rest, np.uint8, notes + 1, 4 * count)
        waits = np.frombuffer(rest, np.int8, notes, 4 * count + notes + 1)
        ends = codes[-1] == START == codes[0]
        if sizes.sum(dtype=np.int64) != notes or codes.max() > 2 * WIDEST + 1 or not ends:
            raise ValueError("its notes are no notes")
        return cls(works, codes, waits, np.repeat(np.arange(count, dtype=np.uint16), sizes))

    @classmethod
    def load(cls, path: Path) -> Quotes:
        """Read a bundle's constant. Raises BundleError where it cannot be read. About 0.1 s for 700,000 notes."""
        try:
            return cls.unpack(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from None


def works_of(path: Path) -> tuple[Work, ...]:
    """The names alone of a bundle's constant. Raises BundleError where it cannot be read. About 20 ms."""
    try:
        return _unpack(np.load(path, allow_pickle=False))[0]
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unpack(packed: np.ndarray) -> tuple[tuple[Work, ...], int, bytes]:
    if packed.dtype != np.uint8 or packed.ndim != 1:
        raise ValueError(f"{packed.dtype} {list(packed.shape)}")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed.tobytes(), MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    told, _, rest = data.partition(b"\0")
    try:
        told = json.loads(told)
        if told["format"] != FORMAT or not unpacker.eof:
            raise ValueError(f"format {told['format']!r}, expected {FORMAT}")
        works = tuple(
            Work(str(title), str(by), *map(str, told["sources"][source]), family=int(family), key=key)
            for key, (title, by, source, family) in enumerate(told["works"])
        )
        return works, int(told["notes"]), rest
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _unreadable(path: Path, error: Exception) -> BundleError:
    return BundleError(f"{path.name}: the melodies it was trained on can't be read ({error}); install the bundle again")


def codes_of(pitches) -> np.ndarray:
    """A line of pitches in semitones as it is kept, (n,) uint8: START, then an interval for each note after the first."""
    steps = np.clip(np.diff(np.round(pitches).astype(np.int64)), -WIDEST, WIDEST) + WIDEST + 1
    return np.concatenate([[START][: len(steps) + 1], steps]).astype(np.uint8)


def words_of(codes: np.ndarray) -> np.ndarray:
    """The word of every note of a line, or of many end to end, (notes,) int64."""
    words = np.zeros(len(codes), np.int64)
    for back in range(min(DEPTH, len(codes))):
        words[back:] |= codes[: len(codes) - back].astype(np.int64) << _BITS * (DEPTH - 1 - back)
    return words
