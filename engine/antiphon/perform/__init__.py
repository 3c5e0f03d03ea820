"""When the instrument listens and when it answers. Pure: no sound, no clock, no input or output; one step a hop."""

from .machine import Action, Performer
from .phrase import PhraseDetector

__all__ = ["Action", "Performer", "PhraseDetector"]
