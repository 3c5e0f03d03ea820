"""What is measured of a prompt and of the answers to it, and what is wanted of them; from outside (`music`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..chain import build
from ..latency import HOP, MODEL_RATE
from ..render import carry_on
from . import music

_WINDOW_S = 2.0
_LEAST_VOICED_S = 0.3  # of a window, or it says nothing of expression
UNPITCHED = 0.1
"""A prompt with less of its time voiced than this has no pitch: it is to be answered in kind, with less than ANSWER_UNPITCHED."""
ANSWER_UNPITCHED = 0.2
TRUTH_S = 4.0
"""A recording that goes on for so long after its opening is judged as an answer to it."""
_SILENT, _SILENT_SHARE = 1e-3, 0.99


@dataclass(frozen=True)
class Answer:
    """One answer beside its prompt. nan: cannot be said of this prompt (no pitch, no key, too short).

    Seed 0 is the recording itself going on. Measures of EXPRESSION are medians over windows of two seconds.
    """

    clip: str
    seed: int
    finite: bool
    peak: float
    limited: float
    voiced: float
    prompt_voiced: float
    in_key: float
    register_st: float
    onset_ratio: float
    silence: float
    reuse: float
    loop_s: float
    seam_step: float
    seam_flux: float
    vibrato_hz: float
    vibrato_cents: float
    glides: float
    loudness_range_db: float
    noise_db: float
    timbre_rank: int
    timbre_among: int

    @property
    def silent(self) -> bool:
        """Whether there is nothing to judge: what says nothing neither loops nor clicks."""
        return not (self.peak > _SILENT and self.silence < _SILENT_SHARE)

    @property
    def in_kind(self) -> bool:
        """Whether it answers a prompt without pitch as it should: without pitch, and not with silence."""
        return not self.silent and self.voiced < ANSWER_UNPITCHED


@dataclass(frozen=True)
class Prompt:
    """What was measured of a prompt."""

    name: str
    sound: np.ndarray
    track: music.Track
    notes: list[music.Heard]
    loud_db: float
    timbre: np.ndarray

    @property
    def pitches(self) -> np.ndarray:
        """Voiced pitches of the track, MIDI semitones."""
        return self.track.pitch[self.track.voiced]


AIMS = {
    "in_key": (lambda a: a.in_key, "mean", 0.97),
    "register": (lambda a: abs(a.register_st) <= 5 if np.isfinite(a.register_st) else np.nan, "share", 0.9),
    "onset rate": (lambda a: 0.5 <= a.onset_ratio <= 2 if np.isfinite(a.onset_ratio) else np.nan, "share", 0.95),
    "silence": (lambda a: 0.03 <= a.silence <= 0.4, "share", 1.0),
    "motif reuse": (lambda a: a.reuse, "mean", 0.6),
    "no loop over 4 s": (lambda a: np.nan if a.silent else a.loop_s <= 4.0, "share", 1.0),
    "timbre nearest": (lambda a: a.timbre_rank == 1 if a.timbre_rank else np.nan, "share", 0.9),
    "seam": (lambda a: np.nan if a.silent else a.seam_step <= 1 and not a.seam_flux > 1, "share", 1.0),
    "unpitched in kind": (lambda a: a.in_kind if a.prompt_voiced < UNPITCHED else np.nan, "share", None),
}
"""What issue and model card ask of the answers: a value of each, how they are added up, and the least wanted, where a number is."""
EXPRESSION = {"vibrato_hz": 0.5, "vibrato_cents": 10.0, "glides": 0.05, "loudness_range_db": 3.0, "noise_db": 3.0}
"""Measures that should lie in the range that the prompt's own two-second windows span, and what is added to it."""


def measure(name: str, sound: np.ndarray) -> Prompt:
    """Measure (frames,) sound at 48 kHz."""
    line = music.track(sound, MODEL_RATE)
    loud = float(np.percentile(music.levels_db(sound, MODEL_RATE), 95)) if len(sound) > HOP else -120.0
    return Prompt(name, sound, line, music.notes(line), loud, music.timbre(sound, MODEL_RATE, line))


def expression(sound: np.ndarray, line: music.Track) -> dict[str, float]:
    """The measures of EXPRESSION for (frames,) sound at 48 kHz and its track; all nan with less than 0.3 s of pitch."""
    if line.voiced.sum() * line.step_s < _LEAST_VOICED_S:
        return dict.fromkeys(EXPRESSION, np.nan)
    hertz, cents = music.vibrato(line, music.notes(line))
    levels = music.levels_db(sound, MODEL_RATE)
    at = np.minimum((line.at[line.voiced] * 50).astype(int), len(levels) - 1)
    spread = float(np.subtract(*np.percentile(levels[at], [90, 10])))
    return {"vibrato_hz": hertz, "vibrato_cents": cents, "glides": music.glide_share(line), "loudness_range_db": spread,
            "noise_db": music.noise_db(sound, MODEL_RATE, line)}


def expressions(sound: np.ndarray, line: music.Track) -> dict[str, list[float]]:
    """The measures over windows of two seconds, half overlapping, of sound and its track; only what can be said.

    A whole answer is no longer than a prompt's window for this: a loudness range grows with the time it is looked for in.
    """
    size, step = int(_WINDOW_S * MODEL_RATE), int(_WINDOW_S * MODEL_RATE / 2)
    found = []
    for at in range(0, max(1, len(sound) - size + 1), step):
        inside = (line.at >= at / MODEL_RATE) & (line.at < (at + size) / MODEL_RATE)
        window = music.Track(line.at[inside] - at / MODEL_RATE, line.pitch[inside], line.voiced[inside])
        found.append(expression(sound[at : at + size], window))
    return {name: [window[name] for window in found if np.isfinite(window[name])] for name in EXPRESSION}


def own_range(prompt: Prompt) -> dict[str, tuple[float, float]]:
    """Least and most of each measure over the windows of a prompt, widened by EXPRESSION."""
    found = expressions(prompt.sound, prompt.track)
    return {name: (min(found[name]) - slack, max(found[name]) + slack) if found[name] else (np.nan, np.nan)
            for name, slack in EXPRESSION.items()}  # fmt: skip


def answer(prompt: Prompt, bundle: str, seed: int, seconds: float, others: np.ndarray) -> tuple[Answer, np.ndarray]:
    """Let the bundle answer, and judge it. `others` are the timbres to be told from, (n, 40), the prompt's own first."""
    voice, status, _ = carry_on(prompt.sound[:, None].astype(np.float32), MODEL_RATE, seconds, seed, bundle, {})
    voice = voice[:, 0].astype(np.float64)
    limited = getattr(status, "limited_frames", 0) / len(voice)
    return judged(prompt, voice, seed, others, prompt.sound, limited), voice


def truth(prompt: Prompt, sound: np.ndarray, seconds: float, others: np.ndarray) -> Answer | None:
    """Judge how the recording (frames,) itself goes on after its opening, as if it were an answer; None where that is too short."""
    rest = sound[len(prompt.sound) :][: round(seconds * MODEL_RATE)]
    if len(rest) < TRUTH_S * MODEL_RATE:
        return None
    return judged(prompt, rest, 0, others, sound[: len(prompt.sound)])


def judged(prompt: Prompt, voice: np.ndarray, seed: int, others: np.ndarray, before: np.ndarray, limited: float = 0.0) -> Answer:
    """Judge (frames,) at 48 kHz as an answer to a prompt; `before` is what is heard up to it, at the seam."""
    line = music.track(voice, MODEL_RATE)
    found, pitches = music.notes(line), line.pitch[line.voiced]
    offset = music.tuning(prompt.pitches)
    key = music.key(prompt.notes, offset)
    in_key = [round(note.pitch - offset) % 12 in key for note in found] if key else []
    rate = lambda notes, sound: len(notes) / (len(sound) / MODEL_RATE)  # noqa: E731
    step, flux = music.seam(np.concatenate([before, voice]), MODEL_RATE, len(before))
    windows = {name: float(np.median(values)) if values else np.nan for name, values in expressions(voice, line).items()}
    return Answer(
        clip=prompt.name, seed=seed, finite=bool(np.isfinite(voice).all()), peak=float(np.abs(voice).max()), limited=limited,
        voiced=line.voiced_share, prompt_voiced=prompt.track.voiced_share, in_key=float(np.mean(in_key)) if in_key else np.nan,
        register_st=float(np.median(pitches) - np.median(prompt.pitches)) if len(pitches) and len(prompt.pitches) else np.nan,
        onset_ratio=rate(found, voice) / rate(prompt.notes, prompt.sound) if len(prompt.notes) > 2 else np.nan,
        silence=music.silence_share(voice, MODEL_RATE, prompt.loud_db), reuse=music.reuse(prompt.notes, found),
        loop_s=music.longest_loop_s(found), seam_step=step, seam_flux=flux,
        timbre_rank=rank(music.timbre(voice, MODEL_RATE, line), others),
        timbre_among=int(np.isfinite(others).all(axis=1).sum()), **windows,
    )  # fmt: skip


def rank(timbre: np.ndarray, others: np.ndarray) -> int:
    """Place of the first of `others` (n, 40) among them by distance to `timbre` (40,); 0 where it can't be said."""
    if not np.isfinite(timbre).all() or not np.isfinite(others[0]).all() or len(others) < 2:
        return 0
    usable = others[np.isfinite(others).all(axis=1)]
    distance = np.linalg.norm((usable - timbre) / (usable.std(axis=0) + 1e-6), axis=1)
    return 1 + int((distance < distance[0]).sum())


def resynthesise(bundle: str, sound: np.ndarray) -> np.ndarray:
    """Sound through tokenizer, encoder and decoder and back, hop by hop as on stage: (frames,) at 48 kHz."""
    chain = build(bundle, 1)
    out = []
    for hop in sound[: len(sound) // HOP * HOP].astype(np.float32).reshape(-1, HOP):
        out.append(chain.resound(hop).copy())
    return np.concatenate(out).astype(np.float64)


def quality(original: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """Mel distance dB, pitch agreement by swift-f0, ViSQOL (audio mode, 1 .. 5) of a resynthesis at 48 kHz."""
    import torch
    from visqol import VisqolApi

    from .codec import mel_distance_db

    original = original[: len(made)]
    one, two = music.track(original, MODEL_RATE), music.track(made, MODEL_RATE)
    sure = one.voiced
    near = np.abs(one.pitch - two.pitch[: len(one.pitch)])[sure] < 0.5
    judge = VisqolApi()
    judge.create(mode="audio")
    score = judge.measure_from_arrays(original, made, sample_rate=MODEL_RATE).moslqo
    as_tensor = lambda x: torch.tensor(x, dtype=torch.float32)[None]  # noqa: E731
    return {"mel_db": mel_distance_db(as_tensor(made), as_tensor(original)), "visqol": float(score),
            "pitch_within_50_cents": float(near.mean()) if sure.sum() > 5 else np.nan}


def sums(answers: list[Answer], ranges: dict[str, dict[str, tuple[float, float]]]) -> dict[str, dict[str, float]]:
    """Each aim's figure over all answers, what is wanted, and how many answers it could be said of."""
    figures = {}
    for name, (value, how, wanted) in AIMS.items():
        values = np.array([value(one) for one in answers], float)
        said = values[np.isfinite(values)]
        figures[name] = {"figure": float(said.mean()) if len(said) else np.nan, "how": how, "wanted": wanted, "of": len(said)}
    for name in EXPRESSION:
        inside = [low <= getattr(one, name) <= high for one in answers for low, high in [ranges[one.clip][name]]
                  if not one.silent and np.isfinite([low, getattr(one, name)]).all()]
        share = float(np.mean(inside)) if inside else np.nan
        figures[f"{name} in its prompt's range"] = {"figure": share, "how": "share", "wanted": 0.8, "of": len(inside)}
    return figures
