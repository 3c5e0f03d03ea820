"""What the code needs of a graph: the arrays it fills and reads, by name, kind and shape, declared once by each stage.

`Bundle.check` and the stages themselves hold a graph against the same declaration, for C writes into these very arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import BundleError

_MOST = 4096


class Size(NamedTuple):
    """A size that a bundle may choose: `plus` + `times` x n, where n is the same wherever the name is, `least` .. `most`."""

    name: str
    times: int = 1
    plus: int = 0
    least: int = 1
    most: int = _MOST

    def read(self, size: int) -> int:
        """Return n; ValueError where there is none."""
        n, rest = divmod(size - self.plus, self.times)
        if rest or not self.least <= n <= self.most:
            raise ValueError
        return n


LEVELS = Size("levels", least=3, most=6)
"""Levels of codes that are played: traits count the first three, and no more than six have a temperature."""


@dataclass(frozen=True)
class Edges:
    """Shapes by name: inputs are these and no others, outputs at least these.

    `*` in a name stands for 0, 1, …, as many as there are. All are float32 but those in `integers`, which are int64.
    """

    inputs: dict[str, tuple[int | Size, ...]]
    outputs: dict[str, tuple[int | Size, ...]]
    integers: frozenset[str] = frozenset()

    def require(self, graph, sizes: dict[str, int]) -> None:
        """Raise `BundleError` with the first thing that is not so. Chosen `sizes` found are added, those known must agree."""
        count = _count(self.inputs, graph.inputs)
        for side, patterns, found in (("input", self.inputs, graph.inputs), ("output", self.outputs, graph.outputs)):
            wanted = {name.replace("*", str(i)): shape for name, shape in patterns.items() for i in range(count if "*" in name else 1)}
            extra = sorted(set(found) - set(wanted)) if side == "input" else []
            if extra:
                raise BundleError(f"graph {graph.path.name!r}: nothing fills its input {extra[0]!r}; re-export the bundle")
            for name, shape in wanted.items():
                kind = np.dtype(np.int64 if name in self.integers else np.float32)
                array = found.get(name)
                if array is None or array.dtype != kind or not fits(array.shape, shape, sizes):
                    have = "none" if array is None else f"{array.dtype} {list(array.shape)}"
                    what = f"{side} {name!r} is {have}, expected {kind} {say(shape, sizes)}"
                    raise BundleError(f"graph {graph.path.name!r}: {what}; re-export the bundle")


def fits(found: tuple[int, ...], wanted: tuple[int | Size, ...], sizes: dict[str, int]) -> bool:
    """Whether a shape is the one wanted; notes down in `sizes` what the bundle has chosen."""
    if len(found) != len(wanted):
        return False
    for have, want in zip(found, wanted, strict=True):
        try:
            if not isinstance(want, Size):
                if have != want:
                    return False
            elif sizes.setdefault(want.name, want.read(have)) != want.read(have):
                return False
        except ValueError:
            return False
    return True


def say(shape: tuple[int | Size, ...], sizes: dict[str, int]) -> str:
    """A shape in words, chosen sizes by number where they are known."""
    return f"[{', '.join(str(size if isinstance(size, int) else _number(size, sizes)) for size in shape)}]"


def _number(size: Size, sizes: dict[str, int]) -> int | str:
    return size.plus + size.times * sizes[size.name] if size.name in sizes else size.name


def _count(wanted: dict, found: dict) -> int:
    """How many of the inputs with a `*` there are; at least one."""
    starred = next((name.split("*")[0] for name in wanted if "*" in name), None)
    return 1 if starred is None else max(1, sum(name.startswith(starred) for name in found))
