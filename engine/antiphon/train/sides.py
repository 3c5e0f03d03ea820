"""The sides of a user's material, and how they are laid out in a work folder for the trainers.

Three sides: `train` is learned from, `watched` says when to stop, `held` is looked at once, at the end. With five recordings or
more a recording is on one side only; with fewer, each one's last 15 % are held and the tenth before watched. Lines of notes are
divided by tune family, so a tune sung and written, or sung twice, is on one side; where there are fewer than four families, by
time as above. Which side is a matter of the files' hashes: the same material is divided alike, whatever its names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ..model.score import HOP_S, NOTE_LO, NOTES
from ..model.tokens import HOP
from . import melodies
from .ears import Hearing
from .material import Material
from .melodies import Lines

SIDES = ("train", "watched", "held")
HELD, WATCHED = 0.15, 0.1
LINE_FIELDS = ("pitch", "wait", "sound", "first", "fifths")
_SHARES = {"held": HELD, "watched": WATCHED}
_FEWEST, _FEWEST_FAMILIES = 5, 4  # recordings, tune families: of fewer there is not one for each side
_LARGEST = 0.3  # of all material, that one recording or family may be on another side than train
_LEAST_PIECE = 50  # hops
_ROW, _LEAST_ROW = 500, 250  # hops of a row, at most and at least
_FADE = 480  # frames at both ends of a piece
_LEAST_TOLD = 0.5  # seconds of notes, or a row is nothing to learn from
_SHORTEST_LINE = 8  # notes


def rows(material: Material) -> dict[str, list[dict[str, np.ndarray]]]:
    """Rows of all sides, as `train.render` describes them but of 5 to 10 s, each with notes in it."""
    digests = [source.sha256 for source in material.sources if source.seconds]
    sides = _by_recording(material.hearings, digests) or _by_time(material.hearings)
    return {side: _rows([piece for hearing, a, b in sides[side] for piece in _pieces(hearing, a, b)]) for side in SIDES}


def _by_recording(hearings: list[Hearing], digests: list[str]) -> dict | None:
    if len(hearings) < _FEWEST:
        return None
    whole, taken = sum(hearing.line_s for hearing in hearings), {}
    order = sorted(range(len(hearings)), key=lambda index: digests[index])
    for side, share in _SHARES.items():
        got = 0.0
        for index in order:
            if got < share * whole and index not in taken and hearings[index].line_s <= _LARGEST * whole:
                taken[index] = side
                got += hearings[index].line_s
        if got < share * whole / 2:
            return None
    sides = {side: [] for side in SIDES}
    for index, hearing in enumerate(hearings):
        sides[taken.get(index, "train")].append((hearing, 0, len(hearing.trusted)))
    return sides


def _by_time(hearings: list[Hearing]) -> dict:
    sides = {side: [] for side in SIDES}
    for hearing in hearings:
        done = np.cumsum(hearing.note[::2] >= 0)
        cuts = [int(np.searchsorted(done, share * done[-1])) for share in (1 - HELD - WATCHED, 1 - HELD)]
        for side, a, b in zip(SIDES, [0, *cuts], [*cuts, len(done)], strict=True):
            sides[side].append((hearing, a, b))
    return sides


def _pieces(hearing: Hearing, first: int, last: int) -> list[dict[str, np.ndarray]]:
    """Runs of trusted hops with a note in them, faded at both ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hearing.trusted[first:last], [False]]).astype(int))) + first
    found = []
    for a, b in edges.reshape(-1, 2):
        if b - a >= _LEAST_PIECE and (hearing.note[2 * a : 2 * b] >= 0).any():
            sound = hearing.sound[a * HOP : b * HOP].copy()
            fade = np.linspace(0, 1, _FADE, dtype=np.float32)
            sound[:_FADE] *= fade
            sound[-_FADE:] *= fade[::-1]
            told = {"f0": hearing.pitch, "onset": hearing.onset, "note": hearing.note}
            audio = np.round(sound * 32768).clip(-32768, 32767).astype(np.int16)
            found.append({"audio": audio, **{name: value[2 * a : 2 * b] for name, value in told.items()}})
    return found


def _rows(pieces: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """Pieces laid end to end and cut where it is quietest, every 8 to 10 s; the last row may share sound with the one before."""
    if not pieces:
        return []
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    short = _LEAST_ROW - len(whole["f0"]) // 2
    if short > 0:
        whole |= {name: np.pad(whole[name], (0, 2 * short)) for name in ("f0", "onset")}
        whole["audio"] = np.pad(whole["audio"], (0, short * HOP))
        whole["note"] = np.pad(whole["note"], (0, 2 * short), constant_values=-1)
    levels = whole["audio"].astype(np.float32).reshape(-1, HOP).std(1)
    cuts = [0]
    while len(levels) - cuts[-1] > _ROW:
        a = cuts[-1] + 4 * _ROW // 5
        cuts.append(a + int(levels[a : a + _ROW // 5].argmin()))
    spans = [*zip(cuts, cuts[1:], strict=False), (min(cuts[-1], len(levels) - _LEAST_ROW), len(levels))]
    result = []
    for a, b in spans:
        row = {name: value[a * HOP : b * HOP] if name == "audio" else value[2 * a : 2 * b] for name, value in whole.items()}
        if (row["note"] >= 0).sum() * HOP_S / 2 >= _LEAST_TOLD:
            result.append(row)
    return result


def divided(lines: Lines) -> dict[str, Lines]:
    """Lines of notes by side: by tune family where there are four or more, else by time."""
    sides = _by_family(lines) if len(lines) else None
    spans = {side: [] for side in SIDES}
    for line, (first, last) in enumerate(zip(lines.first, lines.first[1:], strict=False)):
        cuts = [first + round((last - first) * share) for share in (1 - HELD - WATCHED, 1 - HELD)]
        if sides is not None:
            spans[sides[line]].append((line, first, last))
            continue
        for side, a, b in zip(SIDES, [first, *cuts], [*cuts, last], strict=True):
            if b - a > 2:
                spans[side].append((line, a, b))
    return {side: _cut(lines, found) for side, found in spans.items()}


def _by_family(lines: Lines) -> list[str] | None:
    family, sizes = melodies.tune_families(lines), np.diff(lines.first)
    names, whole = np.unique(family), len(lines.pitch)
    if len(names) < _FEWEST_FAMILIES:
        return None
    weight = {name: int(sizes[family == name].sum()) for name in names}
    first = {name: lines.pitch[lines.first[np.flatnonzero(family == name)[0]] :][:64] for name in names}
    order, taken = sorted(names, key=lambda name: hashlib.sha256(np.diff(first[name]).tobytes()).hexdigest()), {}
    for side, share in _SHARES.items():
        got = 0
        for name in order:
            if got < share * whole and name not in taken and weight[name] <= _LARGEST * whole:
                taken[name] = side
                got += weight[name]
        if got < share * whole / 2:
            return None
    return [taken.get(name, "train") for name in family]


def _cut(lines: Lines, spans: list[tuple[int, int, int]]) -> Lines:
    notes = np.concatenate([np.zeros(0, int), *(np.arange(a, b) for _, a, b in spans)])
    first = np.concatenate([[0], np.cumsum([b - a for _, a, b in spans], dtype=int)])
    return Lines(lines.pitch[notes], lines.wait[notes], lines.sound[notes], first, lines.fifths[[line for line, _, _ in spans]])


def lay_out(material: Material, work: Path) -> dict[str, dict[str, float]]:
    """Write `clips/SIDE-NNNN.npz` and `lines.npz`; returns rows, seconds and notes of every side."""
    clips = work / "clips"
    clips.mkdir(parents=True, exist_ok=True)
    for old in clips.glob("*.npz"):
        old.unlink()
    sounds = rows(material) if material.hearings else {side: [] for side in SIDES}
    lines = divided(melodies.lay([(in_range(notes), fifths) for notes, fifths in material.lines], _SHORTEST_LINE))
    for side, found in sounds.items():
        for number, row in enumerate(found):
            np.savez(clips / f"{side}-{number:04d}.npz", **{name: value[None] for name, value in row.items()})
    fields = {f"{side}_{name}": getattr(lines[side], name) for side in SIDES for name in LINE_FIELDS}
    np.savez(work / "lines.npz", **fields)
    return {side: {"rows": len(sounds[side]), "seconds": sum(len(row["f0"]) for row in sounds[side]) / 100,
                   "notes": len(lines[side].pitch)} for side in SIDES}  # fmt: skip


def read_lines(work: Path, side: str) -> Lines:
    """The lines of a side that `lay_out` wrote."""
    with np.load(work / "lines.npz") as found:
        return Lines(*(found[f"{side}_{name}"] for name in LINE_FIELDS))


def in_range(notes: np.ndarray) -> np.ndarray:
    """The same line, moved by octaves, and folded where it is wider than the range of notes."""
    moved = np.array(notes, float)
    moved[:, 0] += 12 * np.round((NOTE_LO + NOTES / 2 - np.median(moved[:, 0])) / 12)
    low, high = moved[:, 0] < NOTE_LO, moved[:, 0] >= NOTE_LO + NOTES
    moved[low, 0] = NOTE_LO + (moved[low, 0] - NOTE_LO) % 12
    moved[high, 0] = NOTE_LO + NOTES - 12 + (moved[high, 0] - NOTE_LO - NOTES) % 12
    return moved
