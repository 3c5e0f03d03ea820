"""Takes: a performance on disk that can prove how it was made. What lies where is told in form.py."""

from .check import TakeReport, verify
from .flac import to_flac
from .form import TakeError, TakeSpec, disclosure
from .reader import Take
from .repair import RepairReport, repair
from .writer import TakeSummary, TakeWriter

__all__ = [
    "RepairReport",
    "Take",
    "TakeError",
    "TakeReport",
    "TakeSpec",
    "TakeSummary",
    "TakeWriter",
    "disclosure",
    "repair",
    "to_flac",
    "verify",
]
