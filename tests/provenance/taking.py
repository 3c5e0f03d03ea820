"""What the tests of takes share: a take of noise at 8 kHz, with something of everything in it."""

import numpy as np

from antiphon.events import Event
from antiphon.take import TakeSpec

RATE = 8000


def spec(folder, ins=2, outs=2, **about):
    return TakeSpec(folder, RATE, ins, outs, "0123456789ab", about)


def blocks(seconds, ins=2, outs=2, seed=1, size=400):
    """Yield (dry, voice, mix) of noise, `seconds` of it."""
    random = np.random.default_rng(seed)
    for _ in range(int(seconds * RATE) // size):
        sound = random.uniform(-1.2, 1.2, (size, ins + 1 + outs)).astype(np.float32)
        yield sound[:, :ins], sound[:, ins], sound[:, ins + 1 :]


def play(writer, seconds, ins=2, outs=2, seed=1):
    """Write `seconds` of sound, events, steps and notes, a record a second; give what was written, a stem each."""
    written = [[], [], []]
    for count, stems in enumerate(blocks(seconds, ins, outs, seed)):
        writer.sound(*stems)
        for kept, block in zip(written, stems, strict=True):
            kept.append(block.reshape(len(block), -1))
        writer.step(count.to_bytes(3, "big"))
        if count % 5 == 0:
            writer.event(Event("temperature", 0.5 + count / 1000, writer.frames, "cli"))
        if (count + 1) * 400 % RATE == 0:
            writer.note("voice", writer.frames - 4000, 3000, 60.25, -12.0)
            writer.note("performer", writer.frames - 3900, 2000, 48.0, -30.0)
            writer.second({"answers": count, "tempo": np.float32(90)})
    return [np.concatenate(kept) for kept in written]
