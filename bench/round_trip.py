"""Frames through the device and back, dry and through the model's chain, beside the latency sum that the instrument prints.

What a performer feels before any model has thought: how much later sound leaves than it came in. A probe, another client of the
JACK server with its dummy driver, plays into the instrument and records what comes out. The clock is the frame count, so the figure
is exact and needs no statistics: each frame of a numbered signal says by how much it is late, and a chirp says it again to a
fraction of a frame, by the peak of a cross-correlation with what was played; through resamplers (rates other than 48000) only the
chirp can. The voice is that of a chain that gives back the microphone, with the lead that a model would have.

The goal is that the sum and the measurement agree within half a frame, so that the sum can be trusted where nobody measures. The
controls are the probe wired to itself, which is what the server alone adds, and jack_iodelay in the place of the probe, another's
measurement by another method, where it is installed.

With `--input DEVICE --output DEVICE` and a cable from the output to the input it measures real converters: what the device says of
itself (device in + device out, the terms which the sum takes on trust) beside what the cable says. On the dummy server these terms
are the server's own and exact; a sound card's are often not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.latency import Latency
from antiphon.suite import Goal, Run, main
from jackrig import JackMissing, JackServer, Probe, ProbeFailed, end_with_parent, started
from signals import alike, chirp, delays, lag, marked

NUMBERS = "frames from the probe's output to its input, by the number that each frame carries; the delay that most of them had"
CORRELATION = "frames from the probe's output to its input, by the peak of the cross-correlation with a chirp, to a fraction"
AGREES = Goal("value", "<=", 0.5, "the printed sum is what a performer plans with: half a frame")
SETTLE_S = 0.05
"""For the gains' ramps, which are a part of no round trip."""
ALIKE = 0.5
"""A chirp that comes back at all correlates more than this; noise does not."""
IODELAY_S = 1.2


@dataclass(frozen=True)
class Way:
    """A way through the instrument: its name, and the gains that leave only it."""

    name: str
    dry_db: float
    voice_db: float

    def printed(self, table: Latency) -> float:
        return table.dry_frames if self.name == "dry" else table.total_frames

    def terms(self, table: Latency) -> list[tuple[str, float]]:
        passed = [term for term in table.terms if (term.dry if self.name == "dry" else term.voice)]
        return [(term.name, term.frames) for term in passed if term.frames]


WAYS = (Way("dry", 0.0, -80.0), Way("voice", -80.0, 0.0))


def measure_server(run: Run, samplerate: int, period: int, seconds: float) -> None:
    """Measure everything on a dummy server of this rate and period. Raises JackMissing, ProbeFailed."""
    what = f"{samplerate} Hz, {period}"
    settings = {"samplerate": samplerate, "blocksize": period, "bundle": "through", "server": "jackd, dummy driver"}
    with JackServer(samplerate, period) as server, contextlib.ExitStack() as stack:
        engine = Engine(EngineConfig(driver="portaudio", input="loopback", output="loopback", bundle="through",
                                     values={"dry": -80.0, "voice": -80.0}))  # fmt: skip
        stack.callback(engine.stop, fade=False)
        client, probe = started(server, engine)
        stack.callback(probe.close)
        probe.wire(None)
        control = listen(run, probe, f"server alone, {what}", samplerate, seconds, settings, numbered=True)
        probe.wire(client)
        for way in WAYS:
            measure_way(run, engine, probe, way, what, seconds, settings, control)
        engine.apply(Event("dry", 0.0))
        engine.apply(Event("voice", -80.0))
        other = iodelay(server, client)
        if other is None:
            run.skip(f"jack_iodelay, {what}", "it is not there or says nothing; sudo apt install jack-example-tools, or jackd2")
        else:
            run.value(f"dry by jack_iodelay, {what}", other, unit="frames", clock="jack_iodelay's own: phases of several tones",
                      settings=settings, control=control)  # fmt: skip


def measure_way(run: Run, engine: Engine, probe: Probe, way: Way, what: str, seconds: float, settings: dict, control: str) -> None:
    """Measure the dry sound or the voice, and tell it beside the sum. A lead that grew meanwhile is measured once more."""
    samplerate = engine.format.samplerate
    engine.apply(Event("dry", way.dry_db))
    engine.apply(Event("voice", way.voice_db))
    time.sleep(SETTLE_S)
    numbered = way.name == "dry" or samplerate == 48_000
    for _ in range(2):
        table = engine.latency()
        frames, share, fraction = hear(probe, samplerate, seconds, run.folder, numbered)
        if engine.latency() == table:
            break
    printed, measured = way.printed(table), frames if numbered else fraction
    told = settings | {"printed": printed, "share": share, "late": engine.status().late, "xruns": engine.status().xruns}
    if numbered:
        run.value(f"{way.name}, {what}", frames, unit="frames", clock=NUMBERS, settings=told, control=control, better="less",
                  means="share: of all frames that were heard, those with this delay")  # fmt: skip
    run.value(f"{way.name} by correlation, {what}", fraction, unit="frames", clock=CORRELATION, settings=told, control=control,
              better="less")  # fmt: skip
    run.value(f"{way.name} off the sum, {what}", max(abs(fraction - printed), abs(measured - printed)), unit="frames", goal=AGREES,
              clock=f"{NUMBERS}; {CORRELATION}" if numbered else CORRELATION, settings=told, better="less",
              means="the larger of the differences from the printed sum")  # fmt: skip
    run.waterfall(f"{way.name}, {what}", way.terms(table), samplerate, fraction, CORRELATION)
    run.note(f"{what}: {way.name} {measured:g} ({fraction:.3f} by correlation), printed {printed:g}")


def listen(run: Run, probe: Probe, name: str, samplerate: int, seconds: float, settings: dict, numbered: bool) -> str:
    """Tell the control: what is wired comes back after so many frames. Returns its name."""
    frames, share, fraction = hear(probe, samplerate, seconds, run.folder, numbered)
    run.value(name, frames, unit="frames", clock=NUMBERS, settings=settings | {"by_correlation": fraction, "share": share})
    run.note(f"{name}: {frames} ({fraction:.3f} by correlation)")
    return name


def hear(probe: Probe, samplerate: int, seconds: float, folder: Path, numbered: bool) -> tuple[int, float, float]:
    """Play both signals: the delay by numbers and the share that had it (-1 and 0 where they are not asked), and by correlation."""
    frames = round(seconds * samplerate)
    delay, share = delays(probe.play(marked(frames), folder)[0]) if numbered else (-1, 0.0)
    if numbered and delay < 0:
        raise ProbeFailed(f"no frame came back within {seconds:g} s; give it longer: --seconds 1")
    sound = chirp(frames, samplerate)
    heard, _ = probe.play(np.concatenate([sound, np.zeros(samplerate // 10, np.float32)]), folder)
    fraction = lag(sound, heard)
    if alike(sound, heard, fraction) < ALIKE:
        raise ProbeFailed("the chirp that the probe plays does not come back; was the server under another program's control?")
    return delay, round(share, 4), round(fraction, 3)


def iodelay(server: JackServer, client: str) -> float | None:
    """What jack_iodelay says of a client that it is wired through, in frames; None where it is missing or says nothing."""
    if not shutil.which("jack_iodelay"):
        return None
    before = server.clients()
    ours, its = os.openpty()  # into a pipe or a file it would say nothing before it ends
    process = subprocess.Popen(["jack_iodelay"], stdout=its, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent)
    os.close(its)
    try:
        until = time.monotonic() + 2.0
        while not (new := server.clients() - before) and time.monotonic() < until:
            time.sleep(0.05)
        if not new:
            return None
        (mine_in, *_), (mine_out, *_) = server.ways(new.pop())
        inputs, outputs = server.ways(client)
        server.disconnect_all(client)
        server.connect(mine_out, inputs[0])
        server.connect(outputs[0], mine_in)
        time.sleep(IODELAY_S)
        said = os.read(ours, 1 << 16).decode(errors="replace")
    finally:
        process.terminate()
        process.wait(5)
        os.close(ours)
    found = [float(line.split()[0]) for line in said.splitlines() if "total roundtrip latency" in line]
    return found[-1] if found else None


def measure_cable(run: Run, seconds: float) -> None:
    """Measure a real device by the cable from its output to its input. Raises ProbeFailed."""
    options = run.options
    with contextlib.closing(Probe(None, options.input, options.output, run.blocksize, run.samplerate)) as probe:
        rate, said = probe.samplerate, probe.latency_frames
        what = f"{rate} Hz, {probe.blocksize}"
        settings = {"samplerate": rate, "blocksize": probe.blocksize, "bundle": None,
                    "input": options.input, "output": options.output}  # fmt: skip
        rest = np.zeros(rate // 2, np.float32)
        every = []
        for _ in range(3 if run.quick else 20):
            sound = chirp(round(seconds * rate), rate)
            heard, _ = probe.play(np.concatenate([sound, rest]), run.folder)
            frames = lag(sound, heard)
            if abs(alike(sound, heard, frames)) < ALIKE:
                raise ProbeFailed(f"the chirp does not come back from {options.input!r}; put a cable from the output to the input, "
                                  "and its gain up")  # fmt: skip
            every.append(frames)
    middle = float(np.median(every))
    run.figure(f"cable, {what}", every, unit="frames", clock=CORRELATION, settings=settings, means="one event for each chirp")
    run.value(f"cable off what the device says, {what}", abs(middle - sum(said)), unit="frames", clock=CORRELATION, goal=AGREES,
              settings=settings | {"says_in": said[0], "says_out": said[1]}, better="less")  # fmt: skip
    run.waterfall(f"cable, {what}", [("device in", said[0]), ("device out", said[1])], rate, middle, CORRELATION)


def measure(run: Run) -> None:
    seconds = run.length(0.25, 4.0)
    try:
        if run.options.input or run.options.output:
            return measure_cable(run, seconds)
        conditions = [(run.samplerate, run.blocksize)]
        if not run.quick:
            conditions = sorted({*conditions, *((rate, period) for rate in (48_000, 44_100) for period in (128, 64))}, reverse=True)
        for number, (samplerate, period) in enumerate(conditions):
            run.progress(number / len(conditions))
            measure_server(run, samplerate, period, seconds)
    except (JackMissing, ProbeFailed) as why:
        run.skip("", str(why))


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", metavar="DEVICE", help="a real device's input, with a cable to it from --output")
    parser.add_argument("--output", metavar="DEVICE", help="the output that the cable is in")


if __name__ == "__main__":
    main(measure, __doc__, options)
