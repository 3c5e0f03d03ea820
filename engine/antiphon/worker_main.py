"""Entry of the model process: `python -m antiphon.worker_main SEGMENT …`; the engine starts it, nobody else.

Imports are few on purpose: what is imported here is paid for at each restart of the worker, while the performer waits.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import signal
import sys
from pathlib import Path

from .errors import AntiphonError

_GC_EVERY_HOPS, _GC_ALL_EVERY_HOPS = 50, 3000
_PRIORITY = 10
_SWITCH_S = 0.0005  # a thread that writes a state down must not hold up a step for Python's usual 5 ms
ERROR_EXIT = 2
PERSON_VARIABLE = "ANTIPHON_PERFORMER"
"""How the engine says who performs: a command line can be read by everybody on the machine."""


def build_chain(bundle: str, seed: int, check: bool, cupboard: str | None = None, person: str = ""):
    """Make the chain that `bundle` names; `check` reads and verifies every byte of it first.

    "echo" answers with the performer's own phrase and "through" gives back the microphone; neither needs a model.
    `person` is who performs, by name. Raises BundleError.
    """
    if bundle == "through":
        from .model.echo import ThroughChain

        return ThroughChain()
    if bundle == "echo":
        from .model.echo import EchoChain
        from .perform import Performer

        return EchoChain(Performer(), seed)
    from .chain import build

    return build(bundle, seed, check, Path(cupboard) if cupboard else None, person)


def main(argv: list[str] | None = None) -> int:
    """Attach, load, hear the past, play until the engine is gone or has started another worker."""
    options = _options(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to answer: it fades first
    _die_with_parent()
    if os.getppid() != options.engine:
        return 0
    # Before anything is loaded: after a crash the performer waits for this process, whatever else the machine does.
    realtime = options.realtime and request_realtime()
    import numpy as np

    from .cupboard import is_filled
    from .diary import WorkerDiary
    from .kernels import lib
    from .latency import Timeline
    from .layout import FIRST_GENERATION, PLAYING, STATUS_FIELDS, Segment
    from .marking import marking
    from .model.lead import GrowingLead
    from .model.worker import Worker

    try:
        segment = Segment.attach(options.segment)
        left = segment.read_status()
        segment.publish_status(np.zeros(len(STATUS_FIELDS)))  # what a dead worker last said counts no more
        lib.ap_segment_set_worker_pid(segment.pointer, os.getpid())
        person = os.environ.get(PERSON_VARIABLE, "")
        chain = build_chain(options.bundle, options.seed, options.check, options.cupboard, person)
        if left["phase"] == PLAYING:
            chain.resume(left)
        about = {"bundle": options.bundle, "seed": options.seed, "samplerate": segment.samplerate, "mic_channel": options.mic_channel,
                 "person": person}
        cupboard = Path(options.cupboard) if options.cupboard else None
        fresh = options.generation == FIRST_GENERATION and not (cupboard and is_filled(cupboard))
        worker = Worker(
            segment,
            chain,
            # The lead from the segment: what the worker before this one has learnt is kept.
            Timeline(segment.samplerate, options.blocksize, 0).with_delay(segment.delay_frames),
            marking(options.bundle),
            diary=WorkerDiary(segment, about, cupboard, fresh=fresh),
            history_s=options.history,
            mic_channel=options.mic_channel,
            growing_lead=GrowingLead(segment.samplerate) if options.growing_lead else None,
            delay_writing=_late(options.late),
        )
    except AntiphonError as error:
        print(error, file=sys.stderr, flush=True)
        return ERROR_EXIT
    except Exception as error:  # starting it anew would end the same way
        first = next(iter(str(error).splitlines()), "")
        print(f"bundle {options.bundle!r} does not load ({type(error).__name__}: {first})", file=sys.stderr, flush=True)
        return ERROR_EXIT
    segment.lock_memory()
    worker.note_realtime(realtime)
    sys.setswitchinterval(_SWITCH_S)
    # Cycles are collected by hand right after a hop was written, when a millisecond is cheapest.
    gc.collect()
    gc.freeze()
    gc.disable()

    def keep_on() -> bool:
        return segment.generation == options.generation and os.getppid() == options.engine

    worker.run(keep_on, _collect)
    return 0


def _collect(hop: int) -> None:
    """Collect cycles: the young ones once a second; all of them once a minute, or months would pile them up."""
    if hop % _GC_EVERY_HOPS == 0:
        gc.collect(1 if hop % _GC_ALL_EVERY_HOPS else 2)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="antiphon.worker_main", description=__doc__)
    parser.add_argument("segment")
    parser.add_argument("--engine", type=int, required=True, help="process id of the engine")
    parser.add_argument("--generation", type=int, required=True)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blocksize", type=int, required=True)
    parser.add_argument("--growing-lead", action="store_true", help="let the lead grow where steps are late")
    parser.add_argument("--history", type=float, required=True, help="seconds of the past to hear first")
    parser.add_argument("--mic-channel", type=int)
    parser.add_argument("--cupboard", help="folder of what the player keeps")
    parser.add_argument("--check", action="store_true", help="verify the bundle before loading it")
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument(
        "--late", default="", help="fault: EVERY:FRAMES, let each EVERYth step take until FRAMES beyond a hop and a block"
    )
    return parser.parse_args(argv)


def _late(fault: str):
    if not fault:
        return None
    every, frames = map(int, fault.split(":"))
    # A hop that is not late is not held at all: any frame long past will do.
    return lambda hop: frames if hop % every == every - 1 else -(1 << 40)


def request_realtime() -> bool:
    """Ask for realtime scheduling, well below the audio thread's; False where the system says no."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (AttributeError, OSError):
        return False
    return True


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the engine's supervisor thread ends; elsewhere the loop's own check has to do."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass


if __name__ == "__main__":
    sys.exit(main())
