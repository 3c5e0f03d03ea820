"""The rows of an evaluation: a figure over some clips, what is wanted of it, and of how many clips or answers it could be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from . import hearing, judge, music
from .clips import KINDS, Clip

RANGES = ("below 55", "55 to 67", "above 67", "no pitch")
"""Median pitch of a recording, MIDI: 55 is the G below middle C."""


@dataclass
class Results:
    """What was found of clips so far, by their names."""

    clips: dict[str, Clip] = field(default_factory=dict)
    whole: dict[str, judge.Prompt] = field(default_factory=dict)  # measures of the whole recording
    hearing: dict[str, dict[str, float]] = field(default_factory=dict)
    resynthesis: dict[str, dict[str, float]] = field(default_factory=dict)
    ranges: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    answers: list[judge.Answer] = field(default_factory=list)
    truths: list[judge.Answer] = field(default_factory=list)


# name: (of each clip, key there, how it is summed up, wanted, whether at most that)
_CLIPS = {
    "pitch heard within 50 cents, worst clip": ("hearing", "within_50_cents", "least", 0.98, False),
    "pitch heard within 50 cents": ("hearing", "within_50_cents", "mean", None, False),
    "octave errors, worst clip": ("hearing", "octave_errors", "most", 0.01, True),
    "octave errors that the partials confirm, worst clip": ("hearing", "octave_errors_by_partials", "most", 0.01, True),
    "pitch heard within 50 cents of what is known": ("hearing", "right", "mean", None, False),
    "voiced where the tracker is sure": ("hearing", "voiced", "mean", None, False),
    "notes against labels, F": ("hearing", "note_f", "mean", 0.8, False),
    "onsets against labels, F": ("hearing", "onset_f", "mean", None, False),
    "strokes against labels, F": ("hearing", "stroke_f", "mean", None, False),
    "resynthesis, mel distance dB": ("resynthesis", "mel_db", "mean", 4.0, True),
    "resynthesis, pitch within 50 cents": ("resynthesis", "pitch_within_50_cents", "mean", 0.995, False),
    "resynthesis, ViSQOL": ("resynthesis", "visqol", "mean", None, False),
    "resynthesis, timbre nearest": ("resynthesis", "timbre_nearest", "share", None, False),
}
# What there is to reach: people among themselves, and the tracker itself where the pitch is known.
_CEILINGS = {
    "notes against labels, F": ("people_agree", "note_f"),
    "pitch heard within 50 cents": ("tracker_right", "within_50_cents"),
}
LABELS = {
    "in_key": "notes in the prompt's key", "register": "median pitch within 5 semitones of the prompt's",
    "onset rate": "onset rate 0.5 to 2 times the prompt's", "silence": "silence 3 to 40 % of the time",
    "motif reuse": "motif reuse: interval 3-grams that the prompt has", "no loop over 4 s": "no exact loop over 4 s",
    "timbre nearest": "timbre nearest to its own prompt's", "seam": "step and flux at the seam as in the prompt",
    "unpitched in kind": "percussion answered by percussion",
    "vibrato_hz in its prompt's range": "vibrato rate in the prompt's range",
    "vibrato_cents in its prompt's range": "vibrato depth in the prompt's range",
    "glides in its prompt's range": "share of glides in the prompt's range",
    "loudness_range_db in its prompt's range": "loudness range in the prompt's range",
    "noise_db in its prompt's range": "breath in the prompt's range",
}  # fmt: skip
"""What a row is called on the page and in the card, where its name is short."""
_SUMS: dict[str, Callable] = {"mean": np.mean, "share": np.mean, "least": np.min, "most": np.max}
# name: (stage, figure of its export, wanted at most)
_BUNDLE = {
    "note model, nats a note": ("notes", "onset_and_pitch_nats", 2.3),
    "note model without the match model, nats a note": ("notes", "onset_and_pitch_nats_without_match", 3.6),
}


def of_clips(results: Results, names: list[str]) -> dict[str, dict]:
    """The rows of what is heard and sounded again, over some clips."""
    rows = {}
    for row, (part, key, how, wanted, most) in _CLIPS.items():
        values = {name: getattr(results, part).get(name, {}).get(key, np.nan) for name in names}
        said = {name: float(value) for name, value in values.items() if np.isfinite(value)}
        rows[row] = _row(list(said.values()), how, wanted) | ({"most": True} if most else {})
        if how in ("least", "most") and said:
            rows[row]["clip"] = (min if how == "least" else max)(said, key=said.get)
    drums = [name for name in names if results.clips[name].kind == "percussion" and name in results.hearing]
    wrong = [results.hearing[name]["notes_a_second"] for name in drums]
    return rows | {"notes heard in percussion, a second": _row(wrong, "mean", None)}


def _row(values: list[float], how: str, wanted: float | None) -> dict:
    return {"figure": float(_SUMS[how](values)) if values else np.nan, "how": how, "wanted": wanted, "of": len(values)}


def of_answers(results: Results, names: list[str]) -> dict[str, dict]:
    """The rows of the answers to some clips; beside them, where recordings go on long enough, how these themselves fare.

    `truth` of a row: the figure of the recordings going on, of how many, and what our answers to these same clips have.
    """
    answers = [one for one in results.answers if one.clip in names]
    truths = [one for one in results.truths if one.clip in names]
    rows, real = judge.sums(answers, results.ranges), judge.sums(truths, results.ranges)
    beside = judge.sums([one for one in answers if one.clip in {truth.clip for truth in truths}], results.ranges)
    for row in rows:
        rows[row]["truth"] = {"figure": real[row]["figure"], "of": real[row]["of"], "ours": beside[row]["figure"]}
    return rows


def rows(results: Results, held: bool) -> dict[str, dict]:
    """All rows over one set of clips, recordings or held-out renders."""
    names = [name for name, clip in results.clips.items() if clip.held == held]
    found = of_clips(results, names) | of_answers(results, names)
    for row, (ceiling, ours) in _CEILINGS.items():
        both = [results.hearing[name] for name in names if ceiling in results.hearing.get(name, {})]
        if both:
            reach, got = (float(np.mean([one[key] for one in both])) for key in (ceiling, ours))
            found[row]["truth"] = {"figure": reach, "of": len(both), "ours": got}
    return found


def aims(results: Results, holds: list[dict], manifest: dict) -> dict[str, dict]:
    """The one table: a row a figure, over the recordings; over the held-out set beside it in `held`, where there is one."""
    table = rows(results, held=False)
    if any(clip.held for clip in results.clips.values()):
        for row, other in rows(results, held=True).items():
            table[row]["held"] = {key: other[key] for key in ("figure", "of", "clip", "truth") if key in other}
    table["notes are settled after, ms"] = {"figure": 1000 * hearing.LAG_S, "how": "stated", "wanted": 120.0, "of": 1, "most": True}
    for row, (stage, key, wanted) in _BUNDLE.items():
        figure = manifest.get("figures", {}).get(stage, {}).get(key)
        if isinstance(figure, int | float):
            table[row] = {"figure": float(figure), "how": "held-out melodies", "wanted": wanted, "of": 1, "most": True}
    for row in holds[0]["stays"] if holds else ():
        said = [hold["stays"][row] for hold in holds if hold["stays"][row] is not None]
        table[f"hold: {row} stays"] = _row(said, "share", 1.0)
    if holds:
        kept = [all(value is not False for value in hold["stays"].values()) for hold in holds]
        table["hold: nothing drifts"] = _row(kept, "share", 1.0)
    return table


def met(row: dict) -> bool | None:
    """Whether a row reaches what is wanted of it; None where nothing is, or where nothing can be said."""
    if row["wanted"] is None or row["figure"] is None or not np.isfinite(row["figure"]):
        return None
    return row["figure"] <= row["wanted"] if row.get("most") else row["figure"] >= row["wanted"]


def range_of(whole: judge.Prompt) -> str:
    """One of RANGES for a recording."""
    if len(whole.pitches) < 10:
        return RANGES[3]
    middle = np.median(whole.pitches)
    return RANGES[0] if middle < 55 else RANGES[1] if middle <= 67 else RANGES[2]


def splits(results: Results) -> dict[str, dict[str, dict[str, dict]]]:
    """Who fares worse: for either set, by class, pitch range and scale family, the clips of each group and their figures.

    {set: {what it is split by: {group: {"clips": names, "rows": {row: [figure, of]}}}}}
    """
    ways = {
        "class": (KINDS, lambda name: results.clips[name].kind),
        "pitch range": (RANGES, lambda name: range_of(results.whole[name])),
        "scale family": (music.FAMILIES, lambda name: family_of(results.whole[name])),
    }
    found: dict = {}
    for held in (False, True):
        names = [name for name, clip in results.clips.items() if clip.held == held and name in results.resynthesis]
        for way, (groups, of) in ways.items() if names else ():
            placed = {name: of(name) for name in names}
            for group in groups:
                inside = [name for name in names if placed[name] == group]
                if inside:
                    rows = of_clips(results, inside) | of_answers(results, inside)
                    figures = {row: [one["figure"], one["of"]] for row, one in rows.items()}
                    ways_of_set = found.setdefault("held" if held else "clips", {})
                    ways_of_set.setdefault(way, {})[group] = {"clips": inside, "rows": figures}
    return found


def family_of(whole: judge.Prompt) -> str:
    """One of music.FAMILIES for a recording."""
    return music.family(whole.notes, music.tuning(whole.pitches))
