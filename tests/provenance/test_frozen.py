"""A State as bytes comes back as it was; what is no state, or not ours, is refused and runs nothing."""

import json
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest

from antiphon.errors import UsageError
from antiphon.frozen import freeze, thaw
from antiphon.model.score import Note
from antiphon.perform import Performer

VALUE = {
    "numbers": [1, -2.5, True, None, "ö", 2**80, float("inf"), 3 + 4j],
    "arrays": (np.arange(6, dtype=np.int16).reshape(2, 3), np.zeros((0, 4), np.float32), np.float64(0.1), np.array([1 + 2j], np.complex64)),
    "hops": [kind([np.full((2, 3), n, np.float32) for n in range(5)]) for kind in (list, tuple, deque)],
    "not alike": [[np.zeros(2), np.zeros(3)], [np.zeros(2), np.zeros(2, int)], [np.zeros(0), np.zeros(0)], (np.ones(2), 3), [np.array(1.0), np.array(2.0)]],
    "recent": deque([1.5, 2.5], maxlen=7),
    "bytes": b"\x00\xff",
    3: {"nested": [Note(4, 60.5, 8, -20.0)]},
}


def same(one, other):
    if isinstance(one, np.ndarray | np.generic):
        return type(one) is type(other) and one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple | deque):
        alike = type(one) is type(other) and len(one) == len(other) and getattr(one, "maxlen", 0) == getattr(other, "maxlen", 0)
        return alike and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_a_value_comes_back_as_it_was():
    """Every kind that states are made of, bit for bit."""
    assert same(thaw(freeze(VALUE)), VALUE)


def test_objects_of_the_instrument_come_back():
    """A performer's state holds objects of its own."""
    state = Performer().state()
    assert freeze(thaw(freeze(state))) == freeze(state)


@dataclass
class Foreign:
    number: int = 1


def test_objects_of_anybody_else_are_refused():
    """To be written, and to be read: a take may be somebody else's."""
    with pytest.raises(TypeError, match="no plain value"):
        freeze(Foreign())
    for name in ("os.system", "antiphon.engine.Engine", "antiphon.model.worker.np", "antiphon.model.score.ioi_bin"):
        with pytest.raises(UsageError, match="cannot be read"):
            thaw(written({"object": name, "fields": []}))
    assert isinstance(thaw(written({"object": "antiphon.model.score.Note", "fields": []})), Note)


def written(tree):
    """What `freeze` would write for this tree."""
    text = json.dumps(tree).encode()
    magic = freeze(0)[: -len(b"0") - 8]
    return magic + len(text).to_bytes(8, "little") + text


def test_more_arrays_than_there_are_bytes_are_refused():
    """However many are promised, also where each is of nothing."""
    for kind, shape in (("<f4", [960]), ("<f4", [0]), ("<f4", [-1])):
        with pytest.raises(UsageError, match="cannot be read"):
            thaw(written({"arrays": [kind, shape, 0, 10**15], "kind": "list", "most": None}))


@pytest.mark.parametrize("cut", [0, 5, 20, 60, -1])
def test_what_is_cut_off_is_refused(cut):
    data = freeze({"sound": np.ones(1000)})
    with pytest.raises(UsageError):
        thaw(data[:cut])
