"""A performance that is the same each time: the engine on freewheel hears a prompt and answers, and may be split in two.

`Split` is a copy of the whole process as it stands (fork): what is changed in it is compared with the performance that
went on without the change. The model's graphs have no threads of their own, so they survive it; a split without a change
gives the same frames bit for bit, which who uses it must check.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import pickle
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.kernels import ffi
from antiphon.layout import Segment
from antiphon.params import REGISTRY

RATE, BLOCK = 48_000, 128
PROMPT_S = 4.0
HUMMED = "hummed"
"""The name of the built-in phrase among the prompts."""


def prompt(name: str, folder: Path = Path()) -> np.ndarray:
    """The first four seconds of a recording, cut where it is quiet, or the built-in phrase: (frames,) float32, whole blocks."""
    if name == HUMMED:
        sound = hummed_phrase(RATE, 0.0)[:, 0]
    else:
        from antiphon.train import clips  # the suite needs no recordings, nor what reads them

        sound = clips.opening(clips.read(folder / f"{name}.wav"), PROMPT_S)
    return np.concatenate([sound, np.zeros(-len(sound) % BLOCK)]).astype(np.float32)


class Performance:
    """An engine that has heard `sound`, in mode hold; `begin` lets it answer, and time moves on by `run`. Use as a context.

    After the prompt the performer is silent, or hums the built-in phrase over and over (`goes_on`).
    """

    def __init__(self, sound: np.ndarray, values: dict, seed: int, channels: int = 1, goes_on: bool = False, bundle: str = "hum"):
        self._sound, self._going_on = sound[:, None], prompt(HUMMED)[:, None] if goes_on else None
        rows = {"mode": "hold", "phrase_gap_s": 5.0, **values}
        self.engine = Engine(EngineConfig(driver="freewheel", bundle=bundle, samplerate=RATE, blocksize=BLOCK, seed=seed,
                                          in_channels=1, out_channels=channels, values=rows))  # fmt: skip

    def __enter__(self) -> Performance:
        self.engine.start()
        make_private(self.engine.segment)
        self.engine.run(self._sound)
        self.begun = self.engine.segment.clock
        return self

    def __exit__(self, *error) -> None:
        self.engine.stop()

    def begin(self, values: dict | None = None) -> None:
        """Set rows, and tell it to begin."""
        for path, value in (values or {}).items():
            self.apply(path, value)
        self.apply("trigger", True)

    @property
    def clock(self) -> int:
        """Frames since the prompt was over."""
        return self.engine.segment.clock - self.begun

    @property
    def status(self) -> dict[str, float]:
        """What the model, which lives in this process, last said of itself."""
        return self.engine.worker.chain.status

    def apply(self, path: str, value, after_frames: int | None = None) -> None:
        """Steer a row, at once or so many frames from now; the value goes through the table first."""
        frame = None if after_frames is None else self.engine.segment.clock + after_frames
        self.engine.apply(Event(path, REGISTRY.accept(path, value), frame))

    def run(self, frames: int, after_block: Callable[[], None] | None = None) -> np.ndarray:
        """Let time pass, whole blocks of it: (frames, channels) of what goes out. `after_block` is called after each block."""
        assert frames % BLOCK == 0
        out = [np.zeros((0, self.engine.config.out_channels), np.float32)]
        for _ in range(frames // BLOCK):
            out.append(self.engine.run(self._next()))
            if after_block:
                after_block()
        return np.concatenate(out)

    def run_to(self, clock: int) -> np.ndarray:
        """Let time pass until then, if it has not come yet."""
        return self.run(max(0, clock - self.clock))

    def _next(self) -> np.ndarray:
        if self._going_on is None:
            return np.zeros((BLOCK, 1), np.float32)
        at = self.clock % len(self._going_on)
        return self._going_on[at : at + BLOCK]


class Split:
    """`function` run in a copy of this process; what it gave comes back by `result`.

    Where it ended in an error the result is None, and the traceback went to standard error.
    """

    def __init__(self, function: Callable[[], Any]):
        self._file = tempfile.TemporaryFile()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:
                pickle.dump(function(), self._file, protocol=5)
                self._file.flush()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # nothing of the parent's is to be closed or stopped here

    def wait(self) -> None:
        """Wait for its end."""
        if self._pid:
            _, self.status = os.waitpid(self._pid, 0)
            self._pid = 0

    def result(self) -> Any:
        """What it gave; to be asked for once."""
        self.wait()
        with self._file as file:
            file.seek(0)
            return None if self.status else pickle.load(file)


def make_private(segment: Segment) -> None:
    """Put memory of this process alone in the place of a segment's, so that a split has its own.

    Python's anonymous maps are shared between a process and its copies. On freewheel nobody else has the segment.
    """
    address = int(ffi.cast("uintptr_t", segment.pointer))
    content = ctypes.string_at(address, segment.bytes)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    fixed = 0x10  # MAP_FIXED, on Linux and macOS alike
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | fixed
    found = libc.mmap(address, segment.bytes, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    if found != address:
        raise OSError(ctypes.get_errno(), "no private memory in the place of the segment")
    ctypes.memmove(address, content, segment.bytes)
