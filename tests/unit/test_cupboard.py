"""What the player keeps outlives the model process, and nothing that lies there keeps the next one from starting."""

from types import SimpleNamespace

import numpy as np
import pytest

from antiphon import cupboard as module
from antiphon.cupboard import Cupboard, CupboardFolder
from antiphon.model.keeping import Keeping, Kept
from antiphon.model.score import Note
from antiphon.model.tokens import HOP


def kept(hops, level=0.1):
    sound = np.random.default_rng(hops).normal(0, level, (hops, HOP)).astype(np.float32)
    return Kept(tuple(sound), (Note(2, 60.5, 7), Note(9, 64.0, 3)))


@pytest.fixture
def acoustic():
    return SimpleNamespace(put_voice=lambda place, voice: None, voice=lambda place: None)


def test_a_slot_is_there_again_for_the_next_process(tmp_path, acoustic):
    """Sound bit for bit, notes with their pitches and times."""
    keeping = Keeping(8)
    keeping.put(2, kept(20))
    one = Cupboard(tmp_path, keeping, acoustic)
    one.put("keep", 2)
    one.lock_up()
    other = Keeping(8)
    Cupboard(tmp_path, other, acoustic)
    assert np.array_equal(np.stack(other.slot(2).sound), np.stack(keeping.slot(2).sound))
    assert [(n.onset_hop, n.pitch, n.sounding_hops) for n in other.slot(2).notes] == [(2, 60.5, 7), (9, 64.0, 3)]
    assert all(other.slot(n) is None for n in range(8) if n != 2)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"x" * 300])
@pytest.mark.parametrize("name", ["keep-1.npz", "store_voice-0.npy", "keep-99.npz", "keep-x.npz"])
def test_a_damaged_file_is_passed_over(tmp_path, acoustic, name, content):
    """Empty, cut short, or something else: the model starts without it."""
    (tmp_path / name).write_bytes(content)
    keeping = Keeping(8)
    Cupboard(tmp_path, keeping, acoustic)
    assert all(keeping.slot(n) is None for n in range(8))


def test_where_there_is_no_room_the_old_one_does_not_come_back(tmp_path, acoustic, monkeypatch):
    """What could not be written is lost with the process; what was there before it is gone too, and no half files stay."""
    keeping = Keeping(8)
    keeping.put(0, kept(5))
    one = Cupboard(tmp_path, keeping, acoustic)
    one.put("keep", 0)
    one.lock_up()

    def full(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Kept, "save", full)
    one.put("keep", 0)
    one.lock_up()
    assert list(tmp_path.iterdir()) == []


def test_folders_of_engines_that_are_gone_are_removed_and_those_of_living_ones_stay(tmp_path, monkeypatch):
    """By the lock, not by the number in the name: containers share numbers."""
    monkeypatch.setattr(module, "folder", lambda: tmp_path)
    living = CupboardFolder()
    dead = tmp_path / "antiphon-kept-1-abc"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "keep-0.npz").write_bytes(b"x")
    other = CupboardFolder()
    assert living.path.is_dir() and other.path.is_dir() and not dead.exists()
    living.close()
    living.close()
    other.close()
    assert list(tmp_path.iterdir()) == []
