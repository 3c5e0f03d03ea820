"""Follow the pattern through a sound from where it was found: where each of its hops lies, and what lies in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evidence import STEP
from .pattern import HOP, PERIOD, Secret, presence

_BLOCK, _LONG_BLOCK = 5, 20
"""Hops over which the clock is taken as steady: 0.1 s, 0.4 s where the mark is faint."""
_MOST = 6  # frames that the clock may run off in a block: 1,250 ppm
_SMALL, _PER_FRAME, _JUMP = 0.8, 0.15, 14.0  # what a move costs, in nats
_SURE = 5.0
_BAND_BLOCK, _BAND_REACH = 125, 8  # 2.5 s, 40 ms
_BAND_MOVE = 1.2
_LATE = 80  # frames after a hop's middle at which its gains are felt most


@dataclass(frozen=True)
class Path:
    """Where each hop of the pattern lies: row r is hop `first_hop` + r and begins at frame `starts`[r], (T,) int64."""

    first_hop: int
    starts: np.ndarray

    @property
    def hops(self) -> np.ndarray:
        """Pattern hop of each row, modulo PERIOD."""
        return (self.first_hop + np.arange(len(self.starts))) % PERIOD


@dataclass(frozen=True)
class Layer:
    """One layer's evidence along a path: `rows` (T, n) float32 of sound, of which the mark has made each a little like its signs.

    `agree` (T,) is their product with the public signs, `energy` (T,) how much of them that concerns. The path may have been
    chosen by `agree`: no p-value follows from it. The secret signs had no part in that.
    """

    path: Path
    rows: np.ndarray
    agree: np.ndarray
    energy: np.ndarray
    settle: int
    """Rows on each side over which the gain is averaged."""

    @property
    def z(self) -> float:
        return float(self.agree.sum() / np.sqrt(self.energy.sum() + 1e-20))

    def local(self, half: int) -> np.ndarray:
        """Give z over `half` rows on each side of every row, (T,)."""
        return around(self.agree, half) / np.sqrt(around(self.energy, half) + 1e-20)

    @property
    def gain(self) -> np.ndarray:
        """How strongly the mark is heard about each row, (T,), at least a little."""
        energy = around(self.energy, self.settle)
        # Near silence there is next to no energy, and chance divided by that would drown the rest.
        heard = np.maximum(around(self.agree, self.settle), 0) / (energy + 0.1 * energy.mean() + 1e-20)
        return heard + 0.05 * heard.max()

    @property
    def drift(self) -> float:
        """How much longer than when marked the sound is, less 1, by a line through where the mark is surest."""
        sure = np.maximum(self.local(self.settle), 0) ** 2
        row = np.arange(len(sure))
        if sure.sum() < 1 or len(row) < 100:
            return 0.0
        row = row - (sure * row).sum() / sure.sum()
        off = self.path.starts - self.path.starts[0]
        return float((sure * row * off).sum() / (sure * row * row).sum() / HOP - 1)


@dataclass(frozen=True)
class Hidden:
    """The same rows under an installation's secret signs, weighed by the gain of the public ones.

    `value` (T, k) is what row and column say of the code bit `slots` (T, k): positive for a 0. `weighed` (T, n).
    """

    hops: np.ndarray
    slots: np.ndarray
    value: np.ndarray
    weighed: np.ndarray

    def sums(self, first: int, last: int, bits: int) -> tuple[np.ndarray, float]:
        """Give (bits,) float64 of evidence from rows `first` to `last`, and the square it would have by chance.

        A hop of the pattern that comes round again has the same signs: its rows count as one sum.
        """
        ring = np.zeros((PERIOD, self.weighed.shape[1]), np.float32)
        for at in range(first, last, PERIOD):
            end = min(at + PERIOD, last)
            ring[self.hops[at:end]] += self.weighed[at:end]
        value = np.bincount(self.slots[first:last].reshape(-1), self.value[first:last].reshape(-1), bits)
        return value, float(np.square(ring).sum())


def noise_hidden(layer: Layer, secret: Secret) -> Hidden:
    """Read a noise layer's rows by a key."""
    hops = layer.path.hops
    weighed = layer.rows * layer.gain[:, None].astype(np.float32)
    value = np.einsum("tn,tn->t", weighed, secret.noise[hops])
    return Hidden(hops, secret.slots[hops][:, None], value[:, None], weighed)


def band_hidden(layer: Layer, secret: Secret) -> Hidden:
    """Read a bands' layer's rows by a key."""
    hops = layer.path.hops
    weighed = layer.rows * layer.gain[:, None].astype(np.float32) * (secret.band_signs[hops] != 0)
    return Hidden(hops, secret.band_slots[hops], weighed * secret.band_signs[hops], weighed)


def around(value: np.ndarray, half: int) -> np.ndarray:
    """Sum (T,) over `half` rows on each side; fewer at the ends."""
    total = np.concatenate([[0.0], np.cumsum(value, dtype=np.float64)])
    at = np.arange(len(value))
    return total[np.minimum(at + half + 1, len(value))] - total[np.maximum(at - half, 0)]


def follow(white: np.ndarray, lag: int, first: int, last: int, reach: int = 300) -> Layer | None:
    """Follow the noise from frame `first` to `last`, at most `reach` frames from `lag`. About 400 x real time.

    The best path over blocks of 0.1 s, or of 0.4 s where too few of those are sure; where nothing is heard it goes straight
    from what was heard before to what is heard after. None where not one block fits.
    """
    best = None
    for block in (_BLOCK, _LONG_BLOCK):
        layer, sure = _follow(white, lag, first, last, reach, block)
        if layer is not None and (best is None or layer.z > best.z):
            best = layer
        if sure > 0.3:
            break
    return best


def _follow(white: np.ndarray, lag: int, first: int, last: int, reach: int, block: int) -> tuple[Layer | None, float]:
    """Follow in blocks of so many hops; say also which share of the blocks that sound is sure of its place."""
    first_hop = -(-(first + lag) // HOP)
    origin = first_hop * HOP - lag
    blocks = (min(last, len(white)) - origin) // (HOP * block)
    if blocks < 1:
        return None, 0.0
    length = block * HOP
    padded = np.zeros(blocks * length + 2 * reach, np.float32)
    low = origin - reach
    inside = white[max(low, 0) : max(low + len(padded), 0)]
    padded[max(-low, 0) : max(-low, 0) + len(inside)] = inside
    heard = np.lib.stride_tricks.sliding_window_view(padded, length + 2 * reach)[::length]
    sent = presence().noise[(first_hop + np.arange(blocks * block)) % PERIOD].reshape(blocks, length)
    points = _even(length + 2 * reach)
    at_each = np.zeros((blocks, 2 * reach + 1), np.float32)
    for some in range(0, blocks, 64):
        lines = np.fft.rfft(heard[some : some + 64], points) * np.conj(np.fft.rfft(sent[some : some + 64], points))
        at_each[some : some + 64] = np.fft.irfft(lines, points)[:, : 2 * reach + 1]
    energy = np.square(heard[:, reach : reach + length]).sum(1)
    sounding = energy > 1e-3 * energy.max()  # in silence any sign agrees with itself
    z = at_each / np.sqrt(np.where(sounding, energy, np.inf))[:, None]
    path = _best_path(z)
    size = np.abs(z[np.arange(blocks), path])
    settled = np.flatnonzero(size > _SURE)
    share = len(settled) / max(1, int(sounding.sum()))
    if len(settled) < 2:
        settled = np.sort(np.argsort(size)[-max(1, blocks // 4):])
    middle = np.arange(blocks) * block + (block - 1) / 2
    offset = np.interp(np.arange(blocks * block), middle[settled], path[settled] - reach)
    starts = origin + np.arange(blocks * block) * HOP + np.rint(offset).astype(np.int64)
    within = (starts >= 0) & (starts + HOP <= len(white))
    if not within.any():
        return None, share
    kept = slice(int(within.argmax()), len(within) - int(within[::-1].argmax()))
    return noise_layer(white, Path(first_hop + kept.start, starts[kept])), share


def noise_layer(white: np.ndarray, path: Path) -> Layer:
    """Take the rows of a path out of whitened sound."""
    rows, sent = white[path.starts[:, None] + np.arange(HOP)], presence().noise[path.hops]
    agree = np.einsum("tn,tn->t", rows, sent)
    if agree.sum() < 0:  # the sound's sign was turned on its way
        rows, agree = -rows, -agree
    return Layer(path, rows, agree, np.einsum("tn,tn->t", rows, rows), 25)


def band_layer(moves: np.ndarray, path: Path, tempo: float = 1.0) -> Layer:
    """Take the rows of a path out of the bands' restlessness; `tempo` as in `search.band_places`."""
    at = np.clip((path.starts + HOP * tempo / 2 + _LATE) / STEP, 0, len(moves) - 1.001)
    low = at.astype(int)
    part = (at - low).astype(np.float32)[:, None]
    rows = moves[low] * (1 - part) + moves[low + 1] * part
    public, hops = presence(), path.hops
    agree = np.einsum("tn,tn->t", rows, public.band_signs[hops])
    return Layer(path, rows, agree, np.square(rows).sum(1) * public.known[hops], 125)


def follow_bands(moves: np.ndarray, lag: int, first: int, last: int, tempo: float = 1.0) -> Layer | None:
    """Follow the bands' signs, for a sound whose noise is lost; `lag`, `first` and `last` in frames at tempo 1."""
    first_hop = -(-(first + lag) // HOP)
    count = (min(last, int(len(moves) * STEP / tempo)) - (first_hop * HOP - lag)) // HOP
    if count < 20:
        return None
    straight = np.rint((first_hop * HOP - lag + np.arange(count) * HOP) * tempo).astype(np.int64)
    blocks = max(1, count // _BAND_BLOCK)
    cuts = [count * k // blocks for k in range(blocks)]
    shifts = np.arange(-_BAND_REACH, _BAND_REACH + 1)
    z = np.zeros((blocks, len(shifts)), np.float32)
    for column, shift in enumerate(shifts):
        layer = band_layer(moves, Path(first_hop, straight + shift * STEP), tempo)
        z[:, column] = np.add.reduceat(layer.agree, cuts) / np.sqrt(np.add.reduceat(layer.energy, cuts) + 1e-20)
    gain = np.sign(z) * np.square(z) / 2
    cost = _BAND_MOVE * np.abs(shifts[:, None] - shifts[None, :])
    score, back = gain[0], []
    for own in gain[1:]:
        reached = score[:, None] - cost
        back.append(reached.argmax(0))
        score = reached.max(0) + own
    chosen = [int(score.argmax())]
    for sources in back[::-1]:
        chosen.append(int(sources[chosen[-1]]))
    shift = shifts[chosen[::-1]][np.searchsorted(cuts, np.arange(count), side="right") - 1]
    return band_layer(moves, Path(first_hop, straight + shift * STEP), tempo)


def _even(at_least: int) -> int:
    """Give the next length 2^a 3^b 5^c."""
    return min(2**a * 3**b * 5**c for a in range(1, 20) for b in range(8) for c in range(6)
               if 2**a * 3**b * 5**c >= at_least)


def _best_path(z: np.ndarray) -> np.ndarray:
    """Choose an offset for each block, (blocks,): (blocks, offsets) z as evidence of z |z| / 2, less what moves cost."""
    gain = np.square(z) / 2
    blocks, width = z.shape
    back = np.zeros((blocks, width), np.int32)
    score = gain[0].copy()
    own = np.arange(width)
    for k in range(1, blocks):
        best, source = score.copy(), own.copy()
        for move in range(-_MOST, _MOST + 1):
            if move:
                moved = np.full(width, -np.inf, np.float32)
                if move > 0:
                    moved[move:] = score[:-move]
                else:
                    moved[:move] = score[-move:]
                moved -= _SMALL + _PER_FRAME * abs(move)
                better = moved > best
                best[better] = moved[better]
                source[better] = own[better] - move
        top = int(score.argmax())
        far = score[top] - _JUMP > best
        best[far], source[far] = score[top] - _JUMP, top
        back[k], score = source, best + gain[k]
    path = np.zeros(blocks, np.int64)
    path[-1] = int(score.argmax())
    for k in range(blocks - 1, 0, -1):
        path[k - 1] = back[k, path[k]]
    return path
