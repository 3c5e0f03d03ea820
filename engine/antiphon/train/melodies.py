"""Melodies for the note model: load, split by tune family, and perform them as a person might.

``lieder.jsonl.gz`` and ``tunes.jsonl.gz`` hold lines of [midi, onset, duration] in quarter notes. A *performance* is a
line at some tempo, key, articulation and steadiness, in hops of 20 ms. Some are moved to another scale, and some lines
are made up from motifs on scales outside major and minor, so that the model does not believe that all music is Western.
The beginning of about half of them is spoilt the way a transcriber spoils it (wrong onsets, split and merged notes,
wrong pitches): live, the model never sees a clean score.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from ..model import score

LONGEST_REST = 4.0  # quarter notes; a singer's piano interludes are shortened to this
GRAM = 7  # intervals; two lines that share enough of these runs are one tune family
HELD_OUT_SHARE = 0.06
SHORTEST_LINE = 16


@dataclass(frozen=True)
class Lines:
    """Lines laid end to end: ``pitch``, ``wait`` (to the next onset) and ``sound`` are (notes,), in quarter notes."""

    pitch: np.ndarray
    wait: np.ndarray
    sound: np.ndarray
    first: np.ndarray  # (lines + 1,) where each line starts
    fifths: np.ndarray  # (lines,) key signature, -7..7

    def __len__(self) -> int:
        return len(self.fifths)

    def pick(self, which: np.ndarray) -> Lines:
        """Return the lines numbered ``which``."""
        spans = [np.arange(self.first[i], self.first[i + 1]) for i in which]
        notes = np.concatenate(spans)
        first = np.concatenate([[0], np.cumsum([len(s) for s in spans])])
        return Lines(self.pitch[notes], self.wait[notes], self.sound[notes], first, self.fifths[which])


def read_lines(folder: Path) -> Lines:
    """Read every ``*.jsonl.gz`` in ``folder``. Lines shorter than 16 notes are left out."""
    found = []
    for path in sorted(Path(folder).glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as rows:
            records = map(json.loads, rows)
            found += [(record["notes"], int(record["fifths"] or 0)) for record in records]
    return lay(found)


def lay(found: Iterable[tuple[Sequence, int]], shortest: int = SHORTEST_LINE) -> Lines:
    """Lay lines end to end, each its notes (n, 3) of [midi, onset, duration] in quarter notes and its key signature.

    Of notes that begin together one is kept; lines shorter than ``shortest`` notes are left out.
    """
    pitch, wait, sound, lengths, fifths = [], [], [], [], []
    for line, signature in found:
        notes = np.array(sorted(line, key=lambda note: note[1]), dtype=np.float64)
        if len(notes) == 0:
            continue
        notes = notes[np.append(np.diff(notes[:, 1]) > 1e-3, True)]  # of a double stop keep one note
        if len(notes) < shortest:
            continue
        to_next = np.append(np.diff(notes[:, 1]), notes[-1, 2])
        sounding = np.minimum(notes[:, 2], to_next)
        pitch.append(notes[:, 0].astype(np.int64))
        sound.append(sounding)
        wait.append(np.minimum(to_next, sounding + LONGEST_REST))
        lengths.append(len(notes))
        fifths.append(signature)
    first = np.concatenate([[0], np.cumsum(lengths, dtype=int)])
    joined = [np.concatenate([np.zeros(0, kind), *parts]) for kind, parts in ((int, pitch), (float, wait), (float, sound))]
    return Lines(*joined, first, np.array(fifths, dtype=int))


def tune_families(lines: Lines, shared: float = 0.15) -> np.ndarray:
    """Number the tune family of each line, ``(lines,)``.

    Two lines are of one family if they share at least ``shared`` of the shorter one's runs of 7 intervals (runs that
    occur in more than 40 lines are scales and arpeggios and do not count).
    """
    holders = defaultdict(list)
    sizes = np.zeros(len(lines), dtype=int)
    for i in range(len(lines)):
        intervals = np.diff(lines.pitch[lines.first[i] : lines.first[i + 1]])
        grams = {tuple(intervals[k : k + GRAM]) for k in range(len(intervals) - GRAM + 1)}
        sizes[i] = len(grams)
        for gram in grams:
            holders[gram].append(i)
    together = Counter()
    for which in holders.values():
        if 2 <= len(which) <= 40:
            together.update((a, b) for n, a in enumerate(which) for b in which[n + 1 :])
    parent = np.arange(len(lines))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for (a, b), count in together.items():
        if count >= shared * min(sizes[a], sizes[b]):
            parent[root(a)] = root(b)
    return np.array([root(i) for i in range(len(lines))])


def split(lines: Lines, seed: int = 0) -> tuple[Lines, Lines]:
    """Split into training and held-out lines; a tune family is never in both."""
    is_held = held_out(lines, tune_families(lines), seed)
    return lines.pick(np.flatnonzero(~is_held)), lines.pick(np.flatnonzero(is_held))


def held_out(lines: Lines, families: np.ndarray, seed: int = 0) -> np.ndarray:
    """Which lines are held out, ``(lines,)`` bool, given their families."""
    names = np.unique(families)
    sizes = {name: count for name, count in zip(*np.unique(families, return_counts=True), strict=False)}
    order = np.random.default_rng(seed).permutation(names)
    held, count = set(), 0
    for name in order:
        if count >= HELD_OUT_SHARE * len(lines):
            break
        if sizes[name] <= 20:  # a family that swallowed hundreds of lines would leave nothing to learn from
            held.add(name)
            count += sizes[name]
    return np.array([family in held for family in families])


# Scales as semitones above their first step; seven steps for moving a tune, any number for making one up.
_SEVEN = np.array([
    [0, 2, 3, 5, 7, 8, 11], [0, 1, 4, 5, 7, 8, 11], [0, 1, 4, 5, 7, 8, 10], [0, 2, 3, 6, 7, 8, 11],
    [0, 2, 3, 5, 7, 9, 11], [0, 1, 4, 6, 7, 9, 11], [0, 1, 3, 6, 7, 8, 11], [0, 1, 4, 6, 7, 8, 11],
    [0, 2, 4, 6, 7, 9, 10], [0, 1, 3, 5, 7, 8, 10], [0, 2, 4, 5, 7, 8, 11], [0, 3, 4, 6, 7, 10, 11],
    [0, 2, 4, 4, 7, 9, 9], [0, 3, 3, 5, 7, 7, 10], [0, 2, 3, 3, 7, 8, 8], [0, 1, 1, 5, 7, 8, 8],
])  # fmt: skip
_ANY = [
    [0, 2, 4, 7, 9], [0, 3, 5, 7, 10], [0, 2, 5, 7, 10], [0, 1, 5, 7, 8], [0, 2, 3, 7, 8], [0, 1, 3, 7, 8],
    [0, 4, 5, 7, 11], [0, 3, 5, 6, 7, 10], [0, 2, 4, 6, 8, 10], [0, 1, 3, 4, 6, 7, 9, 10], [0, 2, 4, 5, 7, 9, 10],
    [0, 2, 3, 5, 7, 9, 10], [0, 1, 4, 5, 7, 8, 11], [0, 1, 4, 5, 7, 8, 10],
    [0, 2, 3, 6, 7, 8, 11], [0, 2, 4, 6, 7, 9, 11],
]  # fmt: skip
_ANY_STEPS = np.full((len(_ANY), 8), -1)
for _row, _scale in enumerate(_ANY):
    _ANY_STEPS[_row, : len(_scale)] = _scale
_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
_LENGTHS = np.array([0.25, 0.5, 0.5, 0.5, 0.75, 1.0, 1.0, 1.5, 2.0, 1 / 3])

_LO, _NOTES = score.NOTE_LO, score.NOTES
_EDGES, _ART_EDGES = score.IOI_EDGES, score.ARTICULATION_EDGES
_LONGEST, _LEAP = score.LONGEST_IOI, score.LEAP
_NO_INTERVAL, _NO_IOI, _LONGEST_MATCH = score.NO_INTERVAL, score.NO_IOI, score.LONGEST_MATCH


@njit(cache=True)
def _make_up(pitch, wait, sound, scales):
    """Fill a line from motifs on one scale: repeat, shift, vary, begin anew. The grouping of beats is free (aksak)."""
    scale = scales[np.random.randint(len(scales))]
    steps = 0
    while steps < 8 and scale[steps] >= 0:
        steps += 1
    tonic = np.random.randint(12)
    size = np.random.randint(3, 9)
    moves = np.zeros(16, np.int64)
    lengths = np.zeros(16)
    degree, made, n = 0, False, 0
    while n < len(pitch):
        dice = np.random.random()
        if not made or dice < 0.15:
            size = np.random.randint(3, 9)
            pace = _LENGTHS[np.random.randint(len(_LENGTHS))]
            for i in range(size):
                u = np.random.random()
                moves[i] = 0 if u < 0.15 else (1 if u < 0.43 else (-1 if u < 0.73 else np.random.randint(-4, 5)))
                lengths[i] = pace if np.random.random() < 0.6 else _LENGTHS[np.random.randint(len(_LENGTHS))]
            made = True
        elif dice < 0.35:
            i = np.random.randint(size)
            moves[i] += np.random.randint(-1, 2)
        elif dice < 0.6:
            degree += np.random.randint(-2, 3)
        for i in range(size):
            if n >= len(pitch):
                break
            degree += moves[i]
            if degree > 7:
                degree = 7 - (degree - 7) % 7
            if degree < -6:
                degree = -6 + (-6 - degree) % 7
            octave = degree // steps
            pitch[n] = 60 + tonic + 12 * octave + scale[degree - octave * steps]
            wait[n] = lengths[i]
            sound[n] = lengths[i]
            n += 1
        if n > 0 and np.random.random() < 0.3:
            wait[n - 1] += np.random.randint(0, 3) * 0.5
            sound[n - 1] = min(wait[n - 1], sound[n - 1] + 0.5 * np.random.random())


@njit(cache=True)
def _copy_tunes(pitch, wait, sound, all_pitch, all_wait, all_sound, first, fifths, seven, moved):
    """Fill a line from one tune, looping it or going on to another in the same key. Maybe move it to another scale."""
    line = np.random.randint(len(fifths))
    at = np.random.randint(first[line], first[line + 1])
    shift = 0
    key = fifths[line]
    for n in range(len(pitch)):
        pitch[n] = all_pitch[at] + shift
        wait[n] = all_wait[at]
        sound[n] = all_sound[at]
        at += 1
        if at == first[line + 1]:
            if np.random.random() < 0.35:
                wait[n] += np.random.randint(1, 4) * 0.5
            if np.random.random() < 0.45:
                centre = pitch[n]
                line = np.random.randint(len(fifths))
                shift = (7 * (key - fifths[line])) % 12
                middle = all_pitch[(first[line] + first[line + 1]) // 2]
                shift += 12 * int(np.round((centre - middle - shift) / 12))
            at = first[line]
    if np.random.random() < moved:
        scale = seven[np.random.randint(len(seven))]
        turn = np.random.randint(7)
        root = (7 * key) % 12
        for n in range(len(pitch)):
            above = pitch[n] - root
            octave = above // 12
            rest = above - 12 * octave
            degree = 6
            while _MAJOR[degree] > rest:
                degree -= 1
            raised = rest - _MAJOR[degree]
            turned = degree + turn
            pitch[n] = root + 12 * octave + scale[turned % 7] + 12 * (turned // 7) - scale[turn] + raised


@njit(cache=True)
def _perform(pitch, wait, sound, onset, length):
    """Play a line: fill ``onset`` and ``length`` in hops (float), and fold ``pitch`` into the range."""
    bpm = np.random.uniform(60.0, 176.0)
    scale = 60.0 / bpm / 0.02
    pace = np.median(wait) * scale * 0.02
    if pace < 0.16:
        scale *= 0.16 / pace * np.random.uniform(1.0, 1.5)
    if pace > 0.8:
        scale *= 0.8 / pace * np.random.uniform(0.5, 1.0)
    legato = np.random.uniform(0.55, 1.05)
    jitter = np.random.uniform(0.0, 0.9)
    freedom = np.random.uniform(0.05, 0.22) if np.random.random() < 0.2 else 0.0
    pauses = 0.02 if np.random.random() < 0.5 else 0.004
    middle = np.median(pitch)
    centre = 62.0 + 8.5 * np.random.randn()
    shift = int(np.round(centre - middle))
    now, drift = 0.0, 0.0
    for n in range(len(pitch)):
        drift = 0.97 * drift + 0.004 * np.random.randn()
        stretch = scale * (1.0 + drift) * np.exp(freedom * np.random.randn())
        onset[n] = now + jitter * np.random.randn()
        held = sound[n] * stretch
        if legato < 1.0:
            held = min(held, max(2.5, held * legato * (1.0 + 0.06 * np.random.randn())))
        length[n] = held
        now += wait[n] * stretch
        if np.random.random() < pauses:
            now += np.random.uniform(15.0, 110.0)
        p = pitch[n] + shift
        while p < _LO:
            p += 12
        while p >= _LO + _NOTES:
            p -= 12
        pitch[n] = p


@njit(cache=True)
def _spoil(pitch, onset, length, prefix, severity):
    """Spoil the first ``prefix`` notes as a transcriber would, in place. Returns how many notes are left in all."""
    n_in = len(pitch)
    p2 = np.empty(2 * n_in, np.int64)
    o2 = np.empty(2 * n_in)
    l2 = np.empty(2 * n_in)
    out = 0
    new_prefix = 0
    for n in range(n_in):
        p, o, d = pitch[n], onset[n], length[n]
        if n < prefix:
            if out > 0 and np.random.random() < 0.08 * severity:  # merged into the note before
                l2[out - 1] = max(l2[out - 1], o + d - o2[out - 1])
                continue
            u = np.random.random()
            if u < 0.12 * severity:
                v = np.random.random()
                sign = 1 if np.random.random() < 0.5 else -1
                p += sign * (1 if v < 0.55 else (2 if v < 0.7 else (12 if v < 0.85 else 7)))
                p = min(max(p, _LO), _LO + _NOTES - 1)
            o += 2.0 * severity * np.random.randn()
            d *= np.exp(0.3 * severity * np.random.randn())
            if d > 9 and np.random.random() < 0.1 * severity:  # one note heard as two
                cut = np.random.uniform(0.3, 0.7) if np.random.random() < 0.6 else min(0.4, 6.0 / d)
                first_part = p if np.random.random() < 0.5 else p + np.random.randint(-2, 3)
                p2[out], o2[out], l2[out] = min(max(first_part, _LO), _LO + _NOTES - 1), o, d * cut
                out += 1
                o += d * cut
                d *= 1 - cut
        p2[out], o2[out], l2[out] = p, o, d
        out += 1
        if n < prefix:
            new_prefix = out
    count = min(out, n_in)
    for n in range(count):
        pitch[n], onset[n], length[n] = p2[n], o2[n], l2[n]
    return count, new_prefix


@njit(cache=True)
def _match(pitch, ioi, n, longest):
    """The loop form of `antiphon.model.match.longest_suffix`, for note ``n`` of a performance."""
    best, best_end = 0, -1
    for end in range(n - 2, -1, -1):  # interval `end` leads from note end to end + 1; the newest is n - 1
        length = 0
        while length < longest and end - length >= 0:
            if pitch[end - length + 1] - pitch[end - length] != pitch[n - length] - pitch[n - length - 1]:
                break
            length += 1
        if length > best:
            best, best_end = length, end
            if best == longest:
                break
    if best == 0:
        return _NO_INTERVAL, _NO_IOI, 0
    step = pitch[best_end + 2] - pitch[best_end + 1]
    return min(max(step, -_LEAP), _LEAP) + _LEAP, ioi[best_end + 1], best


@njit(cache=True)
def _fill(seed, fields, weight, hops, lines, first, fifths, seven, scales, plain):
    """Fill a batch. ``fields`` (rows, notes, 8) int64; ``plain``: nothing moved, made up or spoilt."""
    np.random.seed(seed)
    rows, notes = weight.shape
    spare = notes + 60
    all_pitch, all_wait, all_sound = lines
    for row in range(rows):
        pitch = np.empty(spare, np.int64)
        wait = np.empty(spare)
        sound = np.empty(spare)
        onset = np.empty(spare)
        length = np.empty(spare)
        if not plain and np.random.random() < 0.12:
            _make_up(pitch, wait, sound, scales)
        else:
            _copy_tunes(pitch, wait, sound, all_pitch, all_wait, all_sound, first, fifths, seven, 0.0 if plain else 0.2)
        _perform(pitch, wait, sound, onset, length)
        prefix = np.random.randint(5, 65)
        spoilt = not plain and np.random.random() < 0.55
        if spoilt:
            _, prefix = _spoil(pitch, onset, length, prefix, np.random.random())
        whole = np.empty(notes + 1, np.int64)
        whole[0] = int(np.round(onset[0]))
        for n in range(1, notes + 1):
            whole[n] = max(whole[n - 1] + 2, int(np.round(onset[n])))
        unmatched = not plain and np.random.random() < 0.15
        nudge = np.random.randint(-2, 3)
        sorted_pitch = np.empty(notes, np.int64)
        anchor = pitch[0]
        for n in range(notes):
            if n < prefix:
                at = n
                while at > 0 and sorted_pitch[at - 1] > pitch[n]:
                    sorted_pitch[at] = sorted_pitch[at - 1]
                    at -= 1
                sorted_pitch[at] = pitch[n]
                anchor = sorted_pitch[(n + 1) // 2]
            gap = min(whole[n + 1] - whole[n], _LONGEST - 1)
            hops[row, n] = gap
            fields[row, n, 0] = pitch[n] - _LO
            fields[row, n, 1] = np.searchsorted(_EDGES, gap, side="right") - 1
            fields[row, n, 2] = np.searchsorted(_ART_EDGES, min(1.0, max(2.0, length[n]) / gap))
            away = pitch[n] - anchor - (0 if plain or n < prefix else nudge)
            fields[row, n, 3] = min(max(away, -_LEAP), _LEAP) + _LEAP
            fields[row, n, 7] = pitch[n + 1] - _LO
            weight[row, n] = 0.0 if spoilt and n + 1 < prefix else 1.0
        for n in range(notes):
            fields[row, n, 4], fields[row, n, 5], fields[row, n, 6] = _NO_INTERVAL, _NO_IOI, 0
            if n >= 2 and not unmatched:
                fields[row, n, 4], fields[row, n, 5], fields[row, n, 6] = _match(pitch, fields[row, :, 1], n, _LONGEST_MATCH)


def performances(lines: Lines, rows: int, notes: int, seed: int, plain: bool = False) -> dict[str, np.ndarray]:
    """Perform a batch of lines: every array is ``(rows, notes)``.

    ``pitch ioi articulation register match_interval match_ioi match_length next_pitch`` int64 (classes of `score`),
    ``weight`` float32 (0 where the target is a spoilt note), ``hops`` int64 (inter-onset time). ``plain``: scores as
    written, for validation. Same seed, same batch.
    """
    fields = np.zeros((rows, notes, 8), np.int64)
    weight = np.zeros((rows, notes), np.float32)
    hops = np.zeros((rows, notes), np.int64)
    pool = (lines.pitch, lines.wait, lines.sound)
    _fill(seed, fields, weight, hops, pool, lines.first, lines.fifths, _SEVEN, _ANY_STEPS, plain)
    names = ("pitch", "ioi", "articulation", "register", "match_interval", "match_ioi", "match_length", "next_pitch")
    batch = {name: fields[..., i] for i, name in enumerate(names)}
    return {**batch, "weight": weight, "hops": hops}
