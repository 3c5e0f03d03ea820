"""What an answer is nearest to: whose motifs its notes share, and whose sound it has, as shares that sum to 1.

This is a comparison, and no finding of cause. The melodies named share a run of intervals with the answer, in any key and any
rhythm; that the model learned from them does not mean that the answer comes from there, and what it does come from may share no
run with it at all. One half of the shares is the notes', the other the sound's: a convention, as good as any other.

Each note goes to the longest run that it is part of: to the performer, where they sang or played one that is at least as long
and of LEAST_THEIRS notes or more; else to the melody that has it, of LEAST notes or more, in equal parts where it is found in up
to COMMON tune families; else to nobody, as such runs are found anywhere. Sound goes by how much of it was asked of the
performer's own and of each stored voice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from .guard import COMMON, COMMONPLACE
from .quotes import DEPTH, LONGEST, Melody, Quotes, Work, codes_of, words_of

LEAST, LEAST_THEIRS = 6, 4
"""Notes in a row that are a melody's, and that are the performer's."""
NEAREST = 3
"""Melodies that are named for their length of match, whatever their share."""


@dataclass(frozen=True)
class Share:
    """A part of an answer: `kind` is performer, melody, nobody, own sound or stored voice; `notes` the longest run in common."""

    kind: str
    name: str
    share: float
    source: str = ""
    licence: str = ""
    notes: int = 0


@dataclass(frozen=True)
class Near:
    """A melody and how many notes in a row of it are in the answer, in any key and rhythm."""

    name: str
    notes: int
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Attribution:
    """What `attribute` found: `shares` sum to 1, the largest of each half first; `nearest` by length of match."""

    notes: int
    shares: tuple[Share, ...]
    nearest: tuple[Near, ...]

    def as_json(self) -> dict:
        """All of it, for a log or a report."""
        shares = [{**asdict(share), "share": round(share.share, 4)} for share in self.shares]
        return {"notes": self.notes, "shares": shares, "nearest": [asdict(near) for near in self.nearest]}

    def lines(self) -> list[str]:
        """All of it, for people."""
        told = [f"{100 * share.share:3.0f} %  {_SAID[share.kind].format(share)}{_from(share)}" for share in self.shares]
        return told + [f"nearest: {near.name}, {near.notes} notes in a row{_from(near)}" for near in self.nearest]


_SAID = {
    "performer": "motifs of the performer's, up to {0.notes} notes", "melody": "{0.name}, up to {0.notes} notes in a row",
    "nobody": "notes with no melody in particular", "own sound": "the performer's own sound", "stored voice": "sound of {0.name}",
}  # fmt: skip


def attribute(pitches: Sequence[float], timbre: Sequence[float], quotes: Quotes, heard: Sequence[float] = (),
              voices: Sequence[Mapping | None] = ()) -> Attribution:
    """Say what an answer is nearest to. Any thread, off the audio path: a few ms a minute of answer.

    `pitches` (n,) are its notes in order, in semitones, `heard` (m,) those of the performer before it. `timbre` are the shares of
    the performer's own sound and of each stored voice, as `Manner.shares` has them, and `voices` what the bundle's manifest says
    of these; None for one that the player has stored.
    """
    credits, nearest = _notes(np.asarray(pitches, float), np.asarray(heard, float), quotes)
    sounds = list(_sounds(timbre, voices))
    halves = [(credits, 0.5 if sounds else 1.0), (sounds, 0.5 if credits else 1.0)]
    shares = []
    for half, weight in halves:
        total = sum(share.share for share in half)
        some = [Share(**{**asdict(share), "share": weight * share.share / total}) for share in half]
        shares += sorted(some, key=lambda share: -share.share)
    return Attribution(len(pitches), tuple(shares), nearest)


def runs(quotes: Quotes, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each note of a line the longest run of intervals that leads to it and is in some melody too, (n,), and a place of it
    in `quotes.words`, (n,). `codes` (n,) as `codes_of` has them."""
    n, words = len(codes), words_of(codes)
    if not len(quotes.words) or n == 0:
        return np.zeros(n, int), np.zeros(n, int)
    after = np.searchsorted(quotes.words, words)
    sides = np.clip(np.stack([after - 1, after]), 0, len(quotes.words) - 1)
    apart = quotes.words[sides] ^ words
    alike = np.zeros(sides.shape, int)
    for depth in range(1, DEPTH + 1):
        alike += apart >> 5 * (DEPTH - depth) == 0
    alike = np.minimum(alike, np.arange(n))
    side = alike.argmax(0)
    longest, place = alike.max(0), sides[side, np.arange(n)]
    for i in np.flatnonzero(longest == DEPTH):
        for at in range(place[i], min(place[i] + DEPTH, len(quotes.words))):
            if quotes.words[at] != quotes.words[place[i]]:
                break
            end, run = int(quotes.ends[at]), DEPTH
            while run < min(i, end, LONGEST) and quotes.codes[end - run] == codes[i - run]:
                run += 1
            if run > longest[i]:
                longest[i], place[i] = run, at
    return longest, place


def _notes(pitches: np.ndarray, heard: np.ndarray, quotes: Quotes) -> tuple[list[Share], tuple[Near, ...]]:
    if not len(pitches):
        return [], ()
    codes = codes_of(pitches)
    longest, place = runs(quotes, codes)
    theirs, _ = runs(Quotes.of_melodies([Melody(Work("the performer"), heard, np.ones(len(heard)))]), codes)
    ours, at = _covering(longest)
    mine, _ = _covering(theirs)
    shares: dict[tuple[str, int], list[float]] = {}
    families: dict[int, list[int]] = {}
    for note in range(len(pitches)):
        if mine[note] + 1 >= LEAST_THEIRS and mine[note] >= ours[note]:
            _credit(shares, ("performer", -1), 1.0, mine[note] + 1)
            continue
        works = []
        if ours[note] + 1 >= LEAST:
            i = int(at[note])
            works = families.setdefault(i, _families(quotes, int(place[i]), int(longest[i])))
        for work in works:
            _credit(shares, ("melody", work), 1.0 / len(works), ours[note] + 1)
        if not works:
            _credit(shares, ("nobody", -1), 1.0, 0)
    found = []
    for (kind, work), (share, notes) in shares.items():
        named = quotes.works[work] if work >= 0 else Work("the performer's motifs" if kind == "performer" else "no melody in particular")
        found.append(Share(kind, named.name, share, named.source, named.licence, int(notes)))
    return found, _nearest(quotes, longest, place)


def _covering(longest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each note the longest run that it is part of, in intervals, and the note where that ends."""
    best, at = np.zeros(len(longest), int), np.zeros(len(longest), int)
    for i in np.flatnonzero(longest):
        span = slice(i - longest[i], i + 1)
        better = best[span] < longest[i]
        best[span][better], at[span][better] = longest[i], i
    return best, at


def _credit(shares: dict, of: tuple[str, int], share: float, notes: int) -> None:
    before = shares.setdefault(of, [0.0, 0])
    before[0], before[1] = before[0] + share, max(before[1], notes)


def _families(quotes: Quotes, place: int, run: int) -> list[int]:
    """A work of each family that has this run, none where it is a formula."""
    depth = min(run, DEPTH)
    rest = 5 * (DEPTH - depth)
    low = int(quotes.words[place]) >> rest << rest
    low, high = np.searchsorted(quotes.words, [low, low + (1 << rest)])
    if high - low > COMMONPLACE:
        return []
    works = quotes.of[quotes.ends[low:high]] if run <= DEPTH else quotes.of[quotes.ends[place : place + 1]]
    _, first = np.unique(quotes.families[works], return_index=True)
    return works[first].tolist() if len(first) <= COMMON else []


def _nearest(quotes: Quotes, longest: np.ndarray, place: np.ndarray) -> tuple[Near, ...]:
    found: dict[int, Near] = {}
    for i in np.argsort(-longest, kind="stable"):
        work = int(quotes.of[quotes.ends[place[i]]]) if longest[i] else -1
        if len(found) == NEAREST or longest[i] + 1 < LEAST_THEIRS or work < 0:
            break
        named = quotes.works[work]
        found.setdefault(work, Near(named.name, int(longest[i]) + 1, named.source, named.licence))
    return tuple(found.values())


def _sounds(timbre: Sequence[float], voices: Sequence[Mapping | None]) -> Iterable[Share]:
    for number, share in enumerate(timbre):
        if share <= 0:
            continue
        if number == 0:
            yield Share("own sound", "the performer's own sound", float(share))
            continue
        told = voices[number - 1] if number <= len(voices) else None
        if told is None:
            yield Share("stored voice", f"voice {number}, stored by the player", float(share))
        else:
            name, source = str(told.get("name", f"voice {number}")), str(told.get("source", ""))
            yield Share("stored voice", name, float(share), source, str(told.get("licence", "")))


def _from(told: Share | Near) -> str:
    words = ", ".join(filter(None, [told.source, told.licence]))
    return f" ({words})" if words else ""
