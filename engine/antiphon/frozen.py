"""A State as bytes, and back: dictionaries, lists, numbers, arrays and the instrument's own plain objects.

No pickle: a take may be somebody else's. What is read makes arrays and objects of classes of this package, runs none of
their code, and anything else is refused.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from .errors import UsageError

_MAGIC = b"antiphon-state-1\n"
_OURS = ("antiphon.model.", "antiphon.perform.", "antiphon.line", "antiphon.beats", "antiphon.wishes", "antiphon.chain",
         "antiphon.provenance.")  # fmt: skip
_PLAIN = (bool, int, float, str, type(None))


def freeze(value: object) -> bytes:
    """Write a value down. TypeError for what is no plain value, nor an object of ours made of such."""
    return b"".join(pieces(value))


def pieces(value: object) -> Iterator[bytes]:
    """What `freeze` gives, in small pieces: whoever writes these in a thread of its own holds nobody up for long."""
    arrays = _Arrays()
    text = json.dumps(_write(value, arrays)).encode()
    yield _MAGIC + len(text).to_bytes(8, "little") + text
    for array in arrays.all:
        yield np.ascontiguousarray(array).tobytes()


class _Arrays:
    """Arrays in the order in which their bytes are written; each is told where it begins, so that thousands take no longer."""

    def __init__(self) -> None:
        self.all: list[np.ndarray] = []
        self._bytes = 0

    def add(self, array: np.ndarray) -> int:
        at, self._bytes = self._bytes, self._bytes + array.nbytes
        self.all.append(array)
        return at


def thaw(data: bytes) -> object:
    """Read what `freeze` wrote. UsageError for anything else."""
    try:
        if not data.startswith(_MAGIC):
            raise ValueError("it is no state of this version")
        begin = len(_MAGIC) + 8
        length = int.from_bytes(data[len(_MAGIC) : begin], "little")
        tree = json.loads(data[begin : begin + length])
        return _read(tree, memoryview(data)[begin + length :])
    except (ValueError, KeyError, TypeError, AttributeError, ImportError, IndexError, RecursionError, OverflowError) as error:
        raise UsageError(f"the state of the model cannot be read ({error})") from None


def _write(value: object, arrays: _Arrays) -> object:
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise TypeError("an array of objects is no plain value")
        return {"array": [array.dtype.str, array.shape, arrays.add(array)], "scalar": not isinstance(value, np.ndarray)}
    if type(value) in _PLAIN:
        return value if not isinstance(value, float) else {"float": value.hex()}
    if type(value) is complex:
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if type(value) is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if type(value) in (list, tuple, deque):
        kind = type(value).__name__
        if len(value) > 1 and _alike(value):  # the hops of a recording: thousands
            first, *_ = [arrays.add(array) for array in value]
            return {"arrays": [value[0].dtype.str, value[0].shape, first, len(value)], "kind": kind, "most": getattr(value, "maxlen", None)}
        return {kind: [_write(entry, arrays) for entry in value], "most": getattr(value, "maxlen", None)}
    if type(value) is dict:
        return {"dict": [[_write(key, arrays), _write(entry, arrays)] for key, entry in value.items()]}
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if not name.startswith(_OURS):
        raise TypeError(f"{name} is no plain value")
    if isinstance(value, tuple):  # a named one
        return {"named": name, "values": [_write(entry, arrays) for entry in value]}
    return {"object": name, "fields": [[key, _write(entry, arrays)] for key, entry in _fields(value).items()]}


def _read(tree: object, arrays: memoryview) -> object:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        kind, shape, at = tree["array"]
        dtype = np.dtype(kind)
        if dtype.hasobject:
            raise ValueError("an array of objects")
        count = int(np.prod(shape))
        array = np.frombuffer(arrays[at : at + count * dtype.itemsize], dtype, count).reshape(shape).copy()
        return array[()] if tree["scalar"] else array
    if "arrays" in tree:
        kind, shape, first, count = tree["arrays"]
        nbytes = np.dtype(kind).itemsize * int(np.prod(shape))
        if nbytes <= 0:
            raise ValueError("arrays of nothing")
        each = [_read({"array": [kind, shape, first + n * nbytes], "scalar": False}, arrays) for n in range(count)]
        return deque(each, tree["most"]) if tree["kind"] == "deque" else tuple(each) if tree["kind"] == "tuple" else each
    if "float" in tree:
        return float.fromhex(tree["float"])
    if "complex" in tree:
        return complex(*map(float.fromhex, tree["complex"]))
    if "bytes" in tree:
        return base64.b64decode(tree["bytes"])
    if "dict" in tree:
        return {_read(key, arrays): _read(entry, arrays) for key, entry in tree["dict"]}
    for kind in (list, tuple):
        if kind.__name__ in tree:
            return kind(_read(entry, arrays) for entry in tree[kind.__name__])
    if "deque" in tree:
        return deque((_read(entry, arrays) for entry in tree["deque"]), tree["most"])
    if "named" in tree:
        return tuple.__new__(_class(tree["named"]), [_read(entry, arrays) for entry in tree["values"]])
    made = object.__new__(_class(tree["object"]))
    for key, entry in tree["fields"]:
        object.__setattr__(made, key, _read(entry, arrays))
    return made


def _alike(values: Sequence) -> bool:
    """Whether these are arrays of one shape and type, of numbers, and not of none."""
    first = values[0]
    if type(first) is not np.ndarray or not first.nbytes or first.dtype.hasobject:
        return False
    return all(type(value) is np.ndarray and value.dtype == first.dtype and value.shape == first.shape for value in values)


def _fields(value: object) -> dict:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots}}


def _class(name: str) -> type:
    if not name.startswith(_OURS):
        raise ValueError(f"{name} is no class of the instrument")
    module, _, own = name.rpartition(".")
    found = getattr(importlib.import_module(module), own)
    if not isinstance(found, type):
        raise ValueError(f"{name} is no class")
    return found
