"""The stems of a take as FLAC, the plain disclosure in their tags; the WAVs, which the log is about, stay."""

from __future__ import annotations

import os
from pathlib import Path

import soundfile

from ..errors import UsageError
from .form import STEMS, TakeError
from .reader import Take

_BLOCK_FRAMES = 65_536
_CHANNELS_MOST = 8


def to_flac(folder: str | Path, into: str | Path | None = None) -> list[Path]:
    """Write dry.flac, voice.flac and mix.flac, 24 bits, bit for bit, into the take or another folder, which is made.

    Raises UsageError where a stem has more channels than FLAC holds or nothing can be written, TakeError for a take that
    was not closed. Files of these names are replaced.
    """
    take = Take(folder)
    if not take.closed:
        raise TakeError(f"take {folder}: was never closed; repair it first: antiphon take repair")
    many = [name for name in STEMS if take.about["channels"][Path(name).stem] > _CHANNELS_MOST]
    if many:
        raise UsageError(f"take {folder}: FLAC holds at most {_CHANNELS_MOST} channels, {many[0]} has more; keep the WAV")
    into = Path(into) if into is not None else take.folder
    try:
        into.mkdir(parents=True, exist_ok=True)
        return [_convert(take, name, into / f"{Path(name).stem}.flac") for name in STEMS]
    except (OSError, soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that all frames were taken
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or "is the disk full?"
        raise UsageError(f"take {folder}: FLAC cannot be written into {into} ({reason.strip().rstrip('.')})") from None


def _convert(take: Take, name: str, target: Path) -> Path:
    part = target.with_name(target.name + ".part")
    open(part, "wb").close()  # the operating system's reason is better than libsndfile's "System error"
    try:
        with (
            soundfile.SoundFile(os.fsencode(take.path(name))) as wav,
            soundfile.SoundFile(os.fsencode(part), "w", wav.samplerate, wav.channels, "PCM_24", format="FLAC") as flac,
        ):
            flac.comment = take.words(name)
            flac.title = f"Antiphon take {take.id}, {target.stem}"
            flac.artist = take.performer or "unnamed performer"
            flac.date = take.about["started"][:10]
            flac.software = str(take.about.get("software", "Antiphon"))
            while len(block := wav.read(_BLOCK_FRAMES, dtype="int32", always_2d=True)):
                flac.write(block)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target
