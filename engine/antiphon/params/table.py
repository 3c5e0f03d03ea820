"""THE table. A feature is a row before it is a file: a row here, one use where its sound is made, one test.

The OSC address space, the command line, preset validation and the manual's table all come from it.
Gains at their lowest point are off (`units.OFF_DB`).
"""

from __future__ import annotations

from ..units import OFF_DB
from .spec import Param, Registry

TABLE = (
    Param("mode", "enum", target="step", default="answer", choices=("listen", "answer", "hold"),
          help="listen: hear and stay silent. answer: carry a phrase on when it ends. hold: go on until told"),
    Param("trigger", "trigger", target="step", access="w", midi="cc64",
          help="Begin an answer at the next step; during an answer, begin it anew"),
    Param("panic", "trigger", target="step", access="w", midi="cc120",
          help="Silence at once, and forget what was heard"),
    Param("answer_s", "float", target="step", default=8.0, minimum=0.5, maximum=600.0, unit="s", curve="exp",
          help="How long an answer lasts in mode answer"),
    Param("phrase_gap_s", "float", target="step", default=0.6, minimum=0.1, maximum=5.0, unit="s", curve="exp",
          help="How long a silence ends the performer's phrase"),
    Param("phrase_margin", "float", target="step", default=10.0, minimum=3.0, maximum=40.0, unit="dB",
          help="How far above the room's noise the performer must be to be heard"),
    Param("yield", "bool", target="step", default=True,
          help="Fall silent within one step when the performer begins again"),
    Param("yield_margin", "float", target="step", default=6.0, minimum=0.0, maximum=40.0, unit="dB",
          help="How far above its own voice in the microphone the performer must be for it to yield"),
    Param("temperature", "float", target="step", default=0.9, minimum=0.1, maximum=2.0, midi="cc1",
          help="How adventurous the answer is: low is safe, high is wild"),
    Param("scale_grip", "float", target="step", default=0.5,
          help="How firmly the answer keeps to the performer's key: 0 free, 1 its notes only"),
    Param("register_grip", "float", target="step", default=0.5,
          help="How firmly the answer stays in the performer's register: 0 free, 1 held fast"),
    Param("novelty", "float", target="step", default=0.5,
          help="0 repeats the performer's motifs, 1 leaves them"),
    Param("seed", "int", target="step", default=1, minimum=0, maximum=2**31 - 1, beyond="refuse",
          help="Where the chances of the next answer start: the same seed and sound give the same answer"),
    Param("dry", "float", target="block", default=0.0, minimum=OFF_DB, maximum=12.0, unit="dB", smoothing_s=0.02,
          help="Gain of the performer's own sound"),
    Param("voice", "float", target="block", default=0.0, minimum=OFF_DB, maximum=12.0, unit="dB", smoothing_s=0.02,
          help="Gain of the instrument's voice"),
    Param("master", "float", target="block", default=0.0, minimum=OFF_DB, maximum=12.0, unit="dB", smoothing_s=0.02,
          midi="cc7", help="Gain of everything that goes out, before the limiter"),
    Param("mute", "bool", target="block", default=False, smoothing_s=0.01,
          help="Silence everything that goes out, while listening goes on"),
)

REGISTRY = Registry(TABLE)
