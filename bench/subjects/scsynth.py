"""SuperCollider's server: one synth that multiplies its first input, steered by /n_set. An instrument in another language.

The definition of the synth is written here byte by byte (version 2 of the file format in SuperCollider's help, "Synth Definition
File Format"), so no sclang is needed.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import time

import adapter
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

CLIENT = "scsynth"
NODE = 1000
AUDIO, CONTROL = 2, 1
_SECONDS = 10.0


def _word(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _unit(name: str, rate: int, inputs: list[tuple[int, int]], outputs: list[int], special: int = 0) -> bytes:
    """A unit generator: its inputs are (unit, output), or (-1, constant)."""
    head = _word(name) + struct.pack(">biih", rate, len(inputs), len(outputs), special)
    return head + b"".join(struct.pack(">ii", *pair) for pair in inputs) + bytes(outputs)


def through(outputs: int) -> bytes:
    """A definition file with one synth, "through": Out.ar(0, In.ar(outputs, 1) * gain), inputs being numbered after outputs."""
    constants = (float(outputs), 0.0)
    units = (
        _unit("Control", CONTROL, [], [CONTROL]),
        _unit("In", AUDIO, [(-1, 0)], [AUDIO]),
        _unit("BinaryOpUGen", AUDIO, [(1, 0), (0, 0)], [AUDIO], special=2),  # 2: times
        _unit("Out", AUDIO, [(-1, 1), (2, 0)], []),
    )
    return b"".join((
        b"SCgf", struct.pack(">ih", 2, 1), _word("through"),
        struct.pack(">i2f", len(constants), *constants),
        struct.pack(">if", 1, 1.0),  # one parameter, 1 to begin with
        struct.pack(">i", 1), _word("gain"), struct.pack(">i", 0),
        struct.pack(">i", len(units)), *units, struct.pack(">h", 0),
    ))  # fmt: skip


class Server:
    """An scsynth of our own on a free UDP port of this machine."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0.2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["scsynth", "-u", str(self.port), "-B", "127.0.0.1", "-i", "1", "-o", "1", "-R", "0", "-l", "4", "-D", "0"]
        command += ["-H", f"{os.environ['JACK_DEFAULT_SERVER']}:{CLIENT}"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, preexec_fn=adapter.end_with_parent)
        self._socket.connect(("127.0.0.1", self.port))

    def send(self, address: str, *arguments) -> None:
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        self._socket.send(message.build().dgram)

    def ask(self, address: str, *arguments, until: str) -> OscMessage:
        """Send a message, again where nothing comes, until a reply of this name comes. Ends the program where none does."""
        ends = time.monotonic() + _SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                self.send(address, *arguments)
                while True:
                    reply = OscMessage(self._socket.recv(1 << 16))
                    if reply.address == until:
                        return reply
            except OSError:  # it does not listen yet
                time.sleep(0.05)
        self.close()
        adapter.skip(f"scsynth does not answer {address}; try `scsynth -u 57110` by hand")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def main() -> None:
    adapter.begin()
    if not shutil.which("scsynth"):
        adapter.skip("scsynth is not installed; sudo apt install supercollider-server")
    server = Server()
    try:
        server.ask("/status", until="/status.reply")
        server.ask("/d_recv", through(outputs=1), until="/done")
        server.send("/s_new", "through", NODE, 0, 0)
        server.ask("/sync", 1, until="/synced")
        gain = {"osc": server.port, "address": "/n_set", "arguments": [NODE, "gain"]}
        adapter.serve("scsynth", None, control=gain, client=CLIENT, busy=adapter.BusyElsewhere())
    finally:
        server.close()


if __name__ == "__main__":
    main()
