"""Judge a bundle on recordings: what it hears, how it sounds them again, and what its answers are like.

    python -m antiphon.train.evaluate CLIP... --bundle hum --seeds 5 --out FOLDER [--hold-s 600]

Of each clip the first `--prompt-s` seconds, to the end of a note, are answered, once for each seed. Everything is judged from
outside (`music`: swift-f0's pitch, not our tokenizer's; ViSQOL beside our own mel distance). FOLDER gets figures.json,
index.html with pictures and players, and kit.html for listening blind, all written anew after each clip. Needs the [train]
extra. The clips must not be those trained on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..errors import AntiphonError, UsageError
from ..latency import HOP, MODEL_RATE
from . import judge, kit, music, page

LEAST_S = 1.0
"""Shorter clips are not judged."""


def opening(sound: np.ndarray, seconds: float) -> np.ndarray:
    """The first `seconds` of a recording, cut at the quietest 20 ms of their last fifth: performers stop between notes."""
    whole = round(seconds * MODEL_RATE)
    if len(sound) <= whole:
        return sound
    levels = music.levels_db(sound[:whole], MODEL_RATE)
    first = round(0.8 * len(levels))
    return sound[: HOP * (first + int(levels[first:].argmin()) + 1)]


def read(path: Path) -> np.ndarray:
    """A recording as mono float at 48 kHz. Raises UsageError, one line, where there is none, or less of it than can be judged."""
    try:
        sound, samplerate = soundfile.read(path, always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise UsageError(f"{path}: no recording that can be read ({str(error).splitlines()[0]})") from error
    if len(sound) < LEAST_S * samplerate:
        raise UsageError(f"{path}: {len(sound) / samplerate:.2f} s; at least {LEAST_S:g} s are needed to judge a clip")
    if not np.isfinite(sound).all():
        raise UsageError(f"{path}: holds what is no number")
    return soxr.resample(sound.mean(axis=1), samplerate, MODEL_RATE)


def read_all(paths: list[Path]) -> dict[str, np.ndarray]:
    """Recordings by name, each another: files of one name in two folders are told apart by a number."""
    found: dict[str, np.ndarray] = {}
    for path in paths:
        names = (path.stem if number == 1 else f"{path.stem}-{number}" for number in itertools.count(1))
        found[next(name for name in names if name not in found)] = read(path)
    return found


def save(path: Path, figures: dict) -> None:
    """Write figures as JSON that any reader takes: nan becomes null. Whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(_plain(figures), indent=1, allow_nan=False), encoding="utf-8")
    beside.replace(path)


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def at_least(least: float, kind: type = float) -> Callable[[str], float]:
    """An option's number that must not be less."""

    def number(text: str) -> float:
        value = kind(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"must be at least {least:g}")
        return value

    return number


def run(options: argparse.Namespace) -> dict:
    """Judge all clips, writing as it goes; returns the figures. Raises AntiphonError."""
    whole = read_all(options.clips)
    among = [judge.measure(path.stem, read(path)).timbre for path in options.among]
    options.out.mkdir(parents=True, exist_ok=True)
    prompts = [judge.measure(name, opening(sound, options.prompt_s)) for name, sound in whole.items()]
    timbres = [prompt.timbre for prompt in prompts] + among
    answers, qualities, ranges, holds, trials = [], {}, {}, [], []

    def write() -> dict:
        figures = {
            "bundle": options.bundle, "prompt_s": options.prompt_s, "seconds": options.seconds, "seeds": options.seeds,
            "aims": judge.sums(answers, ranges), "resynthesis": qualities, "answers": [asdict(one) for one in answers], "hold": holds,
        }  # fmt: skip
        save(options.out / "figures.json", figures)
        page.index(options.out, figures)
        kit.write(options.out, trials)
        return figures

    for index, prompt in enumerate(prompts):
        name, sound = prompt.name, whole[prompt.name]
        ranges[name] = judge.own_range(prompt.sound)
        made = judge.resynthesise(options.bundle, sound)
        qualities[name] = judge.quality(sound, made)
        own_first = np.array([timbres[index], *timbres[:index], *timbres[index + 1 :]])
        voices = []
        for seed in range(1, options.seeds + 1):
            judged, voice = judge.answer(prompt, options.bundle, seed, options.seconds, own_first)
            answers.append(judged)
            voices.append(voice)
        page.clip(options.out, name, sound, made, prompt.sound, voices)
        versions = kit.versions(sound, prompt.sound, voices)
        trials.append(kit.clip(options.out, index + 1, name, versions, len(prompt.sound) / MODEL_RATE))
        print(name, {k: round(v, 3) for k, v in qualities[name].items()}, flush=True)
        figures = write()
    for seed in (1, 2, 3) if options.hold_s else ():
        holds.append(judge.drift(prompts[0], options.bundle, seed, options.hold_s))
        figures = write()
    return figures


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon.train.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--prompt-s", type=at_least(LEAST_S), default=5.0)
    parser.add_argument("--seconds", type=at_least(LEAST_S), default=15.0, help="length of an answer")
    parser.add_argument("--seeds", type=at_least(1, int), default=5, help="answers a clip")
    parser.add_argument("--hold-s", type=at_least(0.0), default=0.0,
                        help="also hold for so long, from the first clip, three seeds (10 to 600; 0: not)")  # fmt: skip
    parser.add_argument("--among", nargs="*", type=Path, default=[], help="further recordings that a timbre is told from")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if 0 < options.hold_s < 10:
        parser.error("--hold-s must be 0, or 10 at least")
    try:
        figures = run(options)
    except AntiphonError as error:
        print(f"antiphon.train.evaluate: {error}", file=sys.stderr)
        return 2
    for name, row in figures["aims"].items():
        print(f"{name}: {row['figure']:.3f} ({row['how']} of {row['of']}, wanted {row['wanted']})")
    print(f"wrote {options.out / 'index.html'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
