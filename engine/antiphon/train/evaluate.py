"""Judge a bundle on real recordings: figures per clip, and a picture of every answer to look at.

    python -m antiphon.train.evaluate CLIP... --bundle hum --seconds 15 --seed 1 --out FOLDER

Pitch is tracked by swift-f0, which had no part in training: no figure below comes from our own tokens. Each picture
shows prompt and answer as a log-frequency spectrogram with the independent pitch track over it and the seam marked.
Needs the [train] extra.
"""
from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

PITCH_CONFIDENCE = 0.9  # swift-f0's own default
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""Key profiles of Krumhansl & Kessler (1982)."""
SCALES = {"major": {0, 2, 4, 5, 7, 9, 11}, "minor": {0, 2, 3, 5, 7, 8, 10}}


@dataclass(frozen=True)
class Judgement:
    """What one answer came out as. Shares are of voiced frames unless said otherwise."""

    clip: str
    prompt_exact: bool
    finite: bool
    peak: float
    answer_rms_db: float
    silence_share: float
    in_key_share: float
    register_shift_st: float
    onset_rate_ratio: float
    pitch_drift_st: float
    seam_step_ratio: float
    real_time_factor: float
    same_bytes: bool | None


def pitch_track(audio: np.ndarray, samplerate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (time s, pitch as MIDI number, voiced) of mono float audio by swift-f0."""
    from swift_f0 import SwiftF0

    result = SwiftF0(threads=1, spin=False).detect(audio.astype(np.float32), samplerate)
    hertz = np.asarray(result.pitch_hz)
    pitch = 69 + 12 * np.log2(np.maximum(hertz, 1e-3) / 440)
    return np.asarray(result.timestamps), pitch, (np.asarray(result.confidence) >= PITCH_CONFIDENCE) & (hertz > 0)


def tuning(pitch: np.ndarray) -> float:
    """Return the performer's offset from 440 Hz tuning in semitones, -0.5 .. 0.5 (circular mean)."""
    return float(np.angle(np.exp(2j * np.pi * pitch).mean()) / (2 * np.pi)) if len(pitch) else 0.0


def key_scale(pitch: np.ndarray) -> set[int]:
    """Return the pitch classes of the key that fits a voiced pitch track best (Krumhansl-Schmuckler)."""
    classes = np.bincount(np.round(pitch).astype(int) % 12, minlength=12).astype(float)
    fits = {}
    for mode, profile in (("major", MAJOR), ("minor", MINOR)):
        for tonic in range(12):
            fits[mode, tonic] = np.corrcoef(classes, np.roll(profile, tonic))[0, 1] if classes.std() else 0.0
    mode, tonic = max(fits, key=fits.get)
    return {(tonic + step) % 12 for step in SCALES[mode]}


def note_changes(pitch: np.ndarray, voiced: np.ndarray) -> int:
    """Count note beginnings in a pitch track: voicing starts, and jumps of the 5-frame median above 0.8 semitones."""
    starts, current, run = 0, None, 0
    for value, on in zip(pitch, voiced):
        if not on:
            current, run = None, 0
            continue
        if current is None or abs(value - current) > 0.8:
            run += 1
            if run >= 3:
                starts, current, run = starts + 1, value, 0
        else:
            current, run = 0.8 * current + 0.2 * value, 0
    return starts


def judge(clip: str, prompt: np.ndarray, whole: np.ndarray, samplerate: int, **known) -> Judgement:
    """Judge one answer. prompt: (frames,), whole: prompt followed by answer, (frames,), both mono float."""
    frames = len(prompt)
    answer = whole[frames:]
    _, heard, heard_on = pitch_track(prompt, samplerate)
    _, played, played_on = pitch_track(answer, samplerate)
    offset = tuning(heard[heard_on])
    scale = key_scale(heard[heard_on] - offset) if heard_on.any() else set(range(12))
    notes = played[played_on] - offset
    in_key = np.isin(np.round(notes).astype(int) % 12, list(scale)).mean() if len(notes) else np.nan
    hop = int(0.02 * samplerate)
    levels = answer[: len(answer) // hop * hop].reshape(-1, hop).std(axis=1)
    active = prompt[: frames // hop * hop].reshape(-1, hop).std(axis=1)
    quiet = 10 ** (-40 / 20) * np.percentile(active, 95) if len(active) else 1e-4
    half = len(notes) // 2
    near = np.abs(np.diff(whole[max(0, frames - samplerate): frames + samplerate]))
    seam = np.abs(np.diff(whole[frames - 2: frames + 3])).max() if frames > 2 else 0.0
    rate = lambda p, on, audio: note_changes(p, on) / (len(audio) / samplerate)  # noqa: E731
    return Judgement(
        clip=clip,
        finite=bool(np.isfinite(whole).all()),
        peak=float(np.abs(answer).max()),
        answer_rms_db=float(20 * np.log10(answer.std() + 1e-9)),
        silence_share=float((levels < quiet).mean()),
        in_key_share=float(in_key),
        register_shift_st=float(np.median(notes) + offset - np.median(heard[heard_on])) if len(notes) and heard_on.any() else np.nan,
        onset_rate_ratio=float(rate(played, played_on, answer) / max(rate(heard, heard_on, prompt), 1e-3)),
        pitch_drift_st=float(np.median(notes[half:]) - np.median(notes[:half])) if half else np.nan,
        seam_step_ratio=float(seam / (np.quantile(near, 0.999) + 1e-9)),
        **known,
    )


def picture(path: Path, whole: np.ndarray, samplerate: int, seam_frames: int, title: str) -> None:
    """Write a PNG: log-frequency spectrogram 50 Hz .. 12 kHz, independent pitch track, level, the seam as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(15, 8), height_ratios=(5, 1), sharex=True, layout="constrained")
    spectrum, freqs, times, _ = top.specgram(whole + 1e-9, NFFT=4096, noverlap=3072, Fs=samplerate, scale="dB")
    top.clear()
    level = 10 * np.log10(spectrum + 1e-14)
    top.pcolormesh(times, freqs[1:], level[1:], vmin=level.max() - 85, vmax=level.max(), cmap="magma", shading="nearest", rasterized=True)
    top.set(yscale="log", ylim=(50, 12000), ylabel="Hz", title=title)
    at, pitch, on = pitch_track(whole, samplerate)
    top.plot(at, np.where(on, 440 * 2 ** ((pitch - 69) / 12), np.nan), color="cyan", linewidth=1)
    step = samplerate // 100
    rms = whole[: len(whole) // step * step].reshape(-1, step).std(axis=1)
    bottom.plot(np.arange(len(rms)) / 100, 20 * np.log10(rms + 1e-6), color="black", linewidth=0.7)
    bottom.set(ylim=(-90, 0), ylabel="dB", xlabel="s")
    for axis in (top, bottom):
        axis.axvline(seam_frames / samplerate, color="lime", linewidth=1)
    figure.savefig(path, dpi=70)
    plt.close(figure)


def evaluate(clip: Path, out: Path, bundle: str, seconds: float, seed: int, repeat: bool) -> Judgement:
    """Render an answer to `clip` into `out`, judge it and draw it."""
    from ..render import render

    target = out / f"{clip.stem}.wav"
    began = time.perf_counter()
    render(clip, target, seconds=seconds, seed=seed, bundle=bundle)
    spent = time.perf_counter() - began
    same = None
    if repeat:
        again = out / f"{clip.stem}.again.wav"
        render(clip, again, seconds=seconds, seed=seed, bundle=bundle)
        same = again.read_bytes() == target.read_bytes()
        again.unlink()
    prompt, samplerate = soundfile.read(clip, dtype="int32", always_2d=True)
    whole, rate = soundfile.read(target, dtype="int32", always_2d=True)
    exact = rate == samplerate and bool(np.array_equal(whole[: len(prompt)], prompt))
    mono = whole.mean(axis=1) / 2**31
    picture(out / f"{clip.stem}.png", mono, rate, len(prompt), f"{clip.name}  (seed {seed})")
    return judge(clip.name, mono[: len(prompt)], mono, rate, prompt_exact=exact, same_bytes=same,
                 real_time_factor=(len(whole) / rate) / spent)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon.train.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeat", action="store_true", help="render twice and compare the bytes")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    judgements = []
    for clip in options.clips:
        judgement = evaluate(clip, options.out, options.bundle, options.seconds, options.seed, options.repeat)
        judgements.append(judgement)
        print("  ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in asdict(judgement).items()), flush=True)
    (out_file := options.out / "figures.json").write_text(json.dumps([asdict(j) for j in judgements], indent=1))
    print(f"wrote {out_file}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
