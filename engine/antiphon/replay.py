"""A take's voice made again: the same steps, told the same, from the microphone as it was recorded; compared hop by hop.

On the machine and the bundle that made it the voice is the same bit for bit; elsewhere arithmetic may round otherwise, and it is
said how far it agrees. Nothing of the take is changed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from . import __version__, journal
from .audiofile import Writer, to_pcm
from .errors import UsageError
from .frozen import thaw
from .kernels import KernelError, Resampler
from .latency import HOP, MODEL_RATE
from .layout import MARK_WORDS
from .marking import marking
from .model.worker import heard, hop_of
from .params import REGISTRY
from .provenance import keys
from .take import Take
from .take.form import VOICE
from .takes import of_bundle, registers
from .worker_main import build_chain

_PIECE = 1 << 16
_FADE_S = 0.1  # more than a voice takes to fade away that nobody follows any more


@dataclass(frozen=True)
class Replayed:
    """What came of it. A hop is same where its voice has the digest that was recorded; frames are those of voice.wav, which is the
    voice as it was heard: where a step came too late, or a device stopped, the callback has faded it, and its frames are others.
    `snr_db` is of the recorded voice against its difference from this one, None where nothing differs; `notes` say in a line
    each what could not be replayed and why.
    """

    take: str
    seconds: float
    hops: int
    hops_same: int
    frames: int
    frames_same: int
    first_difference_s: float | None
    snr_db: float | None
    notes: tuple[str, ...] = field(default=())

    @property
    def identical(self) -> bool:
        """Whether the model made every hop the same, bit for bit, and nothing was left out."""
        return self.hops > 0 and self.hops == self.hops_same and not self.notes

    def as_json(self) -> dict:
        """Give it as a JSON document."""
        return {**asdict(self), "identical": self.identical, "as_heard": self.identical and self.frames == self.frames_same}


def replay(folder: str | Path, out: str | Path | None = None, progress: Callable[[float, float], None] | None = None) -> Replayed:
    """Make the voice of a take again, into the file `out` where one is named, and compare it with voice.wav.

    `progress` is called with (seconds done, seconds in all). Raises UsageError for what is no take, or not of a bundle that is here.
    """
    take = Take(folder)
    _require_bundle(take)
    if out is not None:
        _require_elsewhere(take.folder, Path(out))
    writer = Writer(out, take.samplerate, 1, tags={"comment": take.words(VOICE)}) if out is not None else None
    try:
        with _open(take, "dry.wav") as dry, _open(take, "voice.wav") as voice:
            again = _Again(take, dry, _Compared(voice, writer), _tapes(take))
            for step in take.steps():
                for kind, content in journal.records(step):
                    again.take(kind, content)
                if progress:
                    progress(again.compared.at / take.samplerate, take.seconds)
            again.compared.silence(take.frames)
    except BaseException:
        if writer:
            writer.discard()
        raise
    if writer:
        writer.close()
    return again.result()


class _Again:
    """The worker of a take, without its process: what was journaled moves it on."""

    def __init__(self, take: Take, dry: soundfile.SoundFile, compared: _Compared, tapes: dict[int, tuple[int, int]]):
        """`tapes` has the clock and the take's frame at which each epoch of the tape begins."""
        self._take, self._dry, self.compared = take, dry, compared
        self._rate = take.samplerate
        self._chain = self._mark = None
        self._params = np.zeros(0)
        self._tapes, self._tape = tapes, (0, 0)
        self._hops = self._same = self._begun = 0
        self._ahead = 0  # frames from what a step hears to the end of what it makes: so long sounds what was made before
        self._first: float | None = None
        self._notes: list[str] = []

    def take(self, kind: int, content) -> None:
        """Do what a record of the journal says."""
        if kind == journal.BEGIN:
            self._begin(content)
        elif kind == journal.BREAK:
            self._note("the model was not followed for a while: the journal was full")
            self._chain = None
        elif self._chain is None:
            return
        elif kind == journal.PARAMS:
            if len(content) != REGISTRY.step_width + MARK_WORDS:
                made = self._take.about.get("software", "another version")
                raise UsageError(f"{self._take.folder}: was made by {made}, whose parameters are not those of {__version__}")
            self._params = content
            self._mark.told(content)
        elif kind == journal.PRIME:
            self._prime(*content)
        elif kind == journal.OPEN:
            self._out_of.reset()
        elif kind == journal.STEP:
            self._step(*content)

    def result(self) -> Replayed:
        """What came of it."""
        if len(self._tapes) > 1:
            self._note("the disk was too slow: what the model heard while sound is missing cannot be heard again")
        elif self.compared.unexplained > (self._ahead + _FADE_S * self._rate) * self._begun:
            seconds = self.compared.unexplained / self._rate
            self._note(f"{seconds:.1f} s of the voice have no steps of the model to be made again from; "
                       f"antiphon take verify {self._take.folder}")  # fmt: skip
        if not self._hops:
            self._note("the model's steps are not in it; nothing can be replayed")
        compared = self.compared
        if self._same < self._hops and self._take.about.get("registers") != registers():
            self._note("the guarded works and protected voices are not those of then, so answers may differ")
        return Replayed(str(self._take.folder), self._take.seconds, self._hops, self._same, compared.at, compared.same, self._first,
                        compared.snr_db, tuple(self._notes))  # fmt: skip

    def _begin(self, about: dict) -> None:
        _require_ours(self._take, about)
        state, tape = None, self._tapes.get(about["epoch"])
        self._begun += 1
        if tape is None:  # the take ended before it was told where the tape begins
            self._chain = None
            return
        self._tape = tape
        if about["state"] or not about["fresh"]:
            state = self._state(about)
            if state is None:
                self._note("the state that the model was in is not in it; its steps cannot be made again")
                self._chain = None
                return
        self._chain = build_chain(about["bundle"], about["seed"], check=False, person=about.get("person", ""))
        self._mark = marking(about["bundle"], self._key())
        self._into, self._out_of = Resampler(self._rate, MODEL_RATE), Resampler(MODEL_RATE, self._rate)
        self._pending = np.zeros(0, np.float32)
        self._channel, self._hop, self._taken = about["mic_channel"], about["hop"], about["taken"]
        if state is not None:
            self._set_state(state)

    def _state(self, about: dict) -> dict | None:
        try:
            return thaw(self._take.path(journal.state_name(about)).read_bytes())
        except OSError:
            return None

    def _set_state(self, state: dict) -> None:
        try:
            self._chain.set_state(state["chain"])
            self._mark.set_state(state["mark"])
            self._into.set_state(state["into"])
            self._out_of.set_state(state["out_of"])
            self._pending = state["pending"]
        except (KeyError, TypeError, ValueError, AttributeError, KernelError) as error:
            raise UsageError(f"{self._take.folder}: the state in it is not one of this version ({type(error).__name__}: {error})") from None

    def _prime(self, position: int, hops: int, behind: int) -> None:
        past = []
        for _ in range(hops):
            frames = ((self._hop + 1) * HOP - 1) * self._rate // MODEL_RATE + 1 - self._taken
            if self._frame(position) + frames > self._take.frames:  # it heard what came after the take had ended
                self._chain = None
                return
            past.append(self._read_hop(position, frames).copy())
            position += frames
        self._chain.prime(np.stack(past), self._params, behind)

    def _step(self, position: int, frames: int, due_s: float, digest: bytes) -> None:
        if self._frame(position) + frames > self._take.frames:
            return  # it heard what came after the take had ended
        mic = self._read_hop(position, frames)
        self._chain.due_s = due_s
        voice = np.ascontiguousarray(self._mark.step(self._chain.step(mic, self._params)), np.float32)
        voice = self._out_of.process(voice).copy()
        self._chain.settle()
        due = round(due_s * self._rate) - self._out_of.delay_frames
        self._hops += 1
        self._ahead = max(self._ahead, self._frame(due) + len(voice) - self._frame(position))
        if journal.digest(voice) == digest:
            self._same += 1
        elif self._first is None:
            self._first = self._frame(due) / self._rate
        self.compared.put(self._frame(due), voice)

    def _read_hop(self, position: int, frames: int) -> np.ndarray:
        self._hop += 1
        self._taken += frames
        self._dry.seek(max(self._frame(position), 0))
        data = self._dry.read(frames, dtype="int32", always_2d=True).astype(np.float32) * np.float32(2.0**-31)
        mic, self._pending = hop_of(self._into, heard(data, self._channel), self._pending)
        return mic

    def _frame(self, clock: int) -> int:
        return clock - self._tape[0] + self._tape[1]

    def _key(self) -> bytes:
        wanted = self._take.about.get("key")
        found = next((secret for name, secret in keys.mark_keys() if name == wanted), None)
        if found is None and self._take.about["bundle"] != "through":
            self._note(f"the key {wanted} of its mark is not here, so its voice cannot be the same to the bit; antiphon keys import")
        return found or bytes(keys.SIZE)

    def _note(self, line: str) -> None:
        if line not in self._notes:
            self._notes.append(line)


class _Compared:
    """The voice as it was recorded, and beside it the one made again, frame by frame."""

    def __init__(self, voice: soundfile.SoundFile, writer: Writer | None):
        self._voice, self._writer = voice, writer
        self.at = self.same = 0
        self.unexplained = 0
        """Frames in which something sounds, and no step is known that made it."""
        self._power = self._difference = 0.0

    def put(self, frame: int, voice: np.ndarray) -> None:
        """This begins at `frame`; what lies between is silence. What comes after the take has ended is not compared."""
        self.silence(frame)
        self._compare(voice[self.at - frame :])

    def silence(self, until: int) -> None:
        """Nothing sounds up to this frame."""
        while (missing := min(until, self._voice.frames) - self.at) > 0:
            at, same = self.at, self.same
            self._compare(np.zeros(min(missing, _PIECE), np.float32))
            self.unexplained += self.at - at - (self.same - same)

    @property
    def snr_db(self) -> float | None:
        if not self._difference:
            return None
        return round(10 * math.log10(max(self._power, 1e-20) / self._difference), 1)

    def _compare(self, voice: np.ndarray) -> None:
        before = self._voice.read(len(voice), dtype="int32")
        again = to_pcm(voice)[: len(before)]  # the take may end before the voice does
        self.at += len(before)
        self.same += int(np.count_nonzero(before == again))
        recorded = before * 2.0**-31
        self._power += float(np.square(recorded).sum())
        self._difference += float(np.square(recorded - again * 2.0**-31).sum())
        if self._writer and len(again):
            self._writer.write(again[:, None])


def _tapes(take: Take) -> dict[int, tuple[int, int]]:
    """Where each epoch of the tape begins. Looked for first: a model may have told its first step before the recorder had seen
    that the tape runs."""
    told = (content for step in take.steps() for kind, content in journal.records(step) if kind == journal.TAPE)
    return {tape["epoch"]: (tape["clock"], tape["frame"]) for tape in told}


def _require_ours(take: Take, about: dict) -> None:
    """A take may be a stranger's: what its journal says of a beginning is of the bundle that was looked at, and of numbers."""
    numbers = [about.get(name) for name in ("epoch", "position", "hop", "taken", "seed")]
    channel = about.get("mic_channel", -1)
    plain = all(type(number) is int and number >= 0 for number in numbers) and (channel is None or type(channel) is int and channel >= 0)
    if not plain or not {"state", "fresh"} <= about.keys() or about.get("bundle") != take.about["bundle"]:
        raise UsageError(f"{take.folder}: its journal does not say what a take's says; antiphon take verify {take.folder}")


def _require_bundle(take: Take) -> None:
    name, digest = take.about.get("bundle"), take.about.get("model_hash")
    if not isinstance(name, str) or of_bundle(name)["model_hash"] != digest:
        raise UsageError(
            f"{take.folder}: was made with the bundle {name!r} {str(digest)[:12]}, which is not here; "
            f"antiphon bundle info {name} --json tells the sha256 of the one that is"
        )


def _require_elsewhere(folder: Path, out: Path) -> None:
    """Refuse to write over what is in the take, by whatever name."""
    inside = os.path.dirname(os.path.realpath(out)) == os.path.realpath(folder)
    if inside or os.path.exists(out) and any(out.samefile(path) for path in folder.iterdir() if path.exists()):
        raise UsageError(f"{out}: is in the take itself, and a take is never changed; name a file elsewhere")


def _open(take: Take, name: str) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(take.path(name))
    except (soundfile.LibsndfileError, OSError) as error:
        raise UsageError(f"{take.folder}: {name} cannot be read ({error}); antiphon take repair {take.folder}") from None
