"""Whether a hold of minutes stays what it was: register, level, key, breathing and variety in each tenth of it."""

from __future__ import annotations

import numpy as np

from ..latency import MODEL_RATE
from ..render import carry_on
from . import music
from .judge import Prompt

PARTS = 10
REGISTER_ST, LEVEL_DB, SILENCE, KEY, LOOP_S = 5.0, 6.0, (0.03, 0.40), 0.9, 4.0
ENTROPY_BITS = 0.75
"""How far the entropy of a tenth's pitch classes may lie from that of the whole: less is a note that stuck, more is noise."""
LONGEST_S = 600.0  # an answer's own


def hold(prompt: Prompt, bundle: str, seed: int, seconds: float) -> dict:
    """Hold for `seconds`, at most LONGEST_S, and measure it as `measure` does."""
    voice, status, _ = carry_on(prompt.sound[:, None].astype(np.float32), MODEL_RATE, min(seconds, LONGEST_S), seed, bundle, {})
    figures = measure(prompt, voice[:, 0].astype(np.float64))
    figures["limited"] = getattr(status, "limited_frames", 0) / len(voice)
    return {"clip": prompt.name, "seed": seed, "seconds": len(voice) / MODEL_RATE, **figures, "stays": stays(figures)}


def measure(prompt: Prompt, voice: np.ndarray) -> dict:
    """Of each tenth of (frames,) at 48 kHz: register against the prompt, level, silence, notes, breath, key, entropy, loops."""
    parts = np.array_split(voice, PARTS)
    lines = [music.track(part, MODEL_RATE) for part in parts]
    heard = [music.notes(line) for line in lines]
    middle = float(np.median(prompt.pitches)) if len(prompt.pitches) else np.nan
    offset = music.tuning(prompt.pitches)
    key = music.key(prompt.notes, offset)
    own = music.tuning(np.concatenate([line.pitch[line.voiced] for line in lines]))
    inside = lambda notes: [round(note.pitch - offset) % 12 in key for note in notes] if key else []  # noqa: E731
    return {
        "register_st": [float(np.median(line.pitch[line.voiced]) - middle) if line.voiced.any() else np.nan for line in lines],
        "loud_db": [float(np.percentile(music.levels_db(part, MODEL_RATE), 95)) for part in parts],
        "silence": [music.silence_share(part, MODEL_RATE, prompt.loud_db) for part in parts],
        "notes_a_second": [len(notes) * MODEL_RATE / len(part) for notes, part in zip(heard, parts, strict=True)],
        "noise_db": [music.noise_db(part, MODEL_RATE, line) for part, line in zip(parts, lines, strict=True)],
        "in_key": [float(np.mean(inside(notes))) if inside(notes) else np.nan for notes in heard],
        "entropy_bits": [music.entropy_bits(notes, own) for notes in heard],
        "entropy_whole": music.entropy_bits([note for notes in heard for note in notes], own),
        "loop_s": [music.longest_loop_s(notes) for notes in heard],
        "peak": [float(np.abs(part).max()) for part in parts],
    }  # fmt: skip


def stays(figures: dict) -> dict[str, bool | None]:
    """What of a hold's figures stays within its bounds in every tenth; None where it can't be said of this prompt."""
    of = {name: np.array(values, float) for name, values in figures.items() if isinstance(values, list)}
    within = lambda values, low, high: bool(((values >= low) & (values <= high)).all())  # noqa: E731
    register, key, entropy = of["register_st"], of["in_key"], of["entropy_bits"] - figures["entropy_whole"]
    unpitched = bool(np.isnan(register).all())
    return {
        "register": None if unpitched else within(register, -REGISTER_ST, REGISTER_ST),
        "level": within(of["loud_db"] - of["loud_db"][0], -LEVEL_DB, LEVEL_DB),
        "silence": within(of["silence"], *SILENCE),
        "key": None if np.isnan(key).all() else within(key, KEY, 1.0),
        "entropy": None if unpitched else within(entropy, -ENTROPY_BITS, ENTROPY_BITS),
        "loop": within(of["loop_s"], 0.0, LOOP_S),
        "range": bool((of["peak"] < 1.0).all()) and figures.get("limited", 0.0) == 0.0,
    }
