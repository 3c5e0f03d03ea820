"""Entry of the device process: `python -m antiphon.audio.device_main WANTED`; only the portaudio driver starts it.

PortAudio has a process of its own because it does not survive its devices: when a JACK server goes away,
Pa_AbortStream waits ten minutes for it and Pa_Terminate ends the process by an assertion (measured, 19.6), and a list
of devices is read only once in a process. A process can always be ended and started again, within half a second.
Nothing but the C callback runs here while sound runs; a line of JSON each way settles things before and after.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import threading

from ..errors import AntiphonError
from .stream import DeviceStream, Wanted

_LOOK_S = 0.05
_STOP_S = 0.5


def main() -> int:
    """Open, wait for the segment, play until told, until the device is gone, or until the engine is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to answer: it fades first
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG; elsewhere the end of stdin has to do
    except (OSError, AttributeError):
        pass
    _keep_answers_apart()
    try:
        stream = DeviceStream(Wanted(**json.loads(sys.argv[1])))
        settled = stream.format
        _say(
            samplerate=settled.samplerate,
            blocksize=settled.blocksize,
            in_channels=settled.in_channels,
            out_channels=settled.out_channels,
            input=stream.source.name if stream.source else "none",
            output=stream.sink.name,
            host=stream.sink.host,
        )
        request = sys.stdin.readline()
        if not request:
            return 0
        from ..block import BlockSpec

        block = BlockSpec.from_json(request).make()
        latency = stream.start(block.callback, block.userdata)
    except AntiphonError as error:
        _say(error=str(error))
        return 2
    except Exception as error:  # PortAudio's own: the engine must hear why, stderr leads nowhere
        _say(error=f"the sound system failed ({type(error).__name__}: {error})")
        return 2
    _say(latency=latency)
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], _LOOK_S)
        if readable:
            break
        if not stream.active:
            _say(lost=f"device {stream.sink.name!r} ended the stream")
            os._exit(3)  # no closing: PortAudio may never come back from it
    stopping = threading.Thread(target=stream.stop, daemon=True)
    stopping.start()
    stopping.join(_STOP_S)
    os._exit(0)


def _keep_answers_apart() -> None:
    """Keep stdout for the engine: what libraries of C print on it (JACK's do) goes to stderr."""
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(answers, "w")


def _say(**what) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
