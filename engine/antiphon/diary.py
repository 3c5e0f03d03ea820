"""What a worker writes into the journal while a take runs: from what state it began, every step, every note that ended."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np

from .answers import leave
from .frozen import pieces
from .journal import Journal
from .latency import HOP, MODEL_RATE
from .layout import Segment
from .model.worker import Worker

LEFT = "left"
"""How the file of a state is called in the engine's folder: left-EPOCH-POSITION.state."""


class WorkerDiary:
    """One per worker, on its thread; told when the voice is away, so that nothing waits for it. A take that begins in the midst of
    a performance begins with the whole state, 4 MB and more: half a millisecond to copy, written by a thread of its own."""

    def __init__(self, segment: Segment, about: dict, folder: Path | None = None, fresh: bool = True):
        """`about` is what a replay must know beside (bundle, seed, rates); `folder` the engine's, for states; `fresh`: this worker
        takes nothing over from one before it."""
        self._journal = Journal(segment)
        self._about, self._folder, self._fresh = about, folder, fresh
        self._answers = 0
        self._sung: tuple[float, float, float] | None = None  # the voice's note: due in s, pitch, loudness
        self._notes_played = 0.0

    def hears(self, worker: Worker) -> None:
        """Begin where the worker does, if the tape has begun by then: then nothing of its state need be told."""
        if self._fresh and (there := self._journal.due(worker.position)):
            self._begin(worker, there.epoch, fresh=True, state=None)

    def primed(self, worker: Worker, position: int, hops: int, behind: int) -> None:
        """Hops of the past were heard."""
        self._journal.primed(position, hops, behind, worker.params)
        self._fresh = False

    def opened(self, worker: Worker) -> None:
        """The voice was opened."""
        self._journal.opened(worker.params)

    def stepped(self, worker: Worker, position: int, frames: int, voice: np.ndarray) -> None:
        """A step was made. Where a tape has begun that is not told of yet, it is from the next one on."""
        self._journal.stepped(position, frames, worker.chain.due_s, worker.params, voice)
        self._fresh = False
        if self._journal.epoch:
            self._tell_notes(worker)
        telling = getattr(worker.chain, "telling", None)
        while self._folder and telling and telling.ended:
            self._answers += 1
            leave(self._folder, self._answers, telling.ended.pop(0))
        if there := self._journal.due(worker.position):
            self._begin(worker, there.epoch, fresh=False, state=self._leave(worker, there.epoch))

    def _begin(self, worker: Worker, epoch: int, **how) -> None:
        hop, taken = worker.counted
        self._journal.begin(epoch, position=worker.position, hop=hop, taken=taken, **how, **self._about)

    def _leave(self, worker: Worker, epoch: int) -> str | None:
        """Put the state down for the recorder; its name, None where there is no place, or no such state."""
        if self._folder is None or not hasattr(worker.chain, "state"):
            return None
        state, name = worker.state(), f"{LEFT}-{epoch}-{worker.position}.state"
        threading.Thread(target=_write, args=(self._folder / name, state), name="antiphon-state", daemon=True).start()
        return name

    def _tell_notes(self, worker: Worker) -> None:
        rate, journal, chain = self._about["samplerate"], self._journal, worker.chain
        for onset_hops_ago, hops, pitch, loudness_db in getattr(chain, "ended", ()):
            began = worker.position - round(onset_hops_ago * HOP * rate / MODEL_RATE)
            journal.note("performer", began, round(hops * HOP * rate / MODEL_RATE), pitch, loudness_db)
        status = chain.status
        played, pitch = status.get("notes_played", 0.0), status.get("pitch_played", 0.0)
        if self._sung and (played != self._notes_played or pitch <= 0):
            due_s, sung, loudness_db = self._sung
            journal.note("voice", round(due_s * rate), max(round((chain.due_s - due_s) * rate), 1), sung, loudness_db)
            self._sung = None
        if pitch > 0 and (self._sung is None and played != self._notes_played):
            self._sung = chain.due_s, pitch, status.get("loudness_played_db", -30.0)
        self._notes_played = played


def _write(path: Path, state: dict) -> None:
    half = path.with_suffix(".half")
    try:
        with open(half, "wb") as file:
            file.writelines(pieces(state))
        os.replace(half, path)
    except (OSError, TypeError):  # the take is kept without it, and says that it cannot be replayed
        half.unlink(missing_ok=True)
