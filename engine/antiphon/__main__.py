"""`antiphon` and `python -m antiphon`: the command line in a process of its own, and what a signal does to it.

The command line itself is imported late: until it is there, a signal has nothing to put in order.
"""

from __future__ import annotations

import os
import signal
import sys
import time

_TIDYING_S = 2.0
_INTERRUPTED = 130
_interrupted_at_s = -_TIDYING_S


def main() -> int:
    """Run the command line; Ctrl-C, SIGTERM and a closed terminal end it in order, from the first moment to the last."""
    _answer(_leave)
    try:
        from .cli import main as run

        _answer(_interrupt)
        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        _answer(signal.SIG_IGN)  # Python ends; a traceback from there would be the last thing one sees


def _answer(how) -> None:
    """What was ignored from the start, as under nohup, stays ignored."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, how)


def _leave(number: int, frame) -> None:
    os.write(2, b"antiphon: interrupted\n")
    os._exit(_INTERRUPTED)


def _interrupt(number: int, frame) -> None:
    """Raise KeyboardInterrupt, but not into the tidying up that the one before it began."""
    global _interrupted_at_s
    now_s = time.monotonic()
    if now_s - _interrupted_at_s >= _TIDYING_S:
        _interrupted_at_s = now_s
        raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
