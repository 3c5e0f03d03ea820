"""Render labelled training sound: `python -m antiphon.train.render --data DIR --out DIR --clips 640`.

Each shard `train-NNNN.npz` or `held-NNNN.npz` holds 32 clips of 10 s (uncompressed, so that it can be read by parts):

| array | shape, kind | meaning |
|---|---|---|
| `audio` | `[clips, 480000] int16` | 48 kHz mono, full scale 32768, rms between -32 and -17 dB |
| `f0` | `[clips, 1000] float32` | pitch (MIDI semitones with cents) at the centre of each 10 ms; 0 unvoiced |
| `onset` | `[clips, 1000] uint8` | 1 where a note begins in these 10 ms |
| `note` | `[clips, 1000] int16` | nearest MIDI note sounding; -1 none |
| `source` | `[clips] str` | `seed/NAME`, `font/PROGRAM`, `formula/KIND`, `percussion/NAME` |

Percussion clips have onsets but no pitch and no notes. The held-out split is by source (singers, instruments, programs)
and by tune title at once. Every clip depends on `--seed` and its own number only, so more can be rendered later.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import soundfile

from . import score, seeds, voices
from .seeds import FRAME, RATE

CLIP_S = 10.0
SHARD = 32


class Studio:
    """All performers of one side of the split."""

    def __init__(self, data, labels, soundfont, *, held):
        self.held = held
        self.melodies = score.load_melodies(Path(data) / "melodies", held=held)
        self.choir = seeds.SeedChoir(labels, held=held)
        self.font = voices.Soundfont(soundfont)
        drums = sorted(p for name in seeds.PERCUSSION for p in (Path(data) / "seeds" / name).glob("*.flac"))
        # Takes (rr..) of one stroke share a name: the split is by stroke.
        self.drums = [p for p in drums if score.held_out(p.stem.split("_rr")[0]) == held]

    def clip(self, rng):
        """Render one clip; returns a dict of the shard's rows."""
        kind = rng.choice(["seed", "font", "formula", "percussion"], p=[0.6, 0.2, 0.16, 0.04])
        if kind == "seed":
            singers = [x for x in self.choir.instruments if x in seeds.SINGERS]
            others = [x for x in self.choir.instruments if x not in seeds.SINGERS]
            instrument = rng.choice(singers if rng.random() < 0.45 else others)
            low, high = _octaves_within(rng, *self.choir.span(instrument))
            notes = score.perform(rng, self.melodies, low, high, CLIP_S)
            audio, pitch, onset, name = self.choir.sing(rng, notes, instrument, CLIP_S)
            source = f"seed/{instrument}"
        elif kind == "font":
            program = int(rng.choice([p for p in voices.PROGRAMS if (p in voices.HELD_OUT_PROGRAMS) == self.held]))
            notes = score.perform(rng, self.melodies, *voices.PROGRAMS[program][:2], CLIP_S)
            audio, pitch, onset, name = self.font.play(rng, notes, program, CLIP_S)
            source = f"font/{program}"
        elif kind == "formula":
            voice = str(rng.choice(["hum", "hum", "voice", "voice", "whistle"]))
            low, high = (70, 98) if voice == "whistle" else [(40, 62), (45, 69), (50, 72), (55, 79)][rng.integers(4)]
            notes = score.perform(rng, self.melodies, low, high, CLIP_S)
            audio, pitch, onset, name = voices.voice(rng, notes, voice, CLIP_S)
            source = f"formula/{voice}"
        else:
            audio, onset, instrument = self._drum(rng)
            pitch, name, source = np.zeros(len(onset)), np.full(len(onset), -1), f"percussion/{instrument}"
        audio = audio[:int(CLIP_S * RATE)].astype(np.float64)
        gain = 10 ** (rng.uniform(-32, -17) / 20) / (np.sqrt(np.mean(audio ** 2)) + 1e-9)
        audio = audio * min(gain, 0.95 / (np.abs(audio).max() + 1e-9))
        rms = 20 * np.log10(np.sqrt((audio.reshape(-1, FRAME) ** 2).mean(1)) + 1e-7)
        # A note rings on as long as its tail stands out of silence: the decoder needs the pitch of tails.
        heard = (pitch > 0) & (rms > max(-68, np.percentile(rms, 95) - 48))
        return dict(audio=np.round(audio * 32768).clip(-32768, 32767).astype(np.int16), f0=np.where(heard, pitch, 0).astype(np.float32),
                    onset=onset.astype(np.uint8), note=np.where(heard, name, -1).astype(np.int16), source=source)

    def _drum(self, rng):
        """A random pulse of strokes from one kit."""
        kit = rng.choice(sorted({p.parent.name for p in self.drums}))
        strokes = [p for p in self.drums if p.parent.name == kit]
        strokes = [strokes[i] for i in rng.integers(len(strokes), size=5)]
        count = int(CLIP_S * 100)
        audio, onset = np.zeros(count * FRAME + RATE * 4), np.zeros(count, np.uint8)
        step, at = rng.uniform(0.12, 0.4), rng.uniform(0.05, 0.4)
        while at < CLIP_S - 0.1:
            if rng.random() < 0.75:
                sound = soundfile.read(strokes[rng.integers(5)], dtype="float32", always_2d=True)[0][:RATE * 2, 0]
                loud = np.abs(sound) > 0.05 * np.abs(sound).max()
                sound = sound[max(0, int(np.argmax(loud)) - 100):] * 10 ** (rng.normal(0, 3) / 20)
                begin = int((at + rng.normal(0, 0.004)) * RATE)
                audio[begin:begin + len(sound)] += sound
                onset[begin // FRAME] = 1
            at += step * rng.choice([1, 1, 1, 2, 0.5])
        return audio, onset, kit


def _octaves_within(rng, low, high):
    """A register of at most 22 semitones somewhere inside `low`..`high`."""
    if high - low <= 22:
        return low, high
    base = rng.uniform(low, high - 22)
    return base, base + 22


def main():
    parser = argparse.ArgumentParser(description="Render labelled training sound.")
    parser.add_argument("--data", required=True, help="folder with melodies/ and seeds/")
    parser.add_argument("--out", required=True, help="folder for the shards")
    parser.add_argument("--soundfont", default="/usr/share/sounds/sf2/FluidR3_GM.sf2")
    parser.add_argument("--clips", type=int, default=640)
    parser.add_argument("--held", action="store_true", help="render the held-out side")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    table = out / "seeds.npz"
    if table.exists():
        labels = seeds.load_labels(table)
    else:
        from swift_f0 import SwiftF0
        labels = seeds.label_all(Path(options.data) / "seeds", table, SwiftF0(threads=1))
    studio = Studio(options.data, labels, options.soundfont, held=options.held)
    side = "held" if options.held else "train"
    print(f"{side}: {len(labels)} seeds, {len(studio.melodies)} melodies, {studio.choir.instruments}", flush=True)
    began = time.time()
    for shard in range(options.first, options.first + -(-options.clips // SHARD)):
        rows = [studio.clip(np.random.default_rng([options.seed, int(options.held), shard, n])) for n in range(SHARD)]
        partial = out / f".{side}-{shard:04d}.npz"
        np.savez(partial, **{k: np.array([r[k] for r in rows]) for k in rows[0]})
        os.replace(partial, out / f"{side}-{shard:04d}.npz")
        print(f"shard {shard}: {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
