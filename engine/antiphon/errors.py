"""What may go wrong because of the world rather than because of us.

Every message is one line: what happened with the value, what would be right, what to do.
The command line prints it as `antiphon: <line>` and never shows a traceback for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AntiphonError(Exception):
    """Something the user can mend; `str()` of it is the one line to show. Exit code 2 at the command line."""

    exit_code = 2


class UsageError(AntiphonError):
    """A wrong flag, value, path or file."""


class DeviceError(AntiphonError):
    """A sound device that is missing, busy, ambiguous or gone."""


class BundleError(AntiphonError):
    """A model folder that is missing or does not agree with its manifest."""


def nearest(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """List at most `most` of `candidates` that a person who wrote `name` may have meant, best first.

    A candidate that begins with `name`, contains it, or ends like it comes before one that is only spelled alike.
    """
    wanted = name.strip().lower()
    known = list(dict.fromkeys(candidates))
    if not wanted:
        return []
    inside = [c for c in known if len(wanted) >= 2 and wanted in c.lower()]
    inside.sort(key=lambda c: (not c.lower().startswith(wanted), len(c)))
    folded = {c.lower(): c for c in known}
    alike = [folded[c] for c in difflib.get_close_matches(wanted, folded, n=most, cutoff=0.6)]
    return list(dict.fromkeys(inside + alike))[:most]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Phrase the nearest names as the end of a sentence; empty where none is near."""
    near = nearest(name, candidates)
    return f"; did you mean {' or '.join(near)}?" if near else ""
