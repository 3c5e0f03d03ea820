"""Sound files in and out. In memory every sound file is 24-bit, so that what was read is written back bit for bit."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from .errors import UsageError, did_you_mean

RATES = (8_000, 192_000)
"""Samplerates that the instrument's resampler takes."""
CHANNELS_MAX = 64
"""Channels that the instrument's kernels take."""
READABLE = "WAV, FLAC, OGG or MP3"
_MOST_SAMPLES = 2**28  # 1 GiB as int32: over an hour and a half of stereo at 24 bits and 48 kHz
_BLOCK_FRAMES = 65_536
_OF_A_TAKE = ("dry.wav", "voice.wav", "mix.wav")
_EXACT = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ALAW", "ULAW"}
_SCALE = 2.0**23


@dataclass(frozen=True)
class Recording:
    """A sound file that was read.

    `pcm` is (frames, channels) int32 holding 24-bit words in its upper bits: exactly the file's where the file had at
    most 24 bits, rounded where it had more. `notes` are one-line remarks on what was odd about it, for stderr.
    """

    path: Path
    samplerate: int
    pcm: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> np.ndarray:
        """The same as (frames, channels) float32 within +-1; exact, since float32 holds 24 bits."""
        return self.pcm.astype(np.float32) * np.float32(2.0**-31)

    @property
    def channels(self) -> int:
        return self.pcm.shape[1]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.samplerate


def read(path: str | Path) -> Recording:
    """Read a whole WAV, FLAC, OGG or MP3 file. Raises UsageError with one line for anything that cannot be played.

    Not-a-number and infinite samples become silence, a file shorter than its header says is read as far as it goes,
    samples beyond full scale (floats can be) are clipped: each is told in `notes`.
    """
    path = Path(path)
    _require_file(path)
    notes: list[str] = []
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:  # bytes: a name need not be UTF-8
            _require_playable(path, file)
            promised = file.frames
            pcm = _read_blocks(path, file, notes)
            rate = file.samplerate
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: soundfile asks for the shape of a .raw file
        raise UsageError(f"{path}: not a sound file that can be read ({_reason(error)}); give {READABLE}") from None
    if not len(pcm):
        raise UsageError(f"{path}: holds no sound (0 frames); record it again")
    # MP3 headers state their length with encoder padding; only a real loss is worth a word.
    if promised - len(pcm) > rate // 20 and promised < 2**62:
        notes.insert(0, f"{path}: cut short, {len(pcm)} of {promised} frames; going on with those")
    elif missing := _missing_bytes(path):
        notes.insert(0, f"{path}: cut short by {missing} bytes; going on with the {len(pcm)} frames there are")
    return Recording(path, rate, pcm, tuple(notes))


def to_pcm(sound: np.ndarray) -> np.ndarray:
    """Round (frames, channels) float sound to 24-bit words in the upper bits of int32; clips at full scale."""
    words = np.rint(np.asarray(sound, np.float64) * _SCALE)
    return np.clip(words, -_SCALE, _SCALE - 1).astype(np.int32) << 8


class Writer:
    """Write a 24-bit WAV or FLAC file, by the ending of its name. Not for the audio thread: it writes to a disk.

    The file appears under its own name when all of it is written (`close`, or leaving a `with` block without an
    error); until then it lies beside it as NAME.part, so that what was there before survives a failure. Raises
    UsageError at once where it cannot be written, and where that would be the end of `keep`, a file that is read.
    """

    def __init__(self, path: str | Path, samplerate: int, channels: int, keep: str | Path | None = None, tags: dict[str, str] | None = None):
        """`tags` are written into the file, by soundfile's names: comment, artist, software ..."""
        self.path = Path(path)
        if self.path.exists() and not self.path.is_file() and not self.path.is_dir():
            raise UsageError(f"{path}: is not a regular file but a device or a pipe; name a .wav or .flac file")
        kind = {".wav": "WAV" if channels <= 2 else "WAVEX", ".flac": "FLAC"}.get(self.path.suffix.lower())
        if kind is None:
            raise UsageError(f"{path}: written are .wav and .flac; name it {self.path.stem or 'out'}.wav")
        if kind == "FLAC" and channels > 8:
            raise UsageError(f"{path}: FLAC holds at most 8 channels, not {channels}; name it {self.path.stem}.wav")
        if not self.path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {self.path.parent}; make it first")
        if self.path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file in it")
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise UsageError(f"{path}: cannot be written (Permission denied); choose another place with -o")
        self._target = self.path.resolve()  # a link stays a link
        if self._target.name in _OF_A_TAKE and (self._target.parent / "take.json").exists():
            raise UsageError(f"{path}: belongs to a take, and a take is never changed; choose another place")
        self._part = self._target.with_name(self._target.name + ".part")
        for taken in (self._target, self._part):
            if keep is not None and taken.exists() and taken.samefile(keep):
                raise UsageError(f"{path}: would replace {keep}, the recording it is made from; choose another name")
        self._file: soundfile.SoundFile | None = None
        try:
            open(self._part, "wb").close()  # the operating system's reason is better than libsndfile's "System error"
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another place with -o") from None
        try:
            self._file = soundfile.SoundFile(os.fsencode(self._part), "w", samplerate, channels, "PCM_24", format=kind)
            for name, text in (tags or {}).items():
                setattr(self._file, name, text)
        except soundfile.LibsndfileError as error:
            self.discard()
            raise UsageError(f"{path}: cannot be written as {kind} ({_reason(error)}); is the disk full?") from None

    def write(self, sound: np.ndarray) -> None:
        """Append (frames, channels): int32 as `Recording.pcm` holds it, or float sound, rounded by `to_pcm`.

        Raises UsageError where the disk takes no more; what was written before can still be kept by `close`.
        """
        pcm = sound if sound.dtype == np.int32 else to_pcm(sound)
        try:
            self._file.write(np.ascontiguousarray(pcm))
        except (soundfile.LibsndfileError, AssertionError):  # soundfile asserts that all frames were taken
            raise UsageError(f"{self.path}: writing stopped; is the disk full?") from None

    def close(self) -> None:
        """Finish the file and put it in its place; nothing after `discard`."""
        if self._file is None:
            return
        try:
            self._file.close()
            os.replace(self._part, self._target)
        except (soundfile.LibsndfileError, OSError) as error:
            self.discard()
            raise UsageError(f"{self.path}: could not be finished ({_reason(error)}); is the disk full?") from None

    def discard(self) -> None:
        """Leave no trace of what was written; harmless when called twice."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except soundfile.LibsndfileError:
                pass  # a full disk refuses the last header too, and it is being thrown away
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def _require_file(path: Path) -> None:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):
            raise UsageError(f"{path}: is not a regular file but a device or a pipe; give a sound file ({READABLE})")
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() and os.access(folder, os.R_OK) else []
        raise UsageError(f"{path}: no such file{did_you_mean(path.name, names)}") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder; give a sound file ({READABLE})") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if about.st_size == 0:
        raise UsageError(f"{path}: is empty (0 bytes); give a sound file ({READABLE})")


def _missing_bytes(path: Path) -> int:
    """Say how much less a RIFF file is than its header tells; 0 where it tells nothing, as when it was written to a pipe."""
    with open(path, "rb") as file:
        head = file.read(8)
    told = int.from_bytes(head[4:], "little")
    return max(told + 8 - path.stat().st_size, 0) if head[:4] == b"RIFF" and told < 2**32 - 65_536 else 0


def _require_playable(path: Path, file: soundfile.SoundFile) -> None:
    low, high = RATES
    if not low <= file.samplerate <= high:
        raise UsageError(
            f"{path}: samplerate {file.samplerate} Hz, taken are {low} to {high}; "
            f"convert it: ffmpeg -i {path.name} -ar 48000 {path.stem}-48k.wav"
        )
    if file.channels > CHANNELS_MAX:
        raise UsageError(f"{path}: {file.channels} channels, at most {CHANNELS_MAX} are taken; leave some out")


def _read_blocks(path: Path, file: soundfile.SoundFile, notes: list[str]) -> np.ndarray:
    exact = file.subtype in _EXACT
    blocks, samples, bad, over = [], 0, 0, 0
    while True:
        try:
            block = file.read(_BLOCK_FRAMES, dtype="int32" if exact else "float64", always_2d=True)
        except soundfile.LibsndfileError as error:
            if not blocks:
                raise
            notes.append(
                f"{path}: damaged after {samples // file.channels} frames ({_reason(error)}); going on with those"
            )
            break
        if not len(block):
            break
        samples += block.size
        if samples > _MOST_SAMPLES:
            minutes = _MOST_SAMPLES / file.channels / file.samplerate / 60
            raise UsageError(
                f"{path}: too long; at most {minutes:.0f} minutes of {file.channels} channels fit, cut it first"
            )
        if exact:
            block &= -256
        else:
            finite = np.isfinite(block)
            bad += block.size - int(finite.sum())
            block = np.where(finite, block, 0.0)
            over += int((np.abs(block) > 1.0).sum())
            block = to_pcm(block)
        blocks.append(block)
    if bad:
        notes.append(f"{path}: {bad} samples are not numbers; taken as silence")
    if over and file.format not in ("MP3", "OGG"):  # lossy files overshoot a little by nature
        notes.append(f"{path}: {over} samples beyond full scale; clipped")
    return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.int32)


def _reason(error: Exception) -> str:
    text = (
        getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    )
    return text.strip().rstrip(".").splitlines()[0]
