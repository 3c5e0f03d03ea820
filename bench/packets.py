"""Who sends: a process of its own that gives packets to a socket, or messages to a MIDI port, and says when; and who is sent to.

    python bench/packets.py --udp PORT | --midi CLIENT | --echo

A plan comes as a line of JSON, what became of it goes back as one. The process has nothing else to do, so that no lock of the
instrument's interpreter holds it up. `--echo` is the control of a packet's way: a socket that sends back what it gets.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
_FROM_1900_S = 2_208_988_800
_LAST_ANSWERS_S = 0.2
_MIDI_TRIES, _UNBOUND = 3, bytes((0xB0, 3, 1))
BY_HAND = "handed to MidiIn as a port's thread does"


@dataclass(frozen=True)
class Planned:
    """One packet or MIDI message: how long after the one before it goes; of a packet for later, how far ahead its tag is.

    `lost` is a fault: it is not sent, and told as if it were.
    """

    wait_s: float
    data: bytes
    ahead_s: float | None = None
    lost: bool = False


@dataclass(frozen=True)
class Sent:
    """What became of a plan: time.monotonic() right before each was given away, the Unix times of tags (None: at once), and
    answers, each with time.monotonic()."""

    at_s: list[float] = field(default_factory=list)
    tags_s: list[float | None] = field(default_factory=list)
    answers: list[tuple[float, bytes]] = field(default_factory=list)


class CannotSend(Exception):
    """There is no such port; str() is one line."""


class Sender:
    """The process, from here. Use as a context. Raises CannotSend."""

    def __init__(self, *to: str):
        command = [sys.executable, str(Path(__file__)), *to]
        self._process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.told = self._line()
        if self.told.get("error"):
            self.__exit__()
            raise CannotSend(self.told["error"])

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *error) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def play(self, plan: list[Planned]) -> Sent:
        """Send all of it, and wait a little for the last answers."""
        words = [[one.wait_s, one.data.hex(), one.ahead_s, one.lost] for one in plan]
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        told = self._line()
        return Sent(told["at_s"], told["tags_s"], [(at, bytes.fromhex(data)) for at, data in told["answers"]])

    def _line(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that sends has ended")
        return json.loads(line)


class Stage:
    """An engine with its desk and its OSC port, on a loop in a thread, as `antiphon play` has them. Use as a context.

    `applied` are (path, value, frame asked for or None, publications of the mailbox by then, time.monotonic()) of every change as
    it reached the callback's queue or the model's mailbox, in order: what is for later is there when it is due. What the mailbox
    should have and was not published has None publications.
    """

    def __init__(self, engine, midi: str | None = None):
        """`midi`: None for none, else the name of the MIDI system that is there, "" for no system."""
        from antiphon.control.desk import Desk
        from antiphon.control.network import Network
        from antiphon.params import REGISTRY

        self._engine, self._midi = engine, midi
        self.applied: list[tuple] = []
        self._apply, engine.steering.apply = engine.steering.apply, self._note
        self.lines: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="antiphon-control", daemon=True)
        self.desk = Desk(
            REGISTRY, engine.apply, engine.values, frame_at=lambda s: engine.frame_clock.frame_at(s), log=self.lines.append
        )
        self._network = Network(self.desk)
        self._ports = self._task = None

    def __enter__(self) -> Stage:
        self._thread.start()
        self._do(self._network.open(port=0, tcp=False, oscquery=False, announce=False))
        if self._midi is not None:
            self._do(self._listen())
        return self

    def __exit__(self, *error) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        return self._network.address[1]

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def play_midi(self, plan: list[Planned]) -> tuple[Sent, str]:
        """Send MIDI messages from a process of their own where there is a MIDI system that answers, else hand them over as a port's
        thread does; and say which."""
        for _ in range(_MIDI_TRIES if self._midi else 0):
            with contextlib.suppress(CannotSend), Sender("--midi", "Antiphon") as sender:
                before = self.midi.messages
                sender.play([Planned(0.1, _UNBOUND)])  # a server may have thrown a client out that was late
                if self.midi.messages > before:
                    return sender.play(plan), f"python-rtmidi, {self._midi}"
        sent = Sent()
        for one in plan:
            time.sleep(one.wait_s)
            sent.at_s.append(time.monotonic())
            if not one.lost:
                self._ports.heard(one.data, 0.0)
        time.sleep(_LAST_ANSWERS_S)
        return sent, BY_HAND

    def _note(self, event) -> None:
        from antiphon.kernels import lib
        from antiphon.params import REGISTRY

        before = int(lib.ap_mailbox_version(self._engine.segment.params))
        self._apply(event)
        published: int | None = int(lib.ap_mailbox_version(self._engine.segment.params))
        if published == before and REGISTRY.resolve(event.path).target == "step":
            published = None
        self.applied.append((event.path, event.value, event.time_frame, published, time.monotonic()))

    async def _listen(self) -> None:
        from antiphon.control.midi import MidiIn
        from antiphon.control.midiports import RtMidiPorts

        self._ports = HandPorts(RtMidiPorts() if self._midi else None)
        self.midi = MidiIn(self.desk, self._ports, wanted=[], own=True)
        self._task = asyncio.get_running_loop().create_task(self.midi.run())
        await asyncio.sleep(0.3)

    async def _close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._ports.close()
        await self._network.close()


class HandPorts:
    """The machine's ports, if there are any, and a way to play our own by hand."""

    own = True

    def __init__(self, machine=None) -> None:
        self._machine = machine
        self.heard = lambda data, since_s: None

    def inputs(self) -> list[str]:
        return self._machine.inputs() if self._machine else []

    def open_input(self, name, heard):
        self.heard = heard
        return self._machine.open_input(name, heard) if self._machine else self

    def is_there(self) -> bool:
        return True

    def close(self) -> None:
        if self._machine:
            self._machine.close()


@contextlib.contextmanager
def midi_server(samplerate: int, period: int):
    """Give the name of a MIDI system that python-rtmidi reaches: a JACK server of our own where there is no other; "" for none."""
    try:
        import rtmidi
    except ImportError:
        yield ""
        return
    if Path("/dev/snd/seq").exists() and rtmidi.API_LINUX_ALSA in rtmidi.get_compiled_api():
        yield "ALSA"
        return
    from jackrig import JackMissing, JackServer

    if rtmidi.API_UNIX_JACK not in rtmidi.get_compiled_api():
        yield ""
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(JackServer(samplerate, period))
            system = f"JACK, period {period}"
        except JackMissing:
            system = ""
        yield system


def bundled(message: bytes, unix_s: float) -> bytes:
    """A message in an OSC bundle with a time tag."""
    return b"#bundle\0" + struct.pack(">Qi", round((unix_s + _FROM_1900_S) * 2**32), len(message)) + message


def _udp(port: int):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect((LOOPBACK, port))

    def wait(seconds: float, answers: list) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([out], [], [], left)[0]:
                with contextlib.suppress(OSError):
                    data = out.recv(65_536)
                    answers.append((time.monotonic(), data.hex()))

    return out.send, wait


def _midi(client: str):
    import rtmidi

    until = time.monotonic() + 5
    while time.monotonic() < until:
        for api in rtmidi.get_compiled_api():
            with contextlib.suppress(rtmidi.RtMidiError):
                out = rtmidi.MidiOut(api, name="Bench")
                if found := [name for name in out.get_ports() if client in name]:
                    out.open_port(out.get_ports().index(found[0]))
                    return lambda data, out=out: out.send_message(list(data)), lambda seconds, answers: time.sleep(seconds)
        time.sleep(0.1)
    raise OSError(f"no MIDI port like {client!r}")


def _send(send, wait, plan: list) -> dict:
    at_s, tags_s, answers = [], [], []
    for wait_s, data, ahead_s, lost in plan:
        wait(wait_s, answers)
        tag = None if ahead_s is None else time.time() + ahead_s
        packet = bytes.fromhex(data) if tag is None else bundled(bytes.fromhex(data), tag)
        at_s.append(time.monotonic())
        tags_s.append(tag)
        if not lost:
            with contextlib.suppress(OSError):
                send(packet)
    wait(_LAST_ANSWERS_S, answers)
    return {"at_s": at_s, "tags_s": tags_s, "answers": answers}


def _echo() -> None:
    back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    back.bind((LOOPBACK, 0))
    print(json.dumps({"port": back.getsockname()[1]}), flush=True)
    while True:
        if sys.stdin in select.select([back, sys.stdin], [], [])[0]:
            return  # whoever started it has gone, or wants no more
        data, sender = back.recvfrom(65_536)
        back.sendto(data, sender)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--udp", type=int)
    kind.add_argument("--midi")
    kind.add_argument("--echo", action="store_true")
    options = parser.parse_args()
    if options.echo:
        _echo()
        return
    try:
        send, wait = _udp(options.udp) if options.udp else _midi(options.midi)
    except (OSError, ImportError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    print(json.dumps({"error": None}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_send(send, wait, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
