"""Receipts and comparisons in words: what `bench/show.py` prints. And how numbers are written, here and on the page."""

from __future__ import annotations

import math

from .compare import Comparison
from .figures import NEEDED
from .receipt import Receipt
from .usable import STATISTICS, sound
from .verdict import CHANGED, GONE, LEAST, MACHINE, OTHER, TOO_FEW, UNTOLD, Moved, Row, stands_out

COLUMNS = ("count", *STATISTICS)
_MOST_NAMED = 6
_FEW = 20
_SIGNS = {"<=": "≤", ">=": "≥", "==": "="}


def number(value: float) -> str:
    """Write a number with three digits that mean something, or four, thousands apart: 0.00123  1.23  12.3  123.4  12,345."""
    size = abs(value)
    if size == 0 or (float(value).is_integer() and size < 1e9):
        return f"{int(value):,}".replace("-", "−")
    if size >= 100 or size < 1e-4:
        text = f"{value:,.{int(size < 1000)}f}" if 100 <= size < 1e9 else f"{value:.2e}"
    else:
        text = f"{value:.{2 - math.floor(math.log10(float(f'{size:.3g}')))}f}"
    return text.replace("-", "−")


def share(happened: float, chances: float) -> str:
    """Write how much of something it was, in percent; never 0 or 100 for what is not quite."""
    if not chances > 0:
        return "–"
    percent = 100.0 * happened / chances
    return f"{percent:.4g} %" if percent > 90 else f"{number(percent)} %"


def tally(line: dict) -> str:
    """Write a count of chances: 3 of 3,000 steps (0.1 %). Where it is a count in seconds, so much of them."""
    happened, chances = number(line["happened"]), number(line["chances"])
    if line.get("unit") == "s":
        return f"{happened} in {chances} s"
    return f"{happened} of {chances} {line.get('unit', '')}".rstrip() + f" ({share(line['happened'], line['chances'])})"


def wanted(goal: dict) -> str:
    """Write what a goal asks for: p99 ≤ 30."""
    return f"{goal['statistic']} {_SIGNS.get(goal['relation'], goal['relation'])} {number(goal['limit'])}"


def found(goal: dict) -> str:
    """Write what was found of a goal."""
    return "nothing was measured" if goal["found"] is None else number(goal["found"])


def few(line: dict, name: str) -> bool:
    """Whether a statistic of a figure is of fewer events than it names, and so the largest of them."""
    return line["count"] < NEEDED.get(name, 0)


def thin(line: dict, goal: dict) -> bool:
    """Whether a goal was judged on so few events that meeting it says little."""
    if line["kind"] == "figure":
        return line["count"] < NEEDED.get(goal["statistic"], _FEW)
    return line["kind"] == "tally" and line.get("unit") != "s" and 0 < line["chances"] < _FEW


def quantile(line: dict, name: str, unit: str = "") -> str:
    """Write a statistic where no maximum stands beside it: with the word, where it is nothing else."""
    return number(line[name]) + unit + (" (max)" if few(line, name) else "")


def about(head: dict) -> str:
    """Say in a line what was measured, where and when."""
    bundle = head.get("bundle") if isinstance(head.get("bundle"), dict) else {}
    commit = str(head.get("commit") or "no commit")[:10] + (" with changes" if head.get("dirty") else "")
    length = f"{head['seconds']:g} s each" if isinstance(head.get("seconds"), int | float) else "quick" if head.get("quick") else "in full"
    length += f", with a fault on purpose: {head['inject']}" if head.get("inject") else ""
    return f"{head.get('time', '')}  {commit}  antiphon {head.get('antiphon', '?')}  bundle {bundle.get('name', '?')}  {length}"


def where(head: dict) -> str:
    """Name the machine in a line."""
    facts = head.get("machine") if isinstance(head.get("machine"), dict) else {}
    cores = facts.get("cores")
    virtual = facts.get("virtual")
    told = [
        str(facts.get("cpu") or "unknown processor"),
        f"{cores} core{'s' * (cores != 1)}" if cores else "",
        "" if not virtual else "virtual" if virtual == "unknown" else f"virtual ({virtual})",
        f"Linux {facts['kernel']}" if facts.get("kernel") else "",
        "" if facts.get("realtime") is None else "realtime rights" if facts["realtime"] else "no realtime rights",
    ]
    return ", ".join(filter(None, told))


def state(receipt: Receipt) -> str:
    """Say what a receipt lacks; empty where it is whole."""
    lacks = [] if receipt.complete else ["interrupted" if receipt.end else "broken off"]
    if receipt.damaged:
        lacks.append(f"{receipt.damaged} line{'s' * (receipt.damaged != 1)} unreadable")
    return ", ".join(lacks) + ("; what is there is shown" if lacks else "")


def listed(receipt: Receipt) -> list[str]:
    """Lay one receipt out as a table, benchmark by benchmark."""
    receipt = sound(receipt)
    told = [about(receipt.head), where(receipt.head)] + ([state(receipt)] if state(receipt) else [])
    rows = {bench: [_cells(receipt, line) for line in receipt.of(bench, "figure", "tally", "value")] for bench in _benches(receipt)}
    every = [cells for some in rows.values() for cells, _ in some if len(cells) > 2]
    heads = ["", *COLUMNS, "control p99"]
    widths = [max([len(heads[i])] + [len(cells[i]) for cells in every]) for i in range(len(heads))]
    widths[0] = max([20] + [len(cells[0]) for some in rows.values() for cells, _ in some])
    for bench, some in rows.items():
        told += ["", f"{bench}: {_title(receipt, bench)}"]
        if any(len(cells) > 2 for cells, _ in some):
            told.append(_line(heads, widths) + "  goal")
        for cells, goal in some:
            row = (
                _line(cells, widths)
                if len(cells) > 2
                else f"  {cells[0]:<{widths[0]}}  {cells[1]:<{sum(widths[1:]) + 2 * len(COLUMNS)}}"
            )
            told.append((row + (f"  {goal}" if goal else "")).rstrip())
        for line in receipt.of(bench, "skip"):
            goals = _goals(line)
            told.append(f"  {line['name'] or 'left out'}: {line['why']}" + (f"  {goals}" if goals else ""))
    return [*told, "", goals_met(receipt) or "no goals in this receipt"]


def goals_met(receipt: Receipt) -> str:
    """Say how many goals were met, and on how few events some of them; empty where there is none."""
    met = [(line, goal) for line, goal in receipt.goals if goal["met"]]
    little = sum(thin(line, goal) for line, goal in met)
    told = f"{len(met)} of {len(receipt.goals)} goals met" if receipt.goals else ""
    return told + (f" ({little} of them on so few events that it says little)" if little else "")


def _benches(receipt: Receipt) -> list[str]:
    return list(dict.fromkeys(line["bench"] for line in receipt.lines))


def _title(receipt: Receipt, bench: str) -> str:
    return next((line["title"] for line in receipt.of(bench, "bench")), "")


def _cells(receipt: Receipt, line: dict) -> tuple[list[str], str]:
    """The cells of a figure (two, where it is no distribution), and what its goals came to."""
    control = receipt.figure(line["bench"], line["control"]) if isinstance(line.get("control"), str) else None
    control = control if control and control["kind"] == line["kind"] else None
    goals = _goals(line)
    if line["kind"] == "figure":
        unit = f" {control['unit']}" if control and control["unit"] != line["unit"] else ""
        beside = quantile(control, "p99", unit) if control else ""
        cells = [f"{line['name']}, {line['unit']}", *("–" if few(line, name) else number(line[name]) for name in COLUMNS), beside]
        return cells, goals
    told = tally(line) if line["kind"] == "tally" else f"{number(line['value'])} {line['unit']}"
    beside = "" if not control else f"; control {tally(control) if line['kind'] == 'tally' else number(control['value'])}"
    return [line["name"], told + beside], goals


def _goals(line: dict) -> str:
    """What the goals of a line came to."""
    told = (wanted(goal) + (" met" if goal["met"] else f" MISSED ({found(goal)})") for goal in line.get("goals") or [])
    return "  ".join(told)


def _line(cells: list[str], widths: list[int]) -> str:
    first, *others = (
        f"{cell:>{width}}" if place else f"{cell:<{width}}" for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(["  " + first, *others])


def compared(comparison: Comparison, a: Receipt, b: Receipt, everything: bool = False) -> list[str]:
    """Say what changed from A to B; with `everything` what did not, too."""
    told = [f"A  {about(a.head)}", f"B  {about(b.head)}"]
    told += [f"{name}  {state(receipt)}" for name, receipt in (("A", a), ("B", b)) if state(receipt)]
    told += [f"not the same: {'; '.join(comparison.differs)}"] if comparison.differs else []
    told += _restless(comparison)
    rows = [row for row in comparison.rows if everything or row.verdict in (*CHANGED, MACHINE, OTHER, GONE) or row.goals]
    rows.sort(key=lambda row: (not row.worse, row.verdict != GONE, row.verdict not in CHANGED, row.verdict != MACHINE))
    widths = [max([0] + [len(text) for text in texts]) for texts in zip(*map(_begin, rows), strict=True)]
    told += [""] + [_row(row, widths) for row in rows] + [""] * bool(rows)
    told.append(verdict(comparison))
    for name, keys in (("only in A", comparison.only_a), ("only in B", comparison.only_b), ("not compared", comparison.unlike)):
        told += [f"{name}: {_few(keys)}"] if keys else []
    return told


def _few(keys: list[str]) -> str:
    """Name the first of many."""
    return "; ".join(keys[:_MOST_NAMED]) + (f"; and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else "")


def _restless(comparison: Comparison) -> list[str]:
    """Say where the machine was restless between the two runs."""
    told = [
        f"{bench} {name} ×{shown:.2f}"
        for name, found in comparison.restless.items()
        for bench, shown in found.items()
        if stands_out(shown) > math.log1p(LEAST[name])
    ]
    return (
        [f"restless: figures went apart by a factor, as a rule: {', '.join(told)}; only what stands out from that is a change"]
        if told
        else []
    )


def verdict(comparison: Comparison) -> str:
    """Say it all in one line, what is lost first."""
    rows = [row for row in comparison.rows if row.verdict != GONE]
    gone, missed = len(comparison.rows) - len(rows), sum(row.missed for row in rows)
    lost = [f"{gone} with a goal {'is' if gone == 1 else 'are'} gone"] * bool(gone)
    lost += [f"{missed} missed a goal that {'it' if missed == 1 else 'they'} met"] * bool(missed)
    if not rows:
        return "; ".join([*lost, "nothing to compare: no figure is in both"])
    counts = {word: sum(row.verdict == word for row in rows) for word in (*CHANGED, MACHINE, OTHER, UNTOLD, TOO_FEW)}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count and word in CHANGED)
    rest = "; ".join(f"{counts[word]} {word}" for word in (MACHINE, OTHER, UNTOLD, TOO_FEW) if counts[word])
    first = (
        f"{len(comparison.changed)} of {len(rows)} figures changed beyond noise: {told}"
        if told
        else (f"nothing {'else ' * bool(lost)}changed beyond noise ({len(rows)} figures)")
    )
    return "; ".join([*lost, first, *([rest] if rest else [])])


def _begin(row: Row) -> tuple[str, str]:
    return row.verdict, f"{row.bench}: {row.name}"


def _row(row: Row, widths: list[int]) -> str:
    told = [f"{name} {_moved(moved, row.unit)}" for name, moved in row.moved.items()]
    told += [row.goals] if row.goals else []
    return "  ".join(["", *(f"{text:<{width}}" for text, width in zip(_begin(row), widths, strict=True)), "   ".join(told)])


def _moved(moved: Moved, unit: str) -> str:
    def shown(value: float) -> str:
        return f"{value:.2f}" if moved.ratio and 0.1 <= value < 10 else number(value)

    sign = "×" if moved.ratio else "" if moved.at < 0 else "+"
    bounds = "" if moved.low == moved.high else f" [{shown(moved.low)} .. {shown(moved.high)}]"
    control = "" if moved.control is None else f", control {sign}{shown(moved.control)}"
    return f"{number(moved.a)} → {number(moved.b)} {unit} {sign}{shown(moved.at)}{bounds}{control}"
