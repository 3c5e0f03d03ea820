"""From an OSC packet to the first frame it changes, live: rows that the callback obeys, at once and by time tag.

    python bench/packet_to_sound.py [--changes 60] [--dry-run]

The instrument plays in real time on the dummy clock, 48 kHz and blocks of 128, its own microphone as its voice (bundle "through"),
and hears a tone whose period is a whole number of frames. So sound repeats itself bit for bit, and the first frame that does not
is the change. Packets are sent over UDP from a thread of their own, at random moments.

At once: from the device's clock when the packet was given to the socket, to that frame. The clock moves once a block (2.7 ms), so a
figure may be up to a block too long. By time tag, 60 ms ahead: how far from the frame that the tag stands for.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import threading
import time

import numpy as np
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from antiphon.audio.dummy import DummyDriver
from antiphon.control.desk import Desk
from antiphon.control.network import Network
from antiphon.engine import Engine, EngineConfig
from antiphon.params import REGISTRY
from record import note, record, summary

RATE, BLOCK, PERIOD, AHEAD_S = 48_000, 128, 100, 0.06
ROWS = {"dry": (0.0, -6.0), "voice": (0.0, -6.0), "master": (0.0, -6.0), "mute": (0.0, 1.0), "send/1": (0.0, -6.0),
        "lowpass": (20_000.0, 300.0), "highpass": (20.0, 2_000.0), "resonance": (0.0, 0.8)}  # fmt: skip
"""Two values of each, taken by turns."""
ASIDE = {"voice": {"dry": -80.0}, "send/1": {"dry": -80.0}, "lowpass": {"dry": -80.0}, "highpass": {"dry": -80.0},
         "resonance": {"dry": -80.0, "lowpass": 1_000.0}, "dry": {"voice": -80.0}}  # fmt: skip


def packet(path: str, value: float, time_s: float | None) -> bytes:
    """One message, in a bundle where it is for a time."""
    message = OscMessageBuilder(f"/antiphon/{path}")
    message.add_arg(value, "f")
    if time_s is None:
        return message.build().dgram
    bundle = OscBundleBuilder(time_s)
    bundle.add_content(message.build())
    return bundle.build().dgram


def send(port: int, path: str, changes: int, tagged: bool, clock, sent: list[int]) -> None:
    """Change a row by turns at random moments; note the device's clock at each."""
    randomly = random.Random(path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for n in range(changes):
            time.sleep(0.15 + 0.05 * randomly.random())
            data = packet(path, ROWS[path][1 - n % 2], time.time() + AHEAD_S if tagged else None)
            sent.append(clock())
            out.sendto(data, ("127.0.0.1", port))
        time.sleep(0.3)


async def run(path: str, changes: int, tagged: bool) -> tuple[list[int], list[int], np.ndarray]:
    """Clocks at which packets were sent, frames they were meant for (tagged), and what came out."""
    tone = np.tile((0.2 * np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD)).astype(np.float32), 480)[:, None]
    driver = DummyDriver(RATE, BLOCK, source=tone, loop=True, record=True)
    engine = Engine(EngineConfig(driver_instance=driver, bundle="through", values=ASIDE.get(path, {})))
    await asyncio.to_thread(engine.start)
    meant: list[int] = []
    frame_at = lambda unix_s: engine.frame_clock.frame_at(unix_s)  # noqa: E731
    desk = Desk(REGISTRY, engine.apply, engine.values, frame_at=frame_at)
    desk.watch(lambda event: meant.append(event.time_frame or 0))
    network = Network(desk)
    try:
        await network.open(port=0, tcp=False, oscquery=False, announce=False)
        await asyncio.sleep(0.7)
        sent: list[int] = []
        thread = threading.Thread(
            target=send, args=(network.address[1], path, changes, tagged, lambda: engine.segment.clock, sent)
        )
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0.01)
        out = driver.recording()[:, 0].copy()
    finally:
        await network.close()
        await asyncio.to_thread(engine.stop)
    return sent, meant, out


def first_change(out: np.ndarray, begin: int) -> int:
    """The first frame from `begin` on that is not as it was a period before; what comes before it must be."""
    changed = out[begin:] != out[begin - PERIOD : len(out) - PERIOD]
    return begin + int(np.argmax(changed)) if changed.any() else -1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=60, help="of each row, in each way")
    parser.add_argument("--quick", action="store_true", help="ten of each")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    changes = 10 if args.quick else args.changes
    for tagged in (False, True):
        every: list[float] = []
        for path in ROWS:
            sent, meant, out = asyncio.run(run(path, changes, tagged))
            begins = meant if tagged else sent
            # A frame earlier than asked for would be a change too: so it is looked for from half the lead on.
            early = round(AHEAD_S * RATE / 2) if tagged else 0
            found = [first_change(out, begin - early) for begin in begins if begin]
            frames = [at - begin for at, begin in zip(found, begins, strict=True) if at >= 0]
            every += frames
            note(f"{path} {'by time tag' if tagged else 'at once'}: {len(frames)} of {changes} found, "
                 f"{min(frames)} .. {max(frames)} frames")  # fmt: skip
        figures = {**summary(every), "min": min(every), "lost": len(ROWS) * changes - len(every)}
        record(
            "packet_to_sound",
            "block rows, by time tag" if tagged else "block rows, at once",
            figures,
            unit="frames",
            settings={"samplerate": RATE, "blocksize": BLOCK, "rows": list(ROWS), "changes": changes},
            write=not args.dry_run,
            clock="the frame that the tag stands for, to the first that differs" if tagged
            else "device clock when the packet was given to the socket, to the first frame that differs",
        )
        note(f"p50 {1e3 * figures['p50'] / RATE:.2f} ms, p99 {1e3 * figures['p99'] / RATE:.2f}, max {1e3 * figures['max'] / RATE:.2f}")


if __name__ == "__main__":
    main()
