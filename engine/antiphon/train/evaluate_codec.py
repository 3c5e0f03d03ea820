"""Judge codec and acoustic model by the exported graphs, with an independent pitch tracker, and draw what they do.

    python -m antiphon.train.evaluate_codec --graphs .work/export --render .work/render --clips CLIPS --out FOLDER

Resynthesis: mel distance and pitch of held-out renders and of real recordings (which no trainer ever saw). Performance:
the acoustic model hears 5 s of a held-out render and then plays the notes that really follow; how its loudness, vibrato and
noise compare with what really followed. Pictures: above the original, below ours.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from ..model import gestures
from ..model.acoustic import AcousticModel
from ..model.codec import Decoder, Encoder
from . import codec as trainer
from .network import FRAME, HOP, RATE
from .shards import Shards


def tracked(audio, tracker):
    """Pitch per 10 ms by the independent tracker, 0 where it is not sure."""
    heard = tracker.detect(audio, RATE)
    at = (np.arange(len(audio) // FRAME) + 0.5) / 100
    nearest = np.abs(heard.timestamps[None] - at[:, None]).argmin(1)
    sure = heard.confidence[nearest] > 0.6
    pitch = 69 + 12 * np.log2(np.maximum(np.interp(at, heard.timestamps, heard.pitch_hz), 20) / 440)
    return np.where(sure, pitch, 0).astype(np.float32)


def read_clip(path):
    """A recording as mono float32 at 48 kHz, whole hops, at most 12 s."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    audio = audio.mean(1) if rate == RATE else soxr.resample(audio.mean(1), rate, RATE)
    return np.ascontiguousarray(audio[:min(len(audio), 12 * RATE) // HOP * HOP], np.float32)


def resynthesise(graphs, audio, pitch):
    encoder, decoder = Encoder(graphs / "encoder.onnx"), Decoder(graphs / "decoder.onnx")
    hops = range(len(audio) // HOP)
    return np.concatenate([decoder.step(*encoder.step(audio[k * HOP:(k + 1) * HOP], pitch[2 * k:2 * k + 2]), pitch[2 * k:2 * k + 2]).copy() for k in hops])


def perform(graphs, row, prompt_hops=250, seed=1):
    """Hear the first 5 s of a render, then play the notes that follow in it; returns audio of prompt and answer, and the tracks of pitch, note and loudness class."""
    encoder, decoder, model = Encoder(graphs / "encoder.onnx"), Decoder(graphs / "decoder.onnx"), AcousticModel(graphs / "memory.onnx", graphs / "tokens.onnx")
    audio = row["audio"].astype(np.float32) / 32768
    plan = plan_of(row)
    made, track = [], []
    for k in range(len(audio) // HOP):
        if k < prompt_hops:
            two = row["f0"][2 * k:2 * k + 2]
            codes, loudness = encoder.step(audio[k * HOP:(k + 1) * HOP], two)
            model.listen(two, loudness, encoder.latent, codes, float(plan["centre"][k]), bool(plan["onset"][k]))
            made.append(decoder.step(codes, loudness, two).copy())
            track.append((two[1], plan["centre"][k], loudness))
        else:
            if k == prompt_hops:
                model.begin(seed)
            hop = model.play(float(plan["centre"][k]), bool(plan["onset"][k]), int(plan["remain"][k]))
            made.append(decoder.step(hop.codes, hop.loudness, hop.pitch).copy())
            track.append((hop.pitch[1], plan["centre"][k], hop.loudness))
    return np.concatenate(made), np.array(track)


def plan_of(row):
    """Notes of a rendered clip per hop: centre (MIDI with cents, 0 at rest), onset, hops remaining."""
    hops = len(row["f0"]) // 2
    pairs, labels = row["f0"].reshape(hops, 2), row["note"].reshape(hops, 2).max(1)
    pitch, onset = pairs.max(1), row["onset"].reshape(hops, 2).max(1)
    centre, first, remain = np.zeros(hops), np.zeros(hops, bool), np.zeros(hops, int)
    starts = np.flatnonzero((onset > 0) | (np.diff(labels, prepend=-2) != 0))
    for start, stop in zip(starts, [*starts[1:], hops]):
        remain[start:stop] = np.arange(stop - start, 0, -1)
        if labels[start] >= 0:
            inside = pitch[start:stop]
            centre[start:stop] = np.median(inside[inside > 0]) if (inside > 0).any() else labels[start]
            first[start] = True
    return dict(centre=centre, onset=first, remain=remain)


def expression(pitch, centre, loudness):
    """Figures of how a stretch is played: deviation of pitch from the note in cents, mean step of pitch per hop in cents, loudness deviation in dB."""
    inside = (pitch > 0) & (centre > 0) & (np.abs(pitch - centre) < 1)
    both = inside[1:] & inside[:-1] & (np.diff(centre) == 0)
    return (100 * (pitch - centre)[inside].std(), 100 * np.abs(np.diff(pitch))[both].mean(), 1.5 * loudness[loudness > 0].std())


def draw(path, title, above, below, pitch=None, seam_s=None):
    """Two spectrograms, one over the other."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(2, 1, figsize=(15, 9))
    for axis, sound in zip(axes, (above, below)):
        axis.specgram(sound + 1e-7 * np.random.default_rng(0).standard_normal(len(sound)), NFFT=2048, noverlap=1536, Fs=RATE, vmin=-140, vmax=-45)
        axis.set_ylim(0, 10000)
        if seam_s:
            axis.axvline(seam_s, color="w")
    if pitch is not None:
        axes[1].plot((np.arange(len(pitch)) + 0.5) / 50, np.where(pitch > 0, 440 * 2 ** ((pitch - 69) / 12), np.nan), "r", lw=0.7)
    axes[0].set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=50)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description="Judge codec and acoustic model.")
    parser.add_argument("--graphs", required=True, type=Path)
    parser.add_argument("--render", required=True)
    parser.add_argument("--clips", type=Path, help="folder of real recordings, for evaluation only")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--count", type=int, default=12)
    options = parser.parse_args()
    from swift_f0 import SwiftF0
    tracker = SwiftF0(threads=1)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = Shards(options.render, "held", limit=1).rows[:options.count]
    results = {"held": [], "clips": {}, "performed": {}}
    for number, row in enumerate(rows):
        audio, pitch = row["audio"][:6 * RATE].astype(np.float32) / 32768, row["f0"][:600]
        made = resynthesise(options.graphs, audio, pitch)
        results["held"].append((trainer.mel_distance_db(torch.tensor(made)[None], torch.tensor(audio)[None]), *trainer.pitch_agreement(made, audio, tracker)))
        if (row["note"] >= 0).any():
            made, track = perform(options.graphs, row)
            plan = plan_of(row)
            true_pitch = row["f0"].reshape(-1, 2)[:, 1]
            true_loudness = np.round((10 * np.log10((row["audio"].astype(float) / 32768).reshape(-1, HOP).__pow__(2).mean(1) + 1e-12) + 72) / 1.5 + 1).clip(0)
            ours, true = expression(*track[250:].T), expression(true_pitch[250:], plan["centre"][250:], true_loudness[250:])
            results["performed"][f"{number} {row['source']}"] = [[round(float(x), 1) for x in pair] for pair in zip(ours, true)]
            draw(options.out / f"performed-{number:02d}.png", f"{row['source']}: render; heard for 5 s, then played from the plan", row["audio"] / 32768.0, made, track[:, 0], 5.0)
            soundfile.write(options.out / f"performed-{number:02d}.wav", made, RATE)
    for path in sorted(options.clips.glob("*.wav")) if options.clips else []:
        audio = read_clip(path)
        pitch = tracked(audio, tracker)
        made = resynthesise(options.graphs, audio, pitch)
        distance = trainer.mel_distance_db(torch.tensor(made)[None], torch.tensor(audio)[None])
        results["clips"][path.stem] = [round(float(x), 3) for x in (distance, *trainer.pitch_agreement(made, audio, tracker))]
        draw(options.out / f"clip-{path.stem}.png", f"{path.stem}: original, resynthesis", audio, made)
        soundfile.write(options.out / f"clip-{path.stem}.wav", made, RATE)
    results["held"] = [round(float(x), 3) for x in np.nanmean(results["held"], 0)]
    if results["clips"]:
        results["clips_mean"] = [round(float(x), 3) for x in np.nanmean(list(results["clips"].values()), 0)]
    (options.out / "codec.json").write_text(json.dumps(results, indent=1))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
