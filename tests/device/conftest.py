"""Device tests bring their own sound server: JACK with its dummy driver. Else they are skipped, naming the install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))


@pytest.fixture
def jack():
    """Starts servers: `with jack(samplerate, period) as server`."""
    import jackrig

    try:
        with jackrig.JackServer():
            pass
    except jackrig.JackMissing as missing:
        pytest.skip(str(missing))
    return jackrig.JackServer
