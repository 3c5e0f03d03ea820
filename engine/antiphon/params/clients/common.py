"""What the clients share: the table by group, numbers as text, and a line that says what a row takes."""

from __future__ import annotations

from ..spec import Param, Registry

HOST, PORT, REPLY_PORT = "127.0.0.1", 9000, 9001
"""Where the instrument listens by default, and where hosts listen that cannot hear on the port they send from."""

LONG_S = 3600
"""The longest subscription there is, for hosts that do not renew one by themselves."""

FEEDS = (("meters", 20), ("pitch", 20), ("notes", 20), ("heard", 5), ("latency", 1), ("guard", 2), ("attribution", 1), ("recording", 2), ("health", 1))
"""What can be subscribed to besides rows, and how often in a second it is asked for."""


def groups(registry: Registry) -> dict[str, list[Param]]:
    """Give the rows by their group, both in the order of the table."""
    found: dict[str, list[Param]] = {}
    for row in registry.rows:
        found.setdefault(row.group, []).append(row)
    return found


def prefixes(registry: Registry) -> list[str]:
    """Give what stands before the slash in paths that have one."""
    return list(dict.fromkeys(row.path.split("/")[0] for row in registry.rows if "/" in row.path))


def number(value: float) -> str:
    """Write a number without an ending of zeros."""
    return f"{value:.10g}"


def index(row: Param) -> int:
    """Say which of an enum's choices is the default."""
    return row.choices.index(row.default)


def takes(row: Param) -> str:
    """Say in a line what the row does, what it takes and what it begins with."""
    if row.access == "w":
        return f"{row.help} (1 .. {row.most})" if row.numbered else row.help
    span = ", ".join(row.choices) if row.kind == "enum" else row.span().replace(" | ", ", ")
    return f"{row.help} ({span}; {row.show(row.default)} at the start)"


def example(row: Param) -> str:
    """Give a value to show, as a person would write it, for what no fader can hold."""
    if row.kind == "list":
        return {"note": "60 64 67", "cents": "0 200 350 500 700 900 1050"}.get(row.unit, "0 120")
    return {"ask": "slow dark"}.get(row.path, "duet")
