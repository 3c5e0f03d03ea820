"""Reading rendered clips: all shards of one side of the split, and random crops of them."""

from pathlib import Path

import numpy as np

FRAME = 480


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
        """`clips` crops at random gain: audio `[clips, frames]`, pitch `[clips, 2 * hops]` rounded to 1/32 semitone as a tracker would."""
        audio, pitch = (np.stack(x) for x in zip(*(self.crop(hops) for _ in range(clips))))
        gain = 10 ** (self.rng.uniform(-10, 8, (clips, 1)) / 20)
        gain = np.minimum(gain, 0.98 / (np.abs(audio).max(1, keepdims=True) + 1e-9))
        return (audio * gain).astype(np.float32), (np.round(pitch * 32) / 32).astype(np.float32)
