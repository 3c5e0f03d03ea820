"""Whether the JACK server that our MIDI ports are on still runs; RtMidi does not tell."""

from __future__ import annotations

import ctypes
from types import ModuleType

_NO_START = 1
_INTO_NOTHING = "strlen"  # takes a message and does nothing: C, since libjack's own threads call it, at any time


class JackWatch:
    """A client of JACK without ports, that hears when the server goes, 3 to 6 ms later (jackd 1.9.21, SIGKILL and SIGTERM).

    The lists that the other clients give stay as they were: they read them from memory that outlives the server. libjack's
    word for it is `jack_on_shutdown`; what it calls is C's `time`, which writes the time into the cell that it is given: no
    Python runs in libjack's thread, which may do this while the interpreter ends. Once it went nothing here touches libjack again.
    """

    def __init__(self, rtmidi: ModuleType, name: str):
        """Open it in the copy of libjack that rtmidi uses; costs milliseconds. Raises OSError where no server runs."""
        self._jack, self._c = _libraries(rtmidi)
        self._went = ctypes.c_longlong(0)
        _LEFT.append(self._went)  # libjack may write to it later than anybody here knows
        self._jack.jack_client_open.restype = ctypes.c_void_p
        client = self._jack.jack_client_open(name.encode(), _NO_START, None)
        if not client:
            raise OSError("no JACK server runs")
        self._client = ctypes.c_void_p(client)
        self._jack.jack_on_shutdown(self._client, self._c.time, ctypes.byref(self._went))

    @property
    def went(self) -> bool:
        """Whether the server has gone. Any thread; costs a microsecond."""
        return bool(self._went.value)

    def close(self) -> None:
        """Close the client. Only where the server has not gone."""
        self._jack.jack_client_close(self._client)


_LEFT: list[ctypes.c_longlong] = []


def silence_jack(rtmidi: ModuleType) -> None:
    """Keep what libjack's threads would print from the terminal: "Cannot read socket", five lines a client, when a server goes."""
    jack, c = _libraries(rtmidi)
    for name in ("jack_set_error_function", "jack_set_info_function"):
        getattr(jack, name)(getattr(c, _INTO_NOTHING))


def _libraries(rtmidi: ModuleType) -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """rtmidi's libjack, by way of what it is linked with (there may be another in the process), and C's."""
    return ctypes.CDLL(rtmidi._rtmidi.__file__), ctypes.CDLL(None)
