"""Reading rendered clips: all shards of one side of the split, and random crops of them."""

from pathlib import Path

import numpy as np

FRAME = 480


def colour(rng, audio):
    """Pass a crop through a random microphone: a smooth curve within some 8 dB, one time in three without its top octaves.

    Seeds were recorded in good rooms by good microphones; without this, a dull recording came back with bright noise.
    """
    if rng.random() < 0.35:
        return audio
    hertz = np.fft.rfftfreq(len(audio), 1 / 48000)
    octave = np.log2(np.maximum(hertz, 20) / 20)
    curve = np.interp(octave, np.linspace(0, 10.3, 9), np.cumsum(rng.normal(0, 2.2, 9)))
    if rng.random() < 0.5:
        corner = 3500 * 2 ** rng.uniform(0, 2.3)
        curve -= rng.uniform(24, 90) * np.maximum(0, np.log2(np.maximum(hertz, 20) / corner))
    if rng.random() < 0.15:
        curve -= 18 * np.maximum(0, np.log2(rng.uniform(80, 250) / np.maximum(hertz, 20)))
    coloured = np.fft.irfft(np.fft.rfft(audio) * 10 ** (np.maximum(curve, -120) / 20), len(audio))
    return (coloured * np.sqrt(np.mean(audio ** 2) / (np.mean(coloured ** 2) + 1e-12))).astype(np.float32)


class Shards:
    """The clips of `folder/SIDE-*.npz`, kept in memory as int16. `refresh` picks up shards that appeared since."""

    def __init__(self, folder, side, seed=0, limit=None):
        self._folder, self._side, self._limit, self._read = Path(folder), side, limit, set()
        self.rng = np.random.default_rng(seed)
        self.rows = []
        self.refresh()

    def refresh(self):
        for path in sorted(self._folder.glob(f"{self._side}-*.npz"))[:self._limit]:
            if path.name not in self._read:
                self._read.add(path.name)
                with np.load(path) as shard:
                    self.rows += [dict(zip(shard.files, row)) for row in zip(*(shard[k] for k in shard.files))]

    def crop(self, hops):
        """A random crop that is not all silence: audio `[hops * 960] float32` and pitch `[2 * hops] float32`."""
        while True:
            row = self.rows[self.rng.integers(len(self.rows))]
            begin = 2 * self.rng.integers((len(row["f0"]) - 2 * hops) // 2)
            audio = row["audio"][begin * FRAME:(begin + 2 * hops) * FRAME].astype(np.float32) / 32768
            if np.sqrt(np.mean(audio ** 2)) > 1e-3:
                return audio, row["f0"][begin:begin + 2 * hops]

    def batch(self, clips, hops):
        """`clips` crops, coloured and at random gain: audio `[clips, frames]`, pitch `[clips, 2 * hops]` rounded to 1/32 semitone as a tracker would."""
        audio, pitch = (np.stack(x) for x in zip(*(self.crop(hops) for _ in range(clips))))
        audio = np.stack([colour(self.rng, x) for x in audio])
        gain = 10 ** (self.rng.uniform(-10, 8, (clips, 1)) / 20)
        gain = np.minimum(gain, 0.98 / (np.abs(audio).max(1, keepdims=True) + 1e-9))
        return (audio * gain).astype(np.float32), (np.round(pitch * 32) / 32).astype(np.float32)
