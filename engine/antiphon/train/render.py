"""Render labelled training sound: `python -m antiphon.train.render --data DIR --out DIR --clips 640 [--kinds NAME ...]`.

Each shard `train-NNNN.npz` or `held-NNNN.npz` holds 32 clips of 10 s (uncompressed, so that it can be read by parts):

| array | shape, kind | meaning |
|---|---|---|
| `audio` | `[clips, 480000] int16` | 48 kHz mono, full scale 32768, rms between -32 and -17 dB |
| `f0` | `[clips, 1000] float32` | pitch (MIDI semitones with cents) at the centre of each 10 ms; 0 unvoiced |
| `onset` | `[clips, 1000] uint8` | 1 where a note begins in these 10 ms |
| `note` | `[clips, 1000] int16` | nearest MIDI note sounding; -1 none; -2 a stroke (`percussion`) |
| `source` | `[clips] str` | `seed/NAME`, `font/PROGRAM`, `formula/KIND`, `percussion/KIT`, `mixed/...`, `words/...` |

Percussion clips have onsets and strokes, but no pitch and no notes. `--kinds` renders what the tokenizer needs more of than
the codec does: `percussion`, `mixed` (a line and strokes by turns, in its gaps, or under it), `words` (a sung line with
consonants and breath), `spoken` (pitch that is always on its way), `reed`, and `slides` (slow glides from note to note, and
scoops, where a note begins nowhere in particular). The held-out split is by source (singers,
instruments, programs, kits) and by tune title at once. Every clip depends on `--seed`, the kinds and its own number only, so
more can be rendered later.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import score, seeds, voices
from .consonants import articulate
from .percussion import STROKE, Kits, Stroke, rhythm
from .seeds import FRAME, RATE

CLIP_S = 10.0
SHARD = 32
SHARES = {"seed": 0.6, "font": 0.2, "formula": 0.16, "percussion": 0.04}
KINDS = (*SHARES, "mixed", "words", "spoken", "reed", "slides")
_REGISTERS = ((40, 62), (45, 69), (50, 72), (55, 79))
_LOW_REGISTERS = ((34, 54), *_REGISTERS)


class Studio:
    """All performers of one side of the split."""

    def __init__(self, data, labels, soundfont, *, held):
        self.held = held
        self.melodies = score.load_melodies(Path(data) / "melodies", held=held)
        self.choir = seeds.SeedChoir(labels, held=held)
        self.font = voices.Soundfont(soundfont)
        self.kits = Kits(data, soundfont, held=held)

    def clip(self, rng, kinds=()):
        """Render one clip, of one of `kinds` where they are given; returns a dict of the shard's rows."""
        kind = str(rng.choice(kinds) if len(kinds) else rng.choice(list(SHARES), p=list(SHARES.values())))
        if kind == "percussion":
            audio, pitch, onset, name, kit = self.kits.beat(rng, rhythm(rng, CLIP_S, int(rng.integers(1, 5))), CLIP_S)
            source = f"percussion/{kit}"
        elif kind == "mixed":
            audio, pitch, onset, name, source = self._mixed(rng)
        else:
            audio, pitch, onset, name, source, _ = self._line(rng, kind)
        audio = audio[:int(CLIP_S * RATE)].astype(np.float64)
        gain = 10 ** (rng.uniform(-32, -17) / 20) / (np.sqrt(np.mean(audio ** 2)) + 1e-9)
        audio = audio * min(gain, 0.95 / (np.abs(audio).max() + 1e-9))
        rms = 20 * np.log10(np.sqrt((audio.reshape(-1, FRAME) ** 2).mean(1)) + 1e-7)
        # A note rings on as long as its tail stands out of silence: the decoder needs the pitch of tails.
        heard = (pitch > 0) & (rms > max(-68, np.percentile(rms, 95) - 48))
        return dict(audio=np.round(audio * 32768).clip(-32768, 32767).astype(np.int16), f0=np.where(heard, pitch, 0).astype(np.float32),
                    onset=onset.astype(np.uint8), note=np.where(heard | (name == STROKE), name, -1).astype(np.int16), source=source)

    def _line(self, rng, kind, edit=None):
        """A line of notes; `edit` changes them before they sound. Returns audio, pitch, onset, name, source and the notes."""
        edit = edit or (lambda notes: notes)
        if kind == "words":
            sung = str(rng.choice(["sung seed", "sung formula"]))
            *sound, source, notes = self._line(rng, sung, lambda notes: _spelt(rng, edit(notes)))
            return articulate(rng, sound[0], notes), *sound[1:], f"words/{source}", notes
        slides = kind == "slides"
        if slides:
            kind = str(rng.choice(["seed", "sung seed", "formula", "sung formula", "reed"]))
        if kind in ("seed", "sung seed"):
            singers = [x for x in self.choir.instruments if x in seeds.SINGERS]
            others = [x for x in self.choir.instruments if x not in seeds.SINGERS]
            instrument = rng.choice(singers if kind == "sung seed" or rng.random() < 0.45 else others)
            low, high = _octaves_within(rng, *self.choir.span(instrument))
            notes = edit(score.perform(rng, self.melodies, low, high, CLIP_S))
            return *self.choir.sing(rng, notes, instrument, CLIP_S, slides), f"{'slides/' * slides}seed/{instrument}", notes
        if kind == "font":
            program = int(rng.choice([p for p in voices.PROGRAMS if (p in voices.HELD_OUT_PROGRAMS) == self.held]))
            notes = edit(score.perform(rng, self.melodies, *voices.PROGRAMS[program][:2], CLIP_S))
            return *self.font.play(rng, notes, program, CLIP_S), f"font/{program}", notes
        if kind == "spoken":
            notes = edit(_syllables(rng, *_LOW_REGISTERS[rng.integers(len(_LOW_REGISTERS))], CLIP_S))
            sound = voices.voice(rng, notes, "spoken", CLIP_S)
            return articulate(rng, sound[0], notes), *sound[1:], "formula/spoken", notes
        voice = {"reed": "reed", "sung formula": "voice"}.get(kind) or str(rng.choice(["hum", "hum", "voice", "voice", "whistle"]))
        registers = {"whistle": ((70, 98),), "reed": (*_LOW_REGISTERS, (60, 86))}.get(voice, _REGISTERS)
        notes = edit(score.perform(rng, self.melodies, *registers[rng.integers(len(registers))], CLIP_S))
        return *voices.voice(rng, notes, voice, CLIP_S, slides), f"{'slides/' * slides}formula/{voice}", notes

    def _mixed(self, rng):
        """A line and strokes: by turns, strokes where some of its notes were, or both at once; what sounds at once is a note."""
        strokes, way = rhythm(rng, CLIP_S, int(rng.integers(1, 4))), rng.choice(["turns", "gaps", "both"], p=[0.4, 0.45, 0.15])
        if way == "turns":
            turns = np.cumsum(rng.uniform(0.8, 3.0, 16))
            mine = lambda at: int(np.searchsorted(turns, at)) % 2  # noqa: E731
            strokes = [s for s in strokes if mine(s.onset_s)]
            edit = lambda notes: [n for n in notes if not mine(n.onset_s) and not mine(n.onset_s + n.sounding_s)]  # noqa: E731
        elif way == "gaps":
            share, pattern, strokes = rng.uniform(0.2, 0.6), rng.integers(0, 3, 4), []

            def edit(notes):
                struck = rng.random(len(notes)) < share
                strokes[:] = [Stroke(n.onset_s, int(pattern[i % 4]), rng.normal(0, 1.5)) for i, n in enumerate(notes) if struck[i]]
                return [n for n, gone in zip(notes, struck, strict=True) if not gone]
        else:
            edit = lambda notes: notes  # noqa: E731
        kind = str(rng.choice(["seed", "font", "formula", "words"]))
        audio, pitch, onset, name, source, _ = self._line(rng, kind, lambda notes: _detached(edit(notes) or notes[:1]))
        beaten, _, struck, stroke, kit = self.kits.beat(rng, strokes, CLIP_S)
        audio = audio[:len(beaten)]
        top = np.abs(audio).max() or 1.0
        beaten *= top * 10 ** (rng.uniform(-14, 2) / 20) / (np.abs(beaten).max() + 1e-9)
        rms, over = (np.sqrt((x.reshape(-1, FRAME) ** 2).mean(1)) for x in (audio, beaten))
        free = (stroke == STROKE) & ((name < 0) | (rms < 0.5 * over) | (way != "both"))
        begins = struck.astype(bool) & free
        name, onset = np.where(free, STROKE, name), np.where(begins, 1, onset)
        return audio + beaten, np.where(free & (rms < 2 * over), 0, pitch), onset, name, f"mixed/{source}/{kit}"


def _detached(notes):
    """The same notes, none slurred to one that is gone."""
    ends = [0.0, *(n.onset_s + n.sounding_s for n in notes)]
    return [replace(n, slurred=n.slurred and n.onset_s - end < 0.08) for n, end in zip(notes, ends, strict=False)]


def _spelt(rng, notes):
    """The same notes, most of the slurred ones parted from the one before by what a consonant takes."""
    spelt = []
    for note in notes:
        if note.slurred and spelt and rng.random() < 0.7:
            before, note = spelt[-1], replace(note, slurred=False)
            room = note.onset_s - before.onset_s - rng.uniform(0.02, 0.1)
            spelt[-1] = replace(before, sounding_s=max(0.06, min(before.sounding_s, room)))
        spelt.append(note)
    return spelt


def _syllables(rng, low, high, seconds):
    """Syllables of speech as notes, around a pitch that sinks in every breath."""
    base, notes, at, left = rng.uniform(low + 4, high - 6), [], rng.uniform(0.05, 0.4), 0
    while at < seconds - 0.3:
        if left == 0:
            left, top = rng.integers(3, 12), base + rng.uniform(0, 4)
        sounding = rng.uniform(0.07, 0.28)
        pause = rng.choice([0.0, 0.0, rng.uniform(0.03, 0.12)]) if left > 1 else rng.uniform(0.3, 0.9)
        close = bool(notes) and at - notes[-1].onset_s - notes[-1].sounding_s < 0.02
        notes.append(score.Note(at, sounding, float(np.clip(top + rng.normal(0, 1), low, high)), rng.normal(0, 3), close))
        top, left, at = top - rng.uniform(0, 0.7), left - 1, at + sounding + pause
    return notes


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
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=(), help="only these; who is named twice comes twice as often")
    parser.add_argument("--labels", help="the table of labelled seeds, where it is not OUT/seeds.npz")
    parser.add_argument("--held", action="store_true", help="render the held-out side")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    table = Path(options.labels or out / "seeds.npz")
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
        chances = [np.random.default_rng([options.seed, int(options.held), shard, n]) for n in range(SHARD)]
        rows = [studio.clip(rng, options.kinds) for rng in chances]
        partial = out / f".{side}-{shard:04d}.npz"
        np.savez(partial, **{k: np.array([r[k] for r in rows]) for k in rows[0]})
        os.replace(partial, out / f"{side}-{shard:04d}.npz")
        print(f"shard {shard}: {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
