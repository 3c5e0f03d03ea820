"""Judge a bundle on recordings: what it hears, how it sounds them again, and what its answers are like.

    antiphon train evaluate CLIP|FOLDER... --bundle hum --seeds 5 --out FOLDER [--held SHARDS] [--hold-s 600]

Of each clip the first `--prompt-s` seconds, to the end of a note, are answered, once for each seed; where the recording goes on
for long enough, it is judged as an answer itself, to know what can be reached. Everything is judged from outside (`music`:
swift-f0's pitch, not our tokenizer's; ViSQOL beside our own mel distance). `--held` judges held-out renders too. FOLDER gets
figures.json, index.html with pictures and players, and kit.html for listening blind, all written anew after each clip. Needs
the [train] extra. The clips must not be those trained on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..errors import AntiphonError
from ..latency import MODEL_RATE
from ..model.bundle import Bundle
from ..model.tokenizer import Tokenizer
from . import clips, hearing, hold, judge, kit, page, table
from .clips import LEAST_S, Clip

HELD_SHOWN = 1
"""Answers to a held-out render that are kept to be looked at; of recordings all are."""


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


def rivals(prompts: list[judge.Prompt], found: list[Clip], index: int, among: list[np.ndarray]) -> np.ndarray:
    """Timbres (n, 40) that a prompt's is told from, its own first: one of each other source, and those of `among`."""
    others = {clip.source: prompt.timbre for clip, prompt in zip(reversed(found), reversed(prompts), strict=True)}
    others.pop(found[index].source)
    return np.array([prompts[index].timbre, *reversed(others.values()), *among])


def run(options: argparse.Namespace) -> dict:
    """Judge all clips, writing as it goes; returns the figures. Raises AntiphonError."""
    bundle = Bundle.open(options.bundle)
    found = clips.recordings(options.clips) + (clips.held_out(options.held, options.held_clips) if options.held else [])
    among = [judge.measure(path.stem, clips.read(path)).timbre for path in clips.find(options.among)]
    options.out.mkdir(parents=True, exist_ok=True)
    prompts = [judge.measure(clip.name, clips.opening(clip.sound, options.prompt_s)) for clip in found]
    tokenizer = Tokenizer(bundle.graph("tokenizer"))
    results, holds, trials = table.Results({clip.name: clip for clip in found}), [], []

    def write() -> dict:
        figures = _figures(options, bundle, results, holds)
        save(options.out / "figures.json", figures)
        page.index(options.out, figures)
        kit.write(options.out, trials)
        return figures

    for index, (clip, prompt) in enumerate(zip(found, prompts, strict=True)):
        name, sound = clip.name, clip.sound
        own_first = rivals(prompts, found, index, among)
        results.whole[name] = judge.measure(name, sound)
        results.hearing[name] = hearing.judge(tokenizer, sound, clip.labels, clip.pitch)
        results.ranges[name] = judge.own_range(prompt)
        made = judge.resynthesise(options.bundle, sound)
        again = judge.measure(name, made[: len(prompt.sound)])
        place = judge.rank(again.timbre, own_first)
        results.resynthesis[name] = judge.quality(sound, made) | {"timbre_nearest": float(place == 1) if place else np.nan}
        real = judge.truth(prompt, sound, options.seconds, own_first)
        results.truths += [real] if real else []
        voices = []
        for seed in range(1, options.seeds + 1):
            judged, voice = judge.answer(prompt, options.bundle, seed, options.seconds, own_first)
            results.answers.append(judged)
            voices.append(voice)
        page.clip(options.out, name, sound, made, prompt.sound, voices[:HELD_SHOWN] if clip.held else voices)
        if not clip.held:
            versions = kit.versions(sound, prompt.sound, voices)
            trials.append(kit.clip(options.out, index + 1, name, versions, len(prompt.sound) / MODEL_RATE))
        print(f"{index + 1} of {len(found)}: {name}", {k: round(v, 3) for k, v in results.resynthesis[name].items()}, flush=True)
        figures = write()
    melodic = next((prompt for prompt in prompts if len(prompt.notes) > 2), prompts[0])
    for seed in (1, 2, 3) if options.hold_s else ():
        holds.append(hold.hold(melodic, options.bundle, seed, options.hold_s))
        print(f"hold of {holds[-1]['seconds']:.0f} s, seed {seed}:", holds[-1]["stays"], flush=True)
        figures = write()
    return figures


def _figures(options: argparse.Namespace, bundle: Bundle, results: table.Results, holds: list[dict]) -> dict:
    known = {
        name: {"held": clip.held, "class": clip.kind, "source": clip.source, "seconds": round(len(clip.sound) / MODEL_RATE, 2),
               "range": table.range_of(results.whole[name]), "family": table.family_of(results.whole[name])}
        for name, clip in results.clips.items() if name in results.resynthesis
    }  # fmt: skip
    return {
        "bundle": bundle.name, "version": bundle.manifest.get("version"), "sha256": bundle.digest(), "graphs": bundle.hashes(),
        "prompt_s": options.prompt_s, "seconds": options.seconds, "seeds": options.seeds,
        "aims": table.aims(results, holds, bundle.manifest), "splits": table.splits(results), "clips": known,
        "hearing": results.hearing, "resynthesis": results.resynthesis, "answers": [asdict(one) for one in results.answers],
        "truth": [asdict(one) for one in results.truths], "hold": holds, "bundle_figures": bundle.manifest.get("figures", {}),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon train evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP|FOLDER",
                        help="recordings; with manifest.tsv and NAME.notes*.csv beside them more can be said")  # fmt: skip
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--prompt-s", type=at_least(LEAST_S), default=5.0)
    parser.add_argument("--seconds", type=at_least(LEAST_S), default=15.0, help="length of an answer")
    parser.add_argument("--seeds", type=at_least(1, int), default=5, help="answers a clip")
    parser.add_argument("--hold-s", type=at_least(0.0), default=0.0,
                        help="also hold for so long, from the first melodic clip, three seeds (10 to 600; 0: not)")  # fmt: skip
    parser.add_argument("--held", type=Path, metavar="FOLDER", help="also judge held-out renders: the folder of held-NNNN.npz")
    parser.add_argument("--held-clips", type=at_least(1, int), default=32, metavar="N", help="how many of them (default: 32)")
    parser.add_argument("--among", nargs="*", type=Path, default=[], help="further recordings that a timbre is told from")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if 0 < options.hold_s < 10:
        parser.error("--hold-s must be 0, or 10 at least")
    try:
        figures = run(options)
    except AntiphonError as error:
        print(f"antiphon train evaluate: {error}", file=sys.stderr)
        return error.exit_code
    for name, row in figures["aims"].items():
        wanted = f", wanted {'at most ' * row.get('most', False)}{row['wanted']:g}" if row["wanted"] is not None else ""
        print(f"{name}: {row['figure']:.3f} ({row['how']} of {row['of']}{wanted})")
    print(f"wrote {options.out / 'index.html'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
