"""Whether a flood of OSC reaches the sound: 20,000 packets a second, most of them bad, while the instrument plays.

    python bench/flood.py [--seconds 60] [--rate 20000] [--bundle hum] [--dry-run]

`antiphon play` answers its built-in phrase on the dummy clock, as a program of its own, twice in a row for the same time:
once while the packets are sent to a port that nobody reads (so the sender takes its share of the machine both times), once
while they are sent to its own. Half of them are valid, of all rows that leave it playing; the rest are cut short, nested,
of sizes that lie, of unknown paths, of wrong types, of no numbers, of random bytes, one in a hundred up to 64 kB long.
Replies are not read. Where it serves OSCQuery, two WebSockets listen to every row and do not read either.

xruns, underflows and late steps are the instrument's own counts of each run, less is better and equal to the run without a
flood is the aim; growth of memory is resident MB of the engine's and the model's process between a quarter of the time and
the end; `dropped` are the packets that the system threw away because the instrument had not fetched them.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from antiphon.params import REGISTRY
from flooding import packets, send
from record import note, record

COUNTS = ("blocks", "xruns", "underflows", "underflow_frames", "late", "late_heard", "late_frames_max", "overflows",
          "commands_dropped", "restarts", "lead_raised", "step_ns_p50", "step_ns_p99", "step_ns_max", "answers")  # fmt: skip


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.parent.name))
    return found


def udp_drops(port: int) -> int:
    """Datagrams that the system threw away for a port of 127.0.0.1."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port:
            return int(fields[-1])
    return -1


def sleepy_websocket(port: int) -> socket.socket:
    """A client of OSCQuery that asks to be told of every row and never reads."""
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())  # fmt: skip
    client.recv(4096)
    for row in REGISTRY.rows:
        text = json.dumps({"COMMAND": "LISTEN", "DATA": f"/antiphon/{row.path}"}).encode()
        mask = os.urandom(4)
        client.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(text)))
    return client


class Instrument:
    """`antiphon play` in a process of its own; `ports` by the words before them ("OSC", "OSCQuery")."""

    def __init__(self, bundle: str, seconds: float):
        command = [sys.executable, "-m", "antiphon", "play", "--driver", "dummy", "--bundle", bundle, "--osc", "0", "--plain",
                   "--json", "--mode", "hold", "--seconds", str(seconds)]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said = b""
        self.ports: dict[str, int] = {}
        until = time.monotonic() + 60
        while not re.search("hearing|answering", self.text) and time.monotonic() < until and self.process.poll() is None:
            self.listen(0.1)
        self.ports = {name: int(port) for name, port in re.findall(r"(OSC\w*) on \S+?:(\d+)", self.text)}
        if "OSC" not in self.ports:
            raise RuntimeError(f"antiphon play did not begin:\n{self.text}")

    @property
    def text(self) -> str:
        return self.said.decode(errors="replace")

    def listen(self, seconds: float) -> None:
        """Read what it says, so that it is never held up by us."""
        if select.select([self.process.stderr], [], [], seconds)[0]:
            self.said += os.read(self.process.stderr.fileno(), 65_536)

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of the engine's process and of the model's."""
        return {"engine": resident_mb(self.process.pid), "model": sum(map(resident_mb, children(self.process.pid)))}

    def end(self) -> dict:
        """Let it stop, and give its last status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=30)
        return json.loads(out)


def one_run(made: list[bytes], flood: bool, args: argparse.Namespace) -> dict:
    """Play for `seconds` with packets sent to it, or past it; its counts and the growth of its memory."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    instrument = Instrument(args.bundle, args.seconds + 60)
    port, tree_port = instrument.ports["OSC"], instrument.ports.get("OSCQuery")
    sleepers = [sleepy_websocket(tree_port) for _ in range(2)] if flood and tree_port else []
    memory: list[dict[str, float]] = []

    def turn() -> None:
        instrument.listen(0.0)
        memory.append(instrument.memory_mb())

    dropped = udp_drops(port)
    sent = send(made, port if flood else sink.getsockname()[1], args.rate, args.seconds, turn)
    memory.append(instrument.memory_mb())
    dropped = udp_drops(port) - dropped
    alive = instrument.process.poll() is None
    status = instrument.end()
    for sleeper in sleepers:
        sleeper.close()
    sink.close()
    settled = memory[len(memory) // 4]
    growth = {f"{name}_growth_mb": round(memory[-1][name] - settled[name], 2) for name in settled}
    ours = {"packets_a_second": round(sent / args.seconds), "dropped": dropped, "websockets": len(sleepers), "alive": alive}
    return {name: status[name] for name in COUNTS} | growth | ours


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of the two runs")
    parser.add_argument("--rate", type=float, default=20_000.0, help="packets a second")
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--without", default="", metavar="PATH,...", help="rows of which nothing valid is sent, to find what costs")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    made = packets(frozenset(args.without.split(",")))
    alone, flooded = (one_run(made, flood, args) for flood in (False, True))
    for name, counts in (("past it", alone), ("at it", flooded)):
        note(f"{name}: {counts}")
    record("flood", f"{args.rate:g} packets a second", {"flooded": flooded, "alone": alone}, unit="counts; MB; ns",
           write=not args.dry_run, clock="the instrument's own counts from its start to its end",
           settings={"seconds": args.seconds, "rate": args.rate, "bundle": args.bundle, "kinds": len(made),
                     "without": args.without})  # fmt: skip
    return 0 if flooded["alive"] and not flooded["restarts"] else 1


if __name__ == "__main__":
    sys.exit(main())
