"""The frame tokenizer: what does each hop of the microphone sound like?

``FrontEnd`` turns sound into two log-frequency spectra a hop: a long window for low notes and fine pitch, a short one
for onsets. Both windows fall steeply at their new end, so that the latest milliseconds count.
``Tokenizer`` runs the trained network on them, one hop at a time.

Pitch, voicing and loudness are of the hop just heard, the pitch as it was PITCH_AGE_S before the hop's end. Note and onset
are of the hop before it: LOOK_AHEAD_HOPS = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..kernels import Spectrum, ffi, lib, pointer
from .edges import Edges, Size
from .graph import StepGraph
from .tokens import HOP, MODEL_RATE, NOTE_LO, NOTES, REST

BINS_PER_NOTE = 3
PITCHES = NOTES * BINS_PER_NOTE  # fine pitch classes; class PITCHES means unvoiced
BIN_PITCH = NOTE_LO + np.arange(PITCHES) / BINS_PER_NOTE
LOWEST_BIN = NOTE_LO - 12  # MIDI note of the spectra's first bin: the octave below, for the subharmonic
SPECTRUM = 108 * BINS_PER_NOTE  # bins, 27.5 Hz .. 14 kHz
SPECTRA = 2 * SPECTRUM + 1  # long, short, and the one value of all that lies beyond
BEYOND = -2.0
LONG_HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8)
SHORT_HARMONICS = (1, 2, 3)
LOOK_AHEAD_HOPS = 1
PITCH_AGE_S = 0.015  # a glide is known no sooner: trained on the middle of the hop, it was nearest to 5 ms earlier all the same
QUIET_DB = -75.0  # below this nothing is heard

_LONG, _LONG_FALL = 4096, 640
_SHORT, _SHORT_FALL = 2048, 320
_FLOOR, _GAIN, _OFFSET = 1e-5, 0.4, 2.0  # natural log of amplitude, scaled to about -2.6 .. 2
_QUIET_HOPS = -(-_LONG // HOP)  # after so many, no window holds anything else


def _spectrum(size: int, fall: int) -> Spectrum:
    """Asymmetric window, transform of twice its length, triangular bins on a log-frequency axis."""
    rise = size - fall
    up = np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise) ** 2
    down = np.cos(np.pi / 2 * (np.arange(fall) + 0.5) / fall) ** 2
    window = np.concatenate([up, down])
    frequency = np.arange(size + 1) * MODEL_RATE / (2 * size)
    centre = 440.0 * 2.0 ** ((LOWEST_BIN + np.arange(SPECTRUM) / BINS_PER_NOTE - 69) / 12)
    reach = np.maximum(centre * (2 ** (1 / 12 / BINS_PER_NOTE) - 1), frequency[1])
    bands = []
    for f, bandwidth in zip(centre, reach, strict=True):
        triangle = np.maximum(0.0, 1.0 - np.abs(frequency - f) / bandwidth)
        inside = np.flatnonzero(triangle)
        bands.append((int(inside[0]), triangle[inside] / triangle[inside].sum()))
    return Spectrum(2 * window / window.sum(), 2 * size, bands, _FLOOR, _GAIN, _OFFSET)


def _stack() -> np.ndarray:
    """Where in a hop's spectra each harmonic of each fine pitch is: (STACK, PITCHES) int64 (HCQT, Bittner et al. 2017)."""
    rows = []
    for spectrum, harmonics in ((0, LONG_HARMONICS), (SPECTRUM, SHORT_HARMONICS)):
        for harmonic in harmonics:
            lines = np.arange(PITCHES) + 12 * BINS_PER_NOTE + round(12 * BINS_PER_NOTE * np.log2(harmonic))
            rows.append(np.where(lines < SPECTRUM, spectrum + lines, SPECTRA - 1))
    return np.stack(rows)


STACK_LINES = _stack()
STACK = len(STACK_LINES)
COLOURS = SPECTRUM // BINS_PER_NOTE  # the short spectrum, a third as fine
# As ap_hearing.h fills and reads them. A graph without the class of strokes is one that never hears any.
_HEADS = Size("strokes", plus=2 * NOTES + 3, least=0, most=1)
EDGES = Edges({"stack": (1, 2 * STACK, 1, PITCHES), "colour": (1, 1, 1, COLOURS)},
              {"heads": (1, 1, 1, _HEADS), "local": (1, 2, 1, PITCHES)})


class FrontEnd:
    """Log-frequency spectra of hops, (SPECTRA,): long, short, BEYOND. The trainer and the live instrument run this same code.

    ``spectra(sound)`` for a whole recording equals ``step`` hop by hop, bit for bit.
    """

    def __init__(self):
        self._long, self._short = _spectrum(_LONG, _LONG_FALL), _spectrum(_SHORT, _SHORT_FALL)
        self._past = np.zeros(_LONG, np.float32)
        self._older, self._latest = self._past[HOP:], self._past[-_SHORT:]
        self._out = np.full(SPECTRA, BEYOND, np.float32)
        self._parts = self._out[:SPECTRUM], self._out[SPECTRUM : 2 * SPECTRUM]

    def reset(self) -> None:
        """Forget all sound."""
        self._past[:] = 0

    def state(self) -> np.ndarray:
        """Return a copy of the remembered sound, (4096,) float32."""
        return self._past.copy()

    def set_state(self, state: np.ndarray) -> None:
        """Take what `state` returned."""
        self._past[:] = state

    def skip(self, hop: np.ndarray) -> None:
        """Take (960,) float32 whose spectra nobody asks for."""
        ffi.memmove(self._past, self._older, self._older.nbytes)  # numpy would go by way of a copy
        self._past[-HOP:] = hop

    def step(self, hop: np.ndarray) -> np.ndarray:
        """Take (960,) float32, return its spectra (SPECTRA,) float32, a view valid until the next step. About 0.05 ms."""
        self.skip(hop)
        self._long.process(self._past, self._parts[0])
        self._short.process(self._latest, self._parts[1])
        return self._out

    def spectra(self, sound: np.ndarray) -> np.ndarray:
        """Take (frames,) float32 of whole hops, return the spectra of each, (hops, SPECTRA)."""
        padded = np.concatenate([np.zeros(_LONG - HOP, np.float32), sound])
        long, short = np.empty((2, len(sound) // HOP, SPECTRUM), np.float32)
        self._long.process(padded, long, HOP)
        self._short.process(padded[_LONG - _SHORT :], short, HOP)
        return np.concatenate([long, short, np.full((len(long), 1), BEYOND, np.float32)], 1)


@dataclass(slots=True)
class Frame:
    """What one hop sounded like. ``note_post`` and ``onset`` are of the hop before (LOOK_AHEAD_HOPS)."""

    pitch: float  # MIDI semitones, 0.0 when unvoiced
    voiced: bool
    onset: float  # probability that a note began
    loudness_db: float  # RMS, dB of full scale
    note_post: np.ndarray  # (NOTES + 2,) probabilities, the last two are rest and stroke
    pitch_post: np.ndarray  # (PITCHES + 1,) probabilities, the last is unvoiced
    colour: np.ndarray | None = None  # (COLOURS,) the hop's spectrum, by semitone from LOWEST_BIN; None where all is quiet


class Tokenizer:
    """Hear one hop at a time. Model process only; about 0.2 ms a hop.

    Once the microphone has been quiet for as long as the windows reach back, nothing is computed: the network sleeps, its
    State as it was, until there is sound.
    """

    def __init__(self, place: StepGraph | str | Path):
        sizes: dict[str, int] = {}
        self._graph = StepGraph.at(place, EDGES, sizes)
        self._strokes = sizes[_HEADS.name]
        self._front = FrontEnd()
        inputs, outputs = self._graph.inputs, self._graph.outputs
        self._edges = [ffi.from_buffer("float *", array) for array in (inputs["stack"], inputs["colour"], outputs["heads"], outputs["local"])]
        self._stack = inputs["stack"].reshape(2, STACK, PITCHES)[1]  # of the hop last heard
        self._lines = np.ascontiguousarray(STACK_LINES, np.int32)
        self._quiet_hops = _QUIET_HOPS
        self._rest = np.zeros(NOTES + 2, np.float32)
        self._unvoiced = np.zeros(PITCHES + 1, np.float32)
        self._rest[REST] = self._unvoiced[PITCHES] = 1.0
        self._indices = ffi.from_buffer("int32_t *", self._lines)

    def reset(self) -> None:
        """Forget everything heard."""
        self._front.reset()
        self._graph.reset()
        self._stack[:] = 0
        self._quiet_hops = _QUIET_HOPS

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {"past": self._front.state(), "stack": self._stack.copy(), "quiet_hops": self._quiet_hops,
                "graph": self._graph.state()}  # fmt: skip

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self._front.set_state(state["past"])
        self._stack[:] = state["stack"]
        self._quiet_hops = state["quiet_hops"]
        self._graph.set_state(state["graph"])

    def step(self, hop: np.ndarray) -> Frame:
        """Hear (960,) float32 at 48 kHz and say what it is."""
        hop = np.ascontiguousarray(hop, np.float32)
        loudness_db = lib.ap_hearing_level_db(pointer(hop, HOP, "hop"), HOP)
        quiet = loudness_db <= QUIET_DB
        self._quiet_hops = self._quiet_hops + 1 if quiet else 0
        if self._quiet_hops >= _QUIET_HOPS:
            self._front.skip(hop)
            return Frame(0.0, False, 0.0, loudness_db, self._rest, self._unvoiced)
        note_post, pitch_post, onset = self.posts(self._front.step(hop))
        pitch = 0.0 if quiet else read_pitch(pitch_post)
        return Frame(pitch, pitch > 0, onset, loudness_db, note_post, pitch_post, self._graph.inputs["colour"].ravel().copy())

    def posts(self, spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Run the network on the next hop's (SPECTRA,): as `Frame` has them, (NOTES + 2,) and (PITCHES + 1,), and an onset's."""
        stack, colour, heads, local = self._edges
        data = pointer(spectra, SPECTRA, "spectra")
        lib.ap_hearing_stack(data, self._indices, self._lines.size, stack)
        lib.ap_hearing_colour(data + SPECTRUM, COLOURS, BINS_PER_NOTE, colour)
        self._graph.run()
        posts = np.empty(NOTES + 2 + PITCHES + 1, np.float32)
        data = ffi.from_buffer("float *", posts)
        onset = lib.ap_hearing_posts(heads, local, NOTES, BINS_PER_NOTE, self._strokes, data, data + (NOTES + 2))
        return posts[: NOTES + 2], posts[NOTES + 2 :], onset


def read_pitch(post: np.ndarray) -> float:
    """Read a pitch from (PITCHES + 1,) float32 probabilities: mean over the bins around the best, 0.0 when unvoiced wins."""
    place = lib.ap_hearing_pitch(pointer(post, PITCHES + 1, "pitches"), PITCHES)
    return NOTE_LO + place / BINS_PER_NOTE if place >= 0 else 0.0
