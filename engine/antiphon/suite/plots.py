"""Pictures of figures as inline SVG: histograms on log axes, latency waterfalls, runs over time. numpy and text, nothing else.

Colours, type and line widths are the page's (classes, page.py): one picture serves light, dark and print. Every picture has a title
and a description for those who do not see it; what it shows stands in a table beside it, too.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from html import escape

import numpy as np

from . import noise
from .listing import few, number, wanted

WIDTH, HEIGHT = 460, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 20, 30
_ROW = 14
"""Height of a line of text."""
_MOST_BINS = 72
_TEXT = 6.4
"""Width of a character of 11 px type, about: to keep labels apart."""


@dataclass(frozen=True)
class Axis:
    """Where a value lies between `begin` and `end` (pixels): by its logarithm, linearly, or (symmetric) both, around zero."""

    low: float
    high: float
    begin: float
    end: float
    kind: str = "log"
    knee: float = 1.0

    @classmethod
    def over(cls, values: np.ndarray, begin: float, end: float, zero: bool = False) -> Axis:
        """Choose: log for what is above zero, symmetric for what spans decades around zero, else linear."""
        low, high = float(np.min(values)), float(np.max(values))
        if low > 0 and not zero:
            room = (high / low) ** 0.05 if high > low else 1.03
            return cls(low / room, high * room, begin, end)
        sizes = np.abs(values[values != 0])
        knee = float(np.quantile(sizes, 0.25)) if len(sizes) else 1.0
        wide = bool(len(sizes)) and max(abs(low), abs(high)) > 60 * knee and not zero
        low = min(low, 0.0) if zero else low
        room = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
        axis = cls(low if zero and low == 0 else low - room, high + room, begin, end, "symmetric" if wide else "linear", knee)
        return axis

    def _inner(self, values):
        values = np.asarray(values, float)
        if self.kind == "log":
            return np.log2(values)
        return np.arcsinh(values / self.knee) if self.kind == "symmetric" else values

    def at(self, values):
        """Pixels of values."""
        low, high = self._inner(self.low), self._inner(self.high)
        return self.begin + (self._inner(values) - low) / (high - low) * (self.end - self.begin)

    def ticks(self, most: int) -> list[float]:
        """Round values to write beside the axis, at most about `most`."""
        if self.kind == "log":
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for digits in ((1, 2, 5), (1, 3), (1,)):
                found = [
                    digit * 10.0**power for power in decades for digit in digits if self.low <= digit * 10.0**power <= self.high
                ]
                if len(found) <= most:
                    return found if len(found) >= 3 else _round_steps(self.low, self.high, most)
            return found[:: math.ceil(len(found) / most)]
        if self.kind == "symmetric":
            top = math.floor(math.log10(max(abs(self.low), abs(self.high))))
            sizes = [10.0**power for power in range(math.ceil(math.log10(self.knee)), top + 1)]
            sizes = sizes[:: max(1, math.ceil(2 * len(sizes) / most))]
            return [value for value in (*(-size for size in reversed(sizes)), 0.0, *sizes) if self.low <= value <= self.high]
        return _round_steps(self.low, self.high, most)


def _round_steps(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(digit * power for digit in (1, 2, 2.5, 5, 10) if digit * power >= raw * 0.999)
    return [round(k * step, 12) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _svg(width: float, height: float, title: str, description: str, parts: list[str], css: str = "") -> str:
    name = f"p{zlib.crc32(f'{title} {description} {css} {width}'.encode()):08x}"
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" class="{css}" role="img" aria-labelledby="{name}t {name}d" '
        f'xmlns="http://www.w3.org/2000/svg"><title id="{name}t">{escape(title)}</title>'
        f'<desc id="{name}d">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _whose(line: dict) -> str:
    return f"{line.get('bench', '')}, {line['name']}"


def _text(x: float, y: float, text: str, anchor: str = "middle", css: str = "") -> str:
    told = f' class="{css}"' if css else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{told}>{escape(text)}</text>'


def _path(css: str, d: str) -> str:
    return f'<path class="{css}" d="{d}"/>'


def _below(axis: Axis, y: float, unit: str = "", most: int = 7) -> list[str]:
    """The axis under a picture: line, ticks, numbers, and its unit where it is not that of the picture."""
    marks, texts, right = [], [], -math.inf
    unit_from = axis.end - _TEXT * len(unit) - 8 if unit else math.inf
    for value in axis.ticks(most):
        x, text = float(axis.at(value)), _tick(value)
        marks.append(f"M{x:.1f} {y:.1f}v4")
        half = _TEXT * len(text) / 2
        if x - half > right + 4 and x + half < unit_from:
            texts.append(_text(x, y + 16, text))
            right = x + half
    return [_path("axis", f"M{axis.begin:g} {y:g}H{axis.end:g}" + "".join(marks)), *texts] + (
        [_text(axis.end, y + 16, unit, "end", "unit")] if unit else []
    )


def _tick(value: float) -> str:
    size = abs(value)
    text = f"{value:.0e}" if size and (size < 1e-3 or size >= 1e7) else f"{value:,.6g}" if size < 1e5 else f"{value:,.0f}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("-", "−")


def histogram(line: dict, control: dict | None = None) -> str:
    """How often which value came, on log axes, in shares of all events; the control's outline over it, goals as lines."""
    own = _events(line)
    its = _events(control) if control and control["unit"] == line["unit"] else None
    every = np.concatenate([own[0], its[0]] if its else [own[0]])
    goals = [goal for goal in line.get("goals") or [] if goal["statistic"] not in ("count", "share", "happened")]
    near = [goal["limit"] for goal in goals if _near(goal["limit"], every)]
    axis = Axis.over(np.concatenate([every, near]) if near else every, _LEFT, WIDTH - _RIGHT)
    most = min(_MOST_BINS, max(12, round(2 * math.sqrt(line["count"]))))
    edges = _edges(axis, most, exact=not _rounded(line) and not (its and _rounded(control)))
    bins = [np.histogram(values, edges, weights=counts)[0] / counts.sum() for values, counts in filter(None, (own, its))]
    least = min(share[share > 0].min() for share in bins)
    bottom = 10.0 ** math.floor(math.log10(least * 0.7))
    goals_in = [goal for goal in goals if axis.low <= goal["limit"] <= axis.high]
    top, base = _TOP + _ROW * len(goals_in), HEIGHT - _BOTTOM + _ROW * max(len(goals_in) - 1, 0)
    up = Axis(bottom, 1.0, base, top)
    x = np.clip(axis.at(np.clip(edges, axis.low, axis.high)), _LEFT, WIDTH - _RIGHT)
    parts = _shares(up)
    parts.append(_path("own", _outline(x, bins[0], up, base, closed=True)))
    if its:
        parts.append(_path("control", _outline(x, bins[1], up, base, closed=False)))
    parts += _below(axis, base)
    parts += _quantiles(line, axis, top, base)
    for row, goal in enumerate(goals_in):
        parts += _goal(goal, axis, 10 + _ROW * row, base)
    told = (
        f"{number(line['count'])} events from {number(line['min'])} to {number(line['max'])} {line['unit']}, "
        f"{_middle_and_tail(line)}."
    )
    if its:
        told += f" Outline: the control run {control['name']}, {_middle_and_tail(control)}."
    told += "".join(f" Goal: {wanted(goal)} {line['unit']}, {'met' if goal['met'] else 'missed'}." for goal in goals)
    return _svg(WIDTH, base + _BOTTOM, f"Histogram: {_whose(line)}", told, parts, "histogram")


def _middle_and_tail(line: dict) -> str:
    median = f"median {number(line['p50'])}"
    return median if few(line, "p99") else f"{median}, 99th percentile {number(line['p99'])}"


def _events(line: dict) -> tuple[np.ndarray, np.ndarray]:
    segments = noise.parsed(line["events"]["segments"])
    return np.concatenate([values for values, _ in segments]), np.concatenate([counts for _, counts in segments])


def _rounded(line: dict) -> bool:
    return any(isinstance(one, list) for segment in line["events"]["segments"] for one in segment)


def _near(limit: float, values: np.ndarray) -> bool:
    """Whether a goal can be drawn without squeezing all the rest into a corner."""
    low, high = float(values.min()), float(values.max())
    if low > 0 and limit > 0:
        return low / 300 <= limit <= high * 300
    return low - 3 * (high - low) <= limit <= high + 3 * (high - low)


def _edges(axis: Axis, most: int, exact: bool) -> np.ndarray:
    """Bounds of the bars: whole parts of an octave on a log axis, so that rounded values fall evenly into them."""
    if axis.kind == "log":
        octaves = math.log2(axis.high / axis.low)
        width = 2.0 ** math.ceil(math.log2(max(octaves / most, 1e-9 if exact else 1 / 32)))
        half = 1 / 64  # rounded values lie in the middle of their 1/32 octave
        first = math.floor((math.log2(axis.low) + half) / width)
        last = math.ceil((math.log2(axis.high) + half) / width)
        return 2.0 ** (np.arange(first, last + 1) * width - half)
    inner = np.linspace(axis._inner(axis.low), axis._inner(axis.high), min(most, 48) + 1)
    return np.sinh(inner) * axis.knee if axis.kind == "symmetric" else inner


def _shares(up: Axis) -> list[str]:
    """Lines across, one for each decade of shares."""
    powers = range(round(math.log10(up.low)), 1)
    kept = list(powers)[:: -1 if len(powers) <= 5 else -2]
    lines = "".join(f"M{_LEFT} {up.at(10.0**power):.1f}H{WIDTH - _RIGHT}" for power in kept)
    return [_path("grid", lines)] + [
        _text(_LEFT - 6, float(up.at(10.0**p)) + 4, f"{_tick(10.0 ** (p + 2))} %", "end") for p in kept
    ]


def _outline(x: np.ndarray, shares: np.ndarray, up: Axis, base: float, closed: bool) -> str:
    """The steps of a histogram; one piece for each stretch of bars without a gap."""
    y = np.where(shares > 0, up.at(np.maximum(shares, up.low)), base)
    pieces, index = [], 0
    while index < len(shares):
        if shares[index] <= 0:
            index += 1
            continue
        end = index
        while end < len(shares) and shares[end] > 0:
            end += 1
        steps = "".join(f"V{y[k]:.1f}H{x[k + 1]:.1f}" for k in range(index, end))
        pieces.append(f"M{x[index]:.1f} {base:g}{steps}V{base:g}" + ("z" if closed else ""))
        index = end
    return "".join(pieces)


def _quantiles(line: dict, axis: Axis, top: float, base: float) -> list[str]:
    """Median and 99th percentile, of enough events: lines with their names above."""
    named = [name for name in ("p50", "p99") if not few(line, name)]
    places = [(name, float(axis.at(line[name]))) for name in named if axis.low <= line[name] <= axis.high]
    together = len(places) == 2 and abs(places[1][1] - places[0][1]) < 26
    parts = []
    for place, (name, x) in enumerate(places):
        anchor = ("end", "start")[place] if together else "middle"
        parts.append(
            _path("quantile", f"M{x:.1f} {top - 3:g}V{base:g}")
            + _text(x + (2 * place - 1) * 2 * together, top - 7, name, anchor, "quantile")
        )
    return parts


def _goal(goal: dict, axis: Axis, y: float, base: float) -> list[str]:
    """A line where the goal is, and what it asks for beside its upper end."""
    x = float(axis.at(goal["limit"]))
    text = f"goal {wanted(goal)}"
    anchor, at = ("end", x - 5) if x > (_LEFT + WIDTH) / 2 else ("start", x + 5)
    css = "met" if goal["met"] else "missed"
    return [_path(f"goal {css}", f"M{x:.1f} {y - 9:g}V{base:g}"), _text(at, y, text, anchor, css)]


def waterfall(line: dict) -> str:
    """A latency sum: each term begins where the one before it ended; the sum, and beside it what was measured."""
    rate = line["samplerate"]
    terms = [(str(name), float(frames)) for name, frames in line["terms"]]
    total, measured = sum(frames for _, frames in terms), line.get("measured_frames")
    rows = [*terms, ("the sum", total)] + ([("measured", float(measured))] if measured is not None else [])
    labels = min(max(_TEXT * max(len(name) for name, _ in rows) + 10, 80), 170)
    begin, end, high = labels, WIDTH - 130, 24
    most = max(total, measured or 0.0, 1e-9)
    scale = (end - begin) / most
    parts, at = [], 0.0
    for index, (name, frames) in enumerate(rows):
        y, is_term = 8 + index * high + 6 * (index >= len(terms)), index < len(terms)
        start = at if is_term else 0.0
        left, right = sorted((begin + start * scale, begin + (start + frames) * scale))
        css = "own" if is_term else "sum" if index == len(terms) else "measured"
        if is_term:
            parts.append(_path("grid", f"M{right:.1f} {y + 17:g}v{high - 17 + 6 * (index == len(terms) - 1):g}"))
        parts.append(
            f'<rect class="{css}" x="{left:.1f}" y="{y + 3:g}" width="{max(right - left, 0.8):.1f}" height="14" rx="1.5"/>'
        )
        shown = name if _TEXT * len(name) <= labels - 8 else name[: int((labels - 8) / _TEXT) - 1] + "…"
        parts.append(_text(labels - 8, y + 14, shown, "end", "" if is_term else "strong"))
        value = f"{frames:,.1f}".removesuffix(".0").replace("-", "−")
        parts.append(_text(WIDTH - 66, y + 14, value, "end", "" if is_term else "strong"))
        parts.append(
            _text(WIDTH - 2, y + 14, f"{1000 * frames / rate:.2f} ms".replace("-", "−"), "end", "" if is_term else "strong")
        )
        at += frames * is_term
    told = "; ".join(f"{name} {number(frames)} frames, {number(1000 * frames / rate)} ms" for name, frames in rows)
    return _svg(WIDTH, 8 + len(rows) * high + 14, f"Latency, term by term: {_whose(line)}", f"{told}.", parts, "waterfall")


def timeline(line: dict, width: int = 940, height: int = 230) -> str:
    """A run over time, with everything marked that was late: a flag above, a line through the picture."""
    t_s, values = np.asarray(line["t_s"], float), np.asarray(line["values"], float)
    marks = [(float(t), str(text)) for t, text in line.get("marks") or []]
    begin, end, base = _LEFT + 6, width - _RIGHT, height - _BOTTOM
    top = 20 if not line.get("marks") else 26
    times = np.concatenate([t_s, [t for t, _ in marks]])
    if not len(values):
        t_s, values, times = np.zeros(1), np.zeros(1), np.concatenate([times, [0.0]])
    last = float(times.max())
    across = Axis(min(0.0, float(times.min())), last if last > 0 else 1.0, begin, end, "linear")
    logarithmic = values.min() > 0 and values.max() > 30 * np.median(values)
    up = Axis.over(values, base, top, zero=not logarithmic and values.min() >= 0)
    ticks = up.ticks(5)
    parts = [_path("grid", "".join(f"M{begin:g} {up.at(v):.1f}H{end:g}" for v in ticks))]
    parts += [_text(begin - 6, float(up.at(v)) + 4, _tick(v), "end") for v in ticks]
    if marks:
        x = [float(across.at(t)) for t, _ in marks]
        parts.append(_path("mark thin", "".join(f"M{at:.1f} {top - 8}V{base:g}" for at in x)))
        parts.append(_path("flag", "".join(f"M{at:.1f} {top - 6}l-3.5 -7h7z" for at in x)))
    parts.append(_path("course", _course(across.at(t_s), up.at(np.clip(values, up.low, up.high)))))
    parts += _below(across, base, "s", 10 if width > 600 else 6)
    told = (
        f"{number(last)} s; values from {number(float(values.min()))} to {number(float(values.max()))} {line['unit']}, median "
        f"{number(float(np.median(values)))}. {len(marks)} marked."
    )
    return _svg(width, height, f"Over time: {_whose(line)}", told, parts, "timeline wide" if width > 600 else "timeline narrow")


def _course(x: np.ndarray, y: np.ndarray) -> str:
    """A line through points; of those in one pixel the highest and the lowest, so that no peak is lost."""
    kept = []
    columns = np.round(x).astype(int)
    bounds = np.flatnonzero(np.diff(columns)) + 1
    for piece in np.split(np.arange(len(x)), bounds):
        kept += sorted({int(piece[0]), int(piece[np.argmin(y[piece])]), int(piece[np.argmax(y[piece])])})
    return "M" + "L".join(f"{x[k]:.1f} {y[k]:.1f}" for k in kept)
