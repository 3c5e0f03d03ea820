"""What the tests of credentials share: what is told of a file, files to sign, and a home of each test's own."""

import os

import numpy as np
import pytest
import soundfile

DATA = [
    {"kind": "recordings", "source": "sfzinstruments/MTG.SoloSax", "licence": "CC BY 4.0", "files": 737},
    {"kind": "melodies", "source": "OpenScore/Lieder", "licence": "CC0", "lines": 1679},
]
ABOUT = {
    "bundle": {"name": "hum", "version": "1", "digest": "5a" * 32, "licence": "Apache-2.0", "data": DATA},
    "performer": "Ada Lövström",
    "consent": "I perform here and agree",
    "seed": 7,
    "payload": "0123456789ab",
}


@pytest.fixture(autouse=True)
def fresh_home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    for name in ("ANTIPHON_CERTIFICATE", "ANTIPHON_KEY"):
        monkeypatch.delenv(name, raising=False)


def write(path, channels=2, frames=4800, form=None, seed=0):
    """A short noise at 24 bits; gives its words as the file has them."""
    sound = np.random.default_rng(seed).standard_normal((frames, channels)) * 0.1
    soundfile.write(os.fsencode(path), sound, 48_000, "PCM_24", format=form or {".flac": "FLAC"}.get(path.suffix, "WAV"))
    return words(path)


def words(path):
    return soundfile.read(os.fsencode(path), dtype="int32", always_2d=True)[0]


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
