"""Something that is measured and need not be ours: a program that speaks the protocol of subjects/README.md."""

from __future__ import annotations

import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from pythonosc.osc_message_builder import OscMessageBuilder

from jackrig import end_with_parent

READY_S = 20.0
"""What a subject has until sound runs."""
ANSWER_S = 5.0
_LINE_BYTES = 1 << 24
_SHOWN = 80
FIRST = '{"ready": true, "name": ..., "client": ..., "latency_frames": ..., "control": ...}'


class SubjectFailed(Exception):
    """A subject that does not start, says what it should not, or has ended: one line."""


class SubjectSkips(Exception):
    """A subject that says itself that it cannot be measured here, and why."""


@dataclass(frozen=True)
class Osc:
    """Where a gain is sent by OSC over UDP: the address, what comes before the gain, and whether that is linear or in dB."""

    port: int
    address: str
    arguments: tuple = ()
    unit: str = "linear"

    def packet(self, gain: float) -> bytes:
        message = OscMessageBuilder(self.address)
        for argument in self.arguments:
            message.add_arg(argument)
        message.add_arg(float(gain if self.unit == "linear" else 20 * math.log10(gain)), "f")
        return message.build().dgram


@dataclass(frozen=True)
class Said:
    """The first line of a subject, checked."""

    name: str
    client: str | None
    latency_frames: float | None
    control: Osc | None
    """None: by lines on its standard input."""


def read_first(words: object) -> Said:
    """Check what a subject says first. Raises ValueError with what is wrong, SubjectSkips where it says that it cannot."""
    if not isinstance(words, dict):
        raise ValueError(f"it says {_short(words)}, expected {FIRST}")
    if "skip" in words:
        raise SubjectSkips(_text(words, "skip", 300))
    if words.get("ready") is not True:
        raise ValueError(f"it says {_short(words)} without \"ready\": true, expected {FIRST}")
    client = None if words.get("client") is None else _text(words, "client", 200)
    latency = words.get("latency_frames")
    if latency is not None and not (_number(latency) and 0 <= latency < 1e7):
        raise ValueError(f'"latency_frames": {_short(latency)}, expected a number of frames or null')
    return Said(_text(words, "name", 60), client, latency, _control(words.get("control")))


def _control(told: object) -> Osc | None:
    if told == "stdin":
        return None
    if not isinstance(told, dict) or "osc" not in told:
        raise ValueError(f'"control": {_short(told)}, expected "stdin" or {{"osc": port, "address": "/gain"}}')
    port, address, arguments, unit = told["osc"], told.get("address"), told.get("arguments", []), told.get("unit", "linear")
    if type(port) is not int or not 1 <= port <= 65535:
        raise ValueError(f'"osc": {_short(port)}, expected a port from 1 to 65535')
    if not isinstance(address, str) or not address.startswith("/") or len(address) > 200:
        raise ValueError(f'"address": {_short(address)}, expected an OSC address such as "/gain"')
    if not isinstance(arguments, list) or len(arguments) > 16 or not all(_number(one) or isinstance(one, str) for one in arguments):
        raise ValueError(f'"arguments": {_short(arguments)}, expected a list of numbers and words')
    if unit not in ("linear", "dB"):
        raise ValueError(f'"unit": {_short(unit)}, expected "linear" or "dB"')
    return Osc(port, address, tuple(arguments), unit)


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _text(words: dict, name: str, most: int) -> str:
    text = words.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > most or not text.isprintable():
        raise ValueError(f'"{name}": {_short(text)}, expected a word or two, {most} letters at most')
    return text


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


class Subject:
    """One running subject: use as a context. One thread. Everything raises SubjectFailed where it says nonsense or has ended.

    `folder` is for its pipe and for what it says on standard error; `fifo` may be written to by whoever else steers it.
    """

    def __init__(self, program: str | Path, folder: Path):
        self.program = Path(program)
        self.name = self.program.stem
        self._errors, self.fifo = folder / f"{self.name}.err", folder / f"{self.name}.in"
        self._process: subprocess.Popen | None = None
        self._lines: queue.Queue[bytes] = queue.Queue(1000)  # who floods us waits

    def __enter__(self) -> Subject:
        try:
            self._start()
            self.said = self._first()
        except BaseException:
            self.close(wait_s=0.2)
            raise
        self.name = self.said.name
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def ask(self, **request) -> dict:
        """Send one line and return the one that answers it."""
        self._write(request)
        answer = self._line(ANSWER_S, f"no answer to {json.dumps(request)}")
        if not isinstance(answer, dict):
            raise SubjectFailed(f"{self.name}: it answers {_short(answer)} to {json.dumps(request)}, expected an object")
        return answer

    def busy(self, threads: int) -> bool:
        """Have it run so many threads that hold its interpreter's lock; False where it has none."""
        return self.ask(busy=threads).get("busy") == threads

    def counts(self) -> dict[str, int]:
        """What it counts, by names of its own."""
        told = self.ask(counts=True).get("counts")
        return {name: int(count) for name, count in told.items() if _number(count)} if isinstance(told, dict) else {}

    def spacing_us(self) -> list[float] | None:
        """Microseconds between its callbacks since it was last asked; None where it does not say."""
        told = self.ask(spacing=True).get("spacing_us")
        if told is None:
            return None
        if not isinstance(told, list) or not all(_number(one) for one in told):
            raise SubjectFailed(f'{self.name}: "spacing_us": {_short(told)}, expected a list of numbers or null')
        return told

    @property
    def where(self) -> dict:
        """Where gains are sent, as the probe takes it."""
        return {"udp": self.said.control.port} if self.said.control else {"fifo": str(self.fifo)}

    def message(self, gain: float) -> bytes:
        """What sets the gain, to be sent to `where`."""
        return self.said.control.packet(gain) if self.said.control else json.dumps({"gain": gain}).encode() + b"\n"

    def close(self, wait_s: float = 5.0) -> None:
        """End its input, wait a little, then end it whatever it says. Harmless when called twice."""
        if self._process is None:
            return
        os.close(self._input)
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _start(self) -> None:
        command = [sys.executable, str(self.program)] if self.program.suffix == ".py" else [str(self.program.absolute())]
        if not self.program.is_file():
            raise SubjectFailed(f"{self.program}: there is no such program")
        os.mkfifo(self.fifo)
        reading = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)  # a pipe with one end only waits for the other
        self._input = os.open(self.fifo, os.O_WRONLY)
        os.set_blocking(reading, True)
        os.set_blocking(self._input, False)  # who does not read must not stop us
        try:
            with open(self._errors, "wb") as errors:
                self._process = subprocess.Popen(
                    command, stdin=reading, stdout=subprocess.PIPE, stderr=errors, preexec_fn=end_with_parent
                )
        except OSError as error:
            os.close(self._input)
            raise SubjectFailed(f"{self.program}: does not start ({error.strerror}); is it executable?") from None
        finally:
            os.close(reading)
        threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()

    def _first(self) -> Said:
        words = self._line(READY_S, f"expected {FIRST}")
        try:
            return read_first(words)
        except ValueError as error:
            raise SubjectFailed(f"{self.name}: {error}") from None

    def _write(self, request: dict) -> None:
        try:
            os.write(self._input, json.dumps(request).encode() + b"\n")
        except OSError:
            raise SubjectFailed(f"{self.name}: {self._ended()}") from None

    def _line(self, wait_s: float, expected: str) -> object:
        """The next line, as JSON."""
        try:
            line = self._lines.get(timeout=wait_s)
        except queue.Empty:
            raise SubjectFailed(f"{self.name}: said nothing for {wait_s:g} s; {expected}") from None
        if not line:
            raise SubjectFailed(f"{self.name}: {self._ended()}")
        try:
            return json.loads(line)
        except ValueError:
            shown = line[:_LINE_BYTES].decode(errors="replace").strip()
            raise SubjectFailed(f"{self.name}: it says {_short(shown)}, which is no JSON; {expected}") from None

    def _ended(self) -> str:
        """Why it is not there any more, in its own last words where there are any."""
        until = time.monotonic() + 1.0
        while (code := self._process.poll()) is None and time.monotonic() < until:
            time.sleep(0.01)
        words = self._errors.read_text(errors="replace").strip().splitlines()
        how = "it closed its output" if code is None else f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"{how}: {words[-1].strip()[:200]}" if words else how


def _listen(stream, lines: queue.Queue) -> None:
    """Put every line into the queue, and an empty one at the end."""
    while line := stream.readline(_LINE_BYTES):
        lines.put(line)
    lines.put(b"")
