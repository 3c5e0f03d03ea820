"""The one thing that every control surface produces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One accepted change of one row of the parameter table.

    `value` has been through `Registry.accept`. `time_frame` is the device frame at which it is due,
    None for at once. `source` names the surface and who spoke ("cli", "preset:quiet", "osc:127.0.0.1:52000").
    """

    path: str
    value: float | int | bool | str
    time_frame: int | None = None
    source: str = ""
