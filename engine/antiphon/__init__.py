"""Antiphon: an instrument that hears a performer and carries the music on."""

__version__ = "0.1.0"
