"""Answers as the chain gives them, before any mark: what the benchmarks of the mark are made on.

A recording is heard in full, then answered for a minute by the chain itself, hop by hop, which is what the mark is given on
stage. The answers are kept as WAV files in a folder and taken from there the next time.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from antiphon.latency import HOP
from antiphon.params import REGISTRY
from antiphon.train import clips
from record import note

RATE = 48_000
CLASSES = ("instrument", "sung", "sparse")
LISTENED_S = 12.0  # of a recording, at most
_ROOM = 1e-4


@dataclass(frozen=True)
class Kind:
    """A recording's name, which class its answer is of, the rows that are set, and `rest_s`: silence after each answer of
    `answer_s`, 0: one answer without end."""

    clip: str
    kind: str
    values: tuple[tuple[str, float], ...] = ()
    answer_s: float = 0.0
    rest_s: float = 0.0


KINDS = (
    Kind("05_sms_sax-phrase", "instrument"),
    Kind("06_sms_cello-phrase", "instrument"),
    Kind("10_sms_flute-A4", "instrument"),
    Kind("12_sms_trumpet-A4", "instrument"),
    Kind("00_sms_singing-female", "sung"),
    Kind("22_basic_vocadito-10", "sung"),
    Kind("24_mirdata_vocadito-1", "sung"),
    Kind("34_wavs_voice", "sung"),
    Kind("05_sms_sax-phrase", "sparse", (("density", 0.25),), answer_s=2.5, rest_s=2.0),
    Kind("00_sms_singing-female", "sparse", answer_s=2.0, rest_s=1.5),
    Kind("06_sms_cello-phrase", "sparse", (("density", 0.25),), answer_s=3.0, rest_s=2.0),
    Kind("16_sms_mridangam", "sparse"),
)


@dataclass(frozen=True)
class Item:
    """One answer: its name, its class, the unmarked voice and the performer's own sound gone on for as long, (frames,) float32."""

    name: str
    kind: str
    voice: np.ndarray
    dry: np.ndarray


def answer(heard: np.ndarray, seconds: float, seed: int, bundle: str, kind: Kind) -> np.ndarray:
    """Voice of `seconds` after (frames,) `heard`, both at 48 kHz: (frames,) float32, whole hops."""
    from antiphon.chain import build  # the whole instrument, where an answer is made and not read

    chain, params = build(bundle, seed), np.array(REGISTRY.step_defaults())
    rest = kind.rest_s > 0
    for path, value in {"mode": "answer" if rest else "hold", "phrase_gap_s": 5.0, "yield": False,
                        **({"answer_s": kind.answer_s} if rest else {}), **dict(kind.values)}.items():  # fmt: skip
        REGISTRY.put(params, path, REGISTRY.accept(path, value))
    for hop in heard[: len(heard) // HOP * HOP].astype(np.float32).reshape(-1, HOP):
        chain.step(hop, params)
    room, trigger, silent, voice = np.random.default_rng(seed), REGISTRY.step_index("trigger"), 0.0, []
    params[trigger] += 1
    for _ in range(round(seconds * RATE / HOP)):
        voice.append(chain.step((_ROOM * room.standard_normal(HOP)).astype(np.float32), params).copy())
        silent = 0.0 if chain.performer.answering else silent + HOP / RATE
        if rest and silent >= kind.rest_s:
            params[trigger] += 1
            silent = 0.0
    return np.concatenate(voice)


def items(folder: Path, cache: Path, seconds: float = 60.0, bundle: str = "hum", seed: int = 1) -> list[Item]:
    """All answers to the recordings in `folder`, made where `cache` has none of these settings. Raises UsageError where a recording
    is missing."""
    cache.mkdir(parents=True, exist_ok=True)
    made = []
    for kind in KINDS:
        sound = clips.read(folder / f"{kind.clip}.wav").astype(np.float32)
        name = f"{kind.kind} {kind.clip}"
        path = cache / f"{name.replace(' ', '-')}-{zlib.crc32(repr((kind, seconds, bundle, seed)).encode()):08x}.wav"
        if not path.exists():
            voice = answer(sound[: round(LISTENED_S * RATE)], seconds, seed, bundle, kind)
            soundfile.write(path, voice, RATE, subtype="FLOAT")
            note(f"{name}: {len(voice) / RATE:.0f} s, sounding for {sounding_s(voice):.0f} s")
        voice, _ = soundfile.read(path, dtype="float32")
        made.append(Item(name, kind.kind, voice, np.resize(sound, len(voice))))
    return made


def sounding_s(voice: np.ndarray, least_db: float = -60.0) -> float:
    """For how long (frames,) voice is above a level, in s, hop by hop."""
    hops = voice[: len(voice) // HOP * HOP].reshape(-1, HOP)
    return float((np.sqrt((hops.astype(np.float64) ** 2).mean(axis=1)) > 10 ** (least_db / 20)).sum()) * HOP / RATE
