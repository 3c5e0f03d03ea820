"""The register of protected voices, and the ear that knows them again: of people who said no, or keep their voice to themselves.

A voice is told by the shape of its spectrum: mean and spread of 24 cepstral coefficients (30 Hz to 7.6 kHz) over the hops in which
it sounds with a pitch, 48 numbers. Two of these are compared by the ratio of two likelihoods, that they are of one voice and that
they are of two (PLDA: Prince & Elder 2007), and that ratio by what the strangers most like either of them score (adaptive S-norm:
Matejka et al. 2017). The space and the strangers were learned by bench/voices.py and are `voicespace`: without it there
were five times as many errors, and without the strangers every fourth made-up hum was taken for another. No sound is kept, nor can
one be made of a print.

Error rates, and on what: RESPONSIBLE_USE.md. Another register, a whisper, a disguise, a bad microphone make a voice unknown; an
imitation may be taken for it. Whistles and hums with a closed mouth are hardly known again. Below five seconds nothing is said.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UsageError, did_you_mean
from ..home import home
from . import voicespace
from .person import line
from .register import entries

FORMAT = 1
BANDS, CEPSTRA = 57, 24
"""Lowest of the 80 mel bands (model.timbre) that count, and coefficients of them, the first left out."""
NUMBERS = 2 * CEPSTRA
MOST, LEAST = 1000, 250
"""Hops of 20 ms with a pitch: so many are remembered, and below so many nothing is said. 20 s and 5 s."""
CLIP_MOST = 15_000
"""Such hops of a clip that are used: five minutes."""
EVERY = 25
"""Hops between two looks."""
THRESHOLD = voicespace.THRESHOLD
"""Likeness from which two are one voice."""
STRANGEST = 5.0
"""Deviations, squared and in the mean, that a print may be off the middle of all voices; farther out nothing is known."""
UNLIKE = -99.0
"""Likeness of what can't be compared."""
_LEAST_SPREAD = 0.05
_NEAREST = 20  # strangers that a likeness is measured against
_MOST_BYTES, _MOST_VOICES, _MOST_NOTE = 65_536, 1000, 300
_ANGLES = np.pi / BANDS * np.outer(np.arange(1, CEPSTRA + 1), np.arange(BANDS) + 0.5)
_COSINES = (math.sqrt(2 / BANDS) * np.cos(_ANGLES)).astype(np.float32)


@dataclass(frozen=True)
class Voice:
    """A protected voice: `name` is its file's, `print` its 48 numbers, `seconds` how much of it they were made of."""

    name: str
    owner: str
    note: str
    added: str
    seconds: float
    print: np.ndarray

    @property
    def key(self) -> int:
        """What a status names it by, whatever else is registered; never 0."""
        return 1 + zlib.crc32(self.name.encode())

    def as_json(self) -> dict:
        """All but the print."""
        return {key: getattr(self, key) for key in ("name", "owner", "note", "added", "seconds")}


def cepstra(bands: np.ndarray) -> np.ndarray:
    """Cepstral coefficients (24,) float32 of a hop, from the mel bands (2, 80) of its two control frames as `codec.Encoder.bands`
    has them. About 3 microseconds."""
    return _COSINES @ (bands[0, :BANDS] + bands[1, :BANDS]) * np.float32(0.5)


def print_of(heard: np.ndarray) -> np.ndarray:
    """The print (48,) float32 of a voice from the coefficients (hops, 24) of the hops in which it sounded with a pitch."""
    return np.concatenate([heard.mean(0), np.log(heard.std(0) + _LEAST_SPREAD)]).astype(np.float32)


def likeness(prints: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much each of `prints` (n, 48) is like `other` (48,): (n,), in deviations of the strangers' most alike; UNLIKE where one
    of both is too strange to say. 0.2 ms for ten."""
    some, one = _placed(prints), _placed(other[None])
    ratio = _ratio(some, one)[:, 0]
    strangers = voicespace.STRANGERS
    of_some, of_one = _nearest(_ratio(some, strangers)), _nearest(_ratio(one, strangers))
    alike = ((ratio - of_some[0]) / of_some[1] + (ratio - of_one[0]) / of_one[1]) / 2
    return np.where(np.maximum(strangeness(prints), strangeness(other[None])) <= STRANGEST, alike, UNLIKE)


def strangeness(prints: np.ndarray) -> np.ndarray:
    """How far prints (n, 48) are off the middle of all voices, (n,): about 1 for most."""
    return (_placed(prints) ** 2 / (voicespace.BETWEEN + 1)).mean(1)


class Recogniser:
    """Hears the performer's sounding hops, and says which protected voice the last 20 s of them are. Model process, one thread.

    `hear` costs some microseconds a hop, and each 25th hop about 0.2 ms; nothing where no voice is registered. State: the hops,
    what they were last taken for. Deterministic.
    """

    def __init__(self, voices: Sequence[Voice] = (), performer: str = ""):
        """`performer` is who plays: voices that they own themselves are left out."""
        self.voices = [voice for voice in voices if not performer or voice.owner.casefold() != performer.casefold()]
        self._prints = np.array([voice.print for voice in self.voices], np.float32).reshape(-1, NUMBERS)
        self._heard = np.zeros((MOST if self.voices else 0, CEPSTRA), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget who was heard."""
        self._heard[:] = 0
        self._kept, self._match, self.likeness = 0, -1, -math.inf

    def hear(self, bands: np.ndarray) -> None:
        """Take a hop that sounds with a pitch, as `cepstra` does."""
        if not self.voices:
            return
        self._heard[self._kept % MOST] = cepstra(bands)
        self._kept += 1
        if self._kept >= LEAST and self._kept % EVERY == 0:
            self._look()

    @property
    def match(self) -> Voice | None:
        """The protected voice that was heard; None where it was none, or where too little was heard to say."""
        return self.voices[self._match] if self._match >= 0 else None

    @property
    def key(self) -> int:
        """Its key; 0 for none."""
        return self.voices[self._match].key if self._match >= 0 else 0

    def take_over(self, key: int) -> None:
        """Go on from what a process before this one took the performer for, until enough was heard again."""
        self._match = next((at for at, voice in enumerate(self.voices) if voice.key == key), -1)

    def _look(self) -> None:
        """Compare what was heard with all voices."""
        found = likeness(self._prints, print_of(self._heard[: min(self._kept, MOST)]))
        best = int(found.argmax())
        self.likeness = float(found[best])
        self._match = best if self.likeness >= THRESHOLD else -1

    def state(self) -> dict:
        """A copy of the State."""
        return {"heard": self._heard.copy(), "kept": self._kept, "match": self._match, "likeness": self.likeness}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned, of one with the same voices."""
        if state["heard"].shape == self._heard.shape:
            self._heard[:] = state["heard"]
            self._kept, self._match, self.likeness = state["kept"], min(state["match"], len(self.voices) - 1), state["likeness"]


def folder() -> Path:
    """Where the register lies. It need not exist."""
    return home() / "guard" / "voices"


def read() -> tuple[list[Voice], list[str]]:
    """All voices, by name, and a line for each file that can't be read as one."""
    return entries(folder(), "voice", _MOST_VOICES, _read)


def name_of(key: int) -> str:
    """Whose voice it is that a status tells of by its key; empty for none."""
    return next((voice.owner for voice in read()[0] if voice.key == key), "") if key else ""


def add(owner: str, heard: np.ndarray, note: str = "", file: str = "the clip") -> Voice:
    """Register a voice from the coefficients (hops, 24) of a clip; several clips of one owner are several prints, which is better.

    Raises UsageError where less than five seconds of it sound with a pitch, and where it is too strange to be compared.
    """
    owner = line("--owner", owner, 100)
    note = line("--note", note, _MOST_NOTE) if note.strip() else ""
    require(heard, file)
    heard = heard[:CLIP_MOST]
    taken = {voice.name for voice in read()[0]}
    if len(taken) >= _MOST_VOICES:
        raise UsageError(f"the register holds {_MOST_VOICES} voices, which is the most; remove one")
    name = base = re.sub(r"[^\w-]+", "-", owner.lower()).strip("-")[:60] or "voice"
    number = 2
    while name in taken or os.path.exists(folder() / f"{name}.json"):
        name, number = f"{base}-{number}", number + 1
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    voice = Voice(name, owner, note, now, round(len(heard) * 0.02, 1), print_of(heard))
    _write(voice)
    return voice


def require(heard: np.ndarray, file: str) -> None:
    """Raise UsageError where too little was heard of a voice to tell it from others, or nothing like one."""
    if len(heard) < LEAST:
        sounding_s, least_s = len(heard) * 0.02, LEAST * 0.02
        raise UsageError(f"{file}: {sounding_s:.1f} s of it sound with a pitch; at least {least_s:g} s of one voice are needed")
    if strangeness(print_of(heard)[None])[0] > STRANGEST:
        raise UsageError(f"{file}: unlike any voice or instrument that this was learned from; it can't be told from others")


def remove(name: str) -> Voice:
    """Take a voice out. Raises UsageError with the nearest where there is none of that name."""
    found, _ = read()
    voice = next((voice for voice in found if voice.name == name), None)
    if voice is None:
        near = did_you_mean(name, [voice.name for voice in found])
        raise UsageError(f"no voice {name!r} in the register{near or '; `antiphon guard voice list` shows all'}")
    path = folder() / f"{name}.json"
    try:
        path.unlink()
    except OSError as error:
        raise UsageError(f"{path}: can't be removed ({error.strerror})") from None
    return voice


def _placed(prints: np.ndarray) -> np.ndarray:
    """Prints (n, 48) in the space where one voice differs from itself by one deviation in each direction, (n, d)."""
    return (prints - voicespace.CENTRE) @ voicespace.AXES


def _ratio(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Log of the likelihoods' ratio of each with each, (n, m): both draw from one voice, or from two."""
    between = voicespace.BETWEEN
    total = between + 1
    both = total**2 - between**2
    alone = 0.5 / total - 0.5 * total / both
    return ((some**2 @ alone)[:, None] + (others**2 @ alone)[None] + (some * (between / both)) @ others.T
            + (np.log(total) - 0.5 * np.log(both)).sum())  # fmt: skip


def _nearest(ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each row's highest."""
    most = np.sort(ratios, 1)[:, -_NEAREST:]
    return most.mean(1), most.std(1) + 1.0


def _read(path: Path) -> Voice:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes")
    told = json.loads(path.read_text(encoding="utf-8"))
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']!r}, expected {FORMAT}")
    numbers = np.array(told["print"], np.float32)
    if numbers.shape != (NUMBERS,) or not np.isfinite(numbers).all() or np.abs(numbers).max() > 1e4:
        raise ValueError(f"its print is not {NUMBERS} numbers")
    words = [str(told[key])[:_MOST_NOTE] for key in ("owner", "note", "added")]
    return Voice(path.stem, *words, float(told["seconds"]), numbers)


def _write(voice: Voice) -> None:
    told = {"format": FORMAT, **{key: value for key, value in voice.as_json().items() if key != "name"}}
    told["print"] = [round(float(number), 4) for number in voice.print]
    path = folder() / f"{voice.name}.json"
    half = path.with_suffix(".half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        os.chmod(half, 0o600)
        os.replace(half, path)
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror})") from None
