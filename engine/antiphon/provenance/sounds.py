"""Any sound file as stretches of mono sound at 48 kHz, however long it is and whatever it is packed in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from .. import audiofile
from ..errors import UsageError
from ..kernels import Resampler
from .detect import STRETCH
from .pattern import RATE

_BLOCK = 65_536
_ALIKE = 0.999


@dataclass(frozen=True)
class Sound:
    """A file that can be read. `channels` and `samplerate` as it has them; of what ffmpeg decodes, two at 48 kHz.

    `decoder` is libsndfile or ffmpeg.
    """

    path: Path
    samplerate: int
    channels: int
    decoder: str

    def stretches(self, channel: int | None = None) -> Iterator[np.ndarray]:
        """Give (frames,) float32 at 48 kHz, two minutes each, the last up to half a minute more; `channel` None: the mean of all.

        Samples that are not numbers are silence. A file that breaks off ends there.
        """
        resampler = Resampler(self.samplerate, RATE) if self.samplerate != RATE else None
        skip = resampler.delay_frames if resampler else 0
        held: list[np.ndarray] = []
        frames = given = taken = 0
        for block in self._blocks():
            mono = block.mean(1) if channel is None else block[:, channel]
            mono = np.nan_to_num(np.ascontiguousarray(mono, np.float32), posinf=0, neginf=0)
            taken += len(mono)
            out = np.array(resampler.process(mono)) if resampler else mono
            out, skip = out[skip:], max(0, skip - len(out))
            held.append(out)
            frames += len(out)
            if frames >= STRETCH + STRETCH // 4:
                whole = np.concatenate(held)
                yield whole[:STRETCH]
                held, frames, given = [whole[STRETCH:]], len(whole) - STRETCH, given + STRETCH
        if resampler:
            rest = np.array(resampler.process(np.zeros(resampler.delay_frames * self.samplerate // RATE + 64, np.float32)))
            held.append(rest[skip:])
        whole = np.concatenate(held or [np.zeros(0, np.float32)])[: -(-taken * RATE // self.samplerate) - given]
        if len(whole):
            yield whole

    def apart(self) -> bool:
        """Say whether some channel is not but a louder or softer copy of the rest, as far as the first two minutes tell."""
        if self.channels == 1:
            return False
        products, seen = np.zeros((self.channels + 1, self.channels + 1)), 0
        for block in self._blocks():
            block = np.nan_to_num(np.column_stack([block, block.mean(1)]), posinf=0, neginf=0)
            products += block.T @ block
            seen += len(block)
            if seen > STRETCH // RATE * self.samplerate:
                break
        power = np.diag(products)
        sounding = power[:-1] > 1e-6 * power.max()
        alike = products[:-1, -1] / np.sqrt(power[:-1] * power[-1] + 1e-20)
        return bool((alike[sounding] < _ALIKE).any())

    def _blocks(self) -> Iterator[np.ndarray]:
        return self._by_ffmpeg() if self.decoder == "ffmpeg" else self._by_libsndfile()

    def _by_libsndfile(self) -> Iterator[np.ndarray]:
        with soundfile.SoundFile(os.fsencode(self.path)) as file:
            while True:
                try:
                    block = file.read(_BLOCK, dtype="float32", always_2d=True)
                except soundfile.LibsndfileError:
                    return
                if not len(block):
                    return
                yield block

    def _by_ffmpeg(self) -> Iterator[np.ndarray]:
        with _ffmpeg(self.path) as process:
            try:
                while data := process.stdout.read(_BLOCK * 8):
                    yield np.frombuffer(data[: len(data) // 8 * 8], "<f4").reshape(-1, 2)
            finally:
                process.kill()


def open_sound(path: str | Path) -> Sound:
    """See what a file is. Raises UsageError with one line for what is no sound or cannot be read."""
    path = Path(path)
    if path.is_file():
        try:
            with soundfile.SoundFile(os.fsencode(path)) as file:
                if audiofile.RATES[0] <= file.samplerate <= audiofile.RATES[1] and file.channels <= audiofile.CHANNELS_MAX:
                    return Sound(path, file.samplerate, file.channels, "libsndfile")
        except (soundfile.LibsndfileError, TypeError):  # TypeError: soundfile asks for the shape of a .raw file
            if path.stat().st_size and _ffmpeg_reads(path):
                return Sound(path, RATE, 2, "ffmpeg")
            if path.stat().st_size and not shutil.which("ffmpeg"):
                raise UsageError(f"{path}: not WAV, FLAC, OGG or MP3; for other files install ffmpeg") from None
    audiofile.read(path)
    raise UsageError(f"{path}: not a sound file that can be read")


def _ffmpeg_reads(path: Path) -> bool:
    if not shutil.which("ffmpeg"):
        return False
    with _ffmpeg(path) as process:
        try:
            return len(process.stdout.read(8)) == 8
        finally:
            process.kill()


def _ffmpeg(path: Path) -> subprocess.Popen:
    """Decode to stereo at 48 kHz. It may read that file and nothing else: a playlist could name others, on the network too."""
    return subprocess.Popen(
        [shutil.which("ffmpeg"), "-nostdin", "-v", "quiet", "-protocol_whitelist", "file,pipe", "-i", f"file:{path.absolute()}",
         "-vn", "-f", "f32le", "-ac", "2", "-ar", str(RATE), "-"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
