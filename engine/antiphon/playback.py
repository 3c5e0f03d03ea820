"""What a slot keeps, as it is recalled: again and again, to its end, or standing still while it is frozen."""

from __future__ import annotations

import numpy as np

from .model.keeping import Kept, joined
from .model.tokens import HOP

_FROZEN_HOPS = 15  # of recorded sound go round and round while it is frozen


class Playback:
    """Plays one slot, or nothing. Model process only. State: what is recalled and where in it it is."""

    def __init__(self) -> None:
        self._silence = np.zeros(HOP, np.float32)
        self.reset()

    def reset(self) -> None:
        """Nothing is recalled."""
        self.kept: Kept | None = None
        self.at = 0
        """Hops of it that were played."""
        self._frozen_at = 0
        self.over = False
        """Whether it has come to its end."""
        self.pitch, self.begins = 0.0, False
        """Of the note that sounds, 0 none, and whether it begins in this hop."""

    _FIELDS = ("kept", "at", "_frozen_at", "over", "pitch", "begins")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: getattr(self, name) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def playing(self) -> bool:
        """Whether anything is recalled; then neither line nor strokes play."""
        return self.kept is not None

    def begin(self, kept: Kept) -> None:
        """Play this from its beginning."""
        self.reset()
        self.kept = kept

    def step(self, freeze: bool, once: bool) -> np.ndarray:
        """Give a hop of it, (960,) float32."""
        kept, at, self.begins = self.kept, self.at, False
        if self.over:  # the hop in which it fades out
            return self._silence
        if freeze:
            self._frozen_at += 1
            hop = self._frozen()
            return joined(kept.hop(at), hop) if self._frozen_at == 1 else hop
        hop = kept.hop(at)
        if self._frozen_at:
            self._frozen_at += 1
            hop, self._frozen_at = joined(self._frozen(), hop), 0
        note, self.begins = kept.note(at)
        self.pitch = note.pitch if note else 0.0
        self.at += 1
        self.over = once and self.at % len(kept.sound) == 0
        return hop

    def _frozen(self) -> np.ndarray:
        """The last hops before it was frozen go round and round."""
        sound = self.kept.sound
        first = max(0, self.at % len(sound) - _FROZEN_HOPS)
        return Kept(sound[first : first + _FROZEN_HOPS], ()).hop(self._frozen_at)
