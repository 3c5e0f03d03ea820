"""What a flood of OSC is made of, and who sends it: half of the packets valid, the rest refused in every way there is."""

from __future__ import annotations

import random
import socket
import struct
import time

from antiphon.control.wire import encode
from antiphon.params import REGISTRY

_SILENCING = {"mode", "mute", "panic", "master", "voice", "dry", "answer_s", "phrase_gap_s", "phrase_margin", "yield", "preset",
              "take/start", "take/stop", "take/name",
              "ask"}  # fmt: skip
_KINDS = 4000  # different packets
_TURN_S = 0.002


def valid(random: random.Random, without: frozenset[str] = frozenset()) -> bytes:
    """A packet that the table takes, of any row that is not to be left out."""
    row = random.choice([row for row in REGISTRY.rows if row.path not in _SILENCING | without])
    address = f"/antiphon/{row.path}"
    if row.kind == "trigger":
        return encode(address, random.randint(1, row.most)) if row.most > 1 else encode(address)
    if row.kind == "enum":
        return encode(address, random.choice(row.choices))
    if row.kind == "bool":
        return encode(address, random.random() < 0.5)
    if row.kind == "list":
        return encode(address, *sorted(random.uniform(row.minimum, min(row.maximum, 1199.0)) for _ in range(min(row.most, 5))))
    value = random.uniform(row.minimum, row.maximum)
    return encode(address, round(value) if row.kind == "int" else value)


def bad(random: random.Random) -> bytes:
    """A packet that is to be refused."""
    good = valid(random)
    kind = random.randrange(9)
    if kind == 0:
        return good[: random.randrange(len(good))]
    if kind == 1:
        return random.randbytes(random.randint(0, 200))
    if kind == 2:
        return encode("/antiphon/" + "".join(random.choices("abcdefg/_", k=random.randint(1, 100))), 1.0)
    if kind == 3:
        return encode("/antiphon/temperature", random.choice((float("nan"), float("inf"), "hot", None, -1e30)))
    if kind == 4:  # an element whose size lies
        return b"#bundle\0" + struct.pack(">Qi", 1, random.choice((-4, 0, 3, 2**31 - 1, 8))) + good
    if kind == 5:  # bundles in bundles
        packet = good
        for _ in range(random.randint(5, 40)):
            packet = b"#bundle\0" + struct.pack(">Qi", 1, len(packet)) + packet
        return packet
    if kind == 6:
        return encode("/antiphon/master", *[0.5] * random.randint(2, 100))
    if kind == 7:  # a time tag years ahead
        return b"#bundle\0" + struct.pack(">Qi", random.getrandbits(64), len(good)) + good
    return good[:4] + b"\xff\xfe" + good[6:]


def packets(without: frozenset[str], seed: int = 1) -> list[bytes]:
    """What is sent, over and over: half of it valid, one in a hundred oversized."""
    random_of = random.Random(seed)
    made = []
    for n in range(_KINDS):
        if n % 100 == 99:
            made.append(bad(random_of) + bytes(random_of.randint(16_384, 65_000)))
        else:
            made.append(bad(random_of) if n % 2 else valid(random_of, without))
    return made


def send(made: list[bytes], to: int, rate: float, seconds: float, turn) -> int:
    """Send for so long, `rate` packets a second, to a port of 127.0.0.1; gives how many. `turn` is called once a second."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(("127.0.0.1", to))
    began = next_turn = time.monotonic()
    sent = 0
    while (now := time.monotonic()) - began < seconds:
        for _ in range(min(int((now - began) * rate) - sent, int(rate))):
            try:
                sender.send(made[sent % len(made)])
            except OSError:
                pass
            sent += 1
        if now >= next_turn:
            next_turn += 1.0
            turn()
        time.sleep(_TURN_S)
    sender.close()
    return sent
