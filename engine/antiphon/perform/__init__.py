"""When the instrument listens and when it answers. Pure: no sound, no clock, no input or output; one step a hop."""

from .machine import REFUSALS, Action, Performer
from .phrase import PhraseDetector

__all__ = ["REFUSALS", "Action", "Performer", "PhraseDetector"]
