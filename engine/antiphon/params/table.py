"""THE table. A feature is a row before it is a file: a row here, one use where its sound is made, one test.

The OSC address space, the OSCQuery tree, the command line, MIDI's defaults, preset validation, the clients in patches/ and
the manual's table all come from it. Gains at their lowest point are off (`units.OFF_DB`).
"""

from __future__ import annotations

from functools import partial

from ..units import OFF_DB
from .scales import MOST_STEPS, SCALES
from .spec import Param, Registry

SLOTS, VOICES, SENDS = 8, 4, 8
KEYS = ("performer", "c", "c#", "d", "eb", "e", "f", "f#", "g", "ab", "a", "bb", "b")
GRIDS = ("1/4", "1/8", "1/8t", "1/16", "1/16t", "1/32")

_performance = partial(Param, target="step", group="performance")
_pitch = partial(Param, target="step", group="pitch")
_time = partial(Param, target="step", group="time")
_character = partial(Param, target="step", group="character")
_output = partial(Param, target="block", group="output")
_gain = partial(_output, kind="float", default=0.0, minimum=OFF_DB, maximum=12.0, unit="dB", smoothing_s=0.02,
                kept="room")

TABLE = (
    _performance("mode", "enum", default="answer", choices=("listen", "answer", "hold"),
                 help="listen: hear and stay silent. answer: carry a phrase on when it ends. hold: go on until told"),
    _performance("trigger", "trigger", access="w", midi="cc64",
                 help="Begin an answer at the next step; during an answer, begin it anew"),
    _performance("hold", "bool", default=False, kept="moment", midi="cc66",
                 help="While on, an answer goes on as in mode hold; off, the mode counts again"),
    _performance("panic", "trigger", access="w", midi="cc119",
                 help="Silence at once, and forget what was heard"),
    _performance("regenerate", "trigger", access="w", midi="cc67",
                 help="Play the last answer again with other chances, from where it began"),
    _performance("keep", "trigger", access="w", most=SLOTS,
                 help="Keep the answer that sounds or sounded last, or the phrase where it was not answered, in a slot"),
    _performance("recall", "trigger", access="w", most=SLOTS,
                 help="Play what a slot keeps, as recall_as says"),
    _performance("recall_as", "enum", default="loop", choices=("loop", "once", "continue"),
                 help="loop: again and again. once: to its end. continue: take it for the performer's phrase, and answer it"),
    _performance("freeze", "bool", default=False, kept="moment", midi="cc69",
                 help="Hold the note that sounds, or sounded last, until off; nothing new begins meanwhile"),
    _performance("play_note", "trigger", access="w", most=127, unit="note",
                 help="Begin the answer's next note at once, on this pitch (a MIDI number); none sounds where there is no answer"),
    _performance("answer_s", "float", default=8.0, minimum=0.5, maximum=600.0, unit="s", curve="exp",
                 help="How long an answer lasts in mode answer"),
    _performance("phrase_gap_s", "float", default=0.6, minimum=0.1, maximum=5.0, unit="s", curve="exp",
                 help="How long a silence ends the performer's phrase"),
    _performance("phrase_margin", "float", default=10.0, minimum=3.0, maximum=40.0, unit="dB", kept="room",
                 help="How far above the room's noise the performer must be to be heard"),
    _performance("yield", "bool", default=True,
                 help="Fall silent within one step when the performer begins again"),
    _performance("yield_margin", "float", default=6.0, minimum=0.0, maximum=40.0, unit="dB", kept="room",
                 help="How far above its own voice in the microphone the performer must be for it to yield"),
    _performance("seed", "int", default=1, minimum=0, maximum=2**31 - 1, beyond="refuse", renews=True,
                 help="Where the chances of the next answer start: the same seed and sound give the same answer"),
    _performance("guard_notes", "int", default=8, minimum=4, maximum=32, unit="notes", zero="off", kept="room",
                 help="Notes in a row, in their rhythm, that no answer plays of a melody the model learned from or of a guarded work"),
    _performance("guard_intervals", "int", default=12, minimum=4, maximum=64, unit="intervals", zero="off", kept="room",
                 help="Intervals in a row, in whatever rhythm, that no answer plays of such a melody"),

    _pitch("key", "enum", default="performer", choices=KEYS, renews=True,
           help="Tonic of the answer; performer: as heard"),
    _pitch("scale", "enum", default="performer", choices=("performer", *SCALES, "cents"), renews=True,
           help="Scale of the answer, in its own tuning; performer: as heard. cents: as scale_cents says"),
    _pitch("scale_cents", "list", default=(), most=MOST_STEPS, maximum=1199.5, unit="cents", renews=True,
           help="Steps of a scale of your own above its tonic, for scale cents"),
    _pitch("scale_grip", "float", default=0.5, midi="cc22", renews=True,
           help="How firmly the answer keeps to the scale: 0 free, 1 its notes only"),
    _pitch("chord", "list", default=(), most=12, maximum=127.0, unit="note", renews=True,
           help="Notes of a chord that the answer keeps to, in any octave (MIDI numbers or names); none: no chord"),
    _pitch("chord_grip", "float", default=1.0, midi="cc23", renews=True,
           help="How firmly it keeps to the chord: 0 not at all, 1 its notes only"),
    _pitch("register_low", "float", default=0.0, maximum=127.0, unit="note", renews=True,
           help="Lowest pitch of the answer (a MIDI number)"),
    _pitch("register_high", "float", default=127.0, maximum=127.0, unit="note", renews=True,
           help="Highest pitch of the answer (a MIDI number)"),
    _pitch("register_grip", "float", default=0.5, midi="cc24", renews=True,
           help="How firmly the answer stays in the performer's register: 0 free, 1 held fast"),
    _pitch("transpose", "int", default=0, minimum=-24, maximum=24, unit="semitones", renews=True,
           help="How far from the performer's register the answer is sung"),
    _pitch("tune_to", "enum", default="performer", choices=("performer", "440", "off"), renews=True,
           help="performer: their tuning, and their shade of each step. 440: concert pitch. off: as far out of tune as they were"),
    _pitch("glide", "float", default=1.0, maximum=2.0, midi="cc5", renews=True,
           help="How much a note slides to where it goes: 0 not at all, 1 as they did, 2 twice as far"),
    _pitch("vibrato", "float", default=1.0, maximum=3.0, midi="cc77", renews=True,
           help="Depth of vibrato: 0 none, 1 as theirs, 3 three times as deep"),

    _time("tempo", "float", default=0.0, minimum=20.0, maximum=300.0, unit="bpm", curve="exp", zero="performer", renews=True,
          help="Tempo of the answer; performer: the one they are in. A clock that is followed sets it (sync)"),
    Param("tap", "trigger", target="control", group="time", access="w", midi="cc80",
          help="A beat is now: two taps set the tempo, each sets where the beat falls"),
    _time("beat", "list", default=(), most=2, maximum=1e9, kept="moment",
          help="Device time in s of a beat, and beats per minute: set by tap and by clocks. none: beats begin with the answer"),
    Param("sync", "enum", target="control", group="time", default="midi", kept="room", choices=("off", "midi", "link"),
          help="Whose clock sets tempo and beat while it runs: none, MIDI's, or Ableton Link's"),
    _time("grid", "enum", default="1/16", choices=GRIDS, renews=True,
          help="What notes are drawn to, in parts of a whole note; t: triplets"),
    _time("grid_grip", "float", default=0.0, midi="cc25", renews=True,
          help="How firmly notes begin on the grid: 0 free, 1 exactly"),
    _time("swing", "float", default=0.5, minimum=0.5, maximum=0.75, midi="cc26", renews=True,
          help="Where the second of two lines of the grid falls between the first and the third: 0.5 in the middle"),
    _time("density", "float", default=1.0, minimum=0.25, maximum=4.0, curve="exp", midi="cc27", renews=True,
          help="How many notes: 1 as many as theirs, 2 twice as many"),
    _time("phrase_length", "float", default=0.0, minimum=1.0, maximum=20.0, unit="s", curve="exp", zero="performer", renews=True,
          help="How long it plays between breaths; performer: as long as they do"),

    _character("temperature", "float", default=0.9, minimum=0.1, maximum=2.0, midi="cc1", renews=True,
               help="How adventurous the answer is: low is safe, high is wild"),
    _character("top_p", "float", default=1.0, minimum=0.05, maximum=1.0, midi="cc28", renews=True,
               help="Share of the likely notes that may be chosen from: 1 all of them, low only the likeliest"),
    _character("novelty", "float", default=0.5, midi="cc21", renews=True,
               help="0 repeats the performer's motifs, 1 leaves them"),
    _character("loudness", "float", default=0.0, minimum=-30.0, maximum=12.0, unit="dB", midi="cc11",
               help="How loudly it sings, against how loudly you did; a soft voice sounds softer, too"),
    _character("timbre", "float", default=0.0, midi="cc70",
               help="Whose sound: 0 the performer's own, 1 the stored voices'"),
    _character("timbre_x", "float", default=0.0, midi="cc12",
               help="Which stored voice: 0 the first and third, 1 the second and fourth"),
    _character("timbre_y", "float", default=0.0, midi="cc13",
               help="Which stored voice: 0 the first and second, 1 the third and fourth"),
    _character("store_voice", "trigger", access="w", most=VOICES,
               help="Put the performer's sound, as heard in the last 20 s, in the place of a stored voice"),
    _character("breath", "float", default=0.0, minimum=-30.0, maximum=24.0, unit="dB", midi="cc2",
               help="Level of breath and noise in the voice, against how breathy it was"),
    _character("brightness", "float", default=0.0, minimum=-6.0, maximum=6.0, unit="dB", midi="cc74",
               help="Tilt of the voice's spectrum per octave above 500 Hz"),

    _gain("dry", help="Gain of the performer's own sound"),
    _gain("voice", help="Gain of the instrument's voice"),
    _output("lowpass", "float", default=20_000.0, minimum=20.0, maximum=20_000.0, unit="Hz", curve="exp", smoothing_s=0.02, midi="cc75",
            help="Cutoff of the voice's low-pass filter; 20000 leaves it out"),
    _output("highpass", "float", default=20.0, minimum=20.0, maximum=20_000.0, unit="Hz", curve="exp", smoothing_s=0.02, midi="cc76",
            help="Cutoff of the voice's high-pass filter; 20 leaves it out"),
    _output("resonance", "float", default=0.0, smoothing_s=0.02, midi="cc71",
            help="How much both filters ring at their cutoff"),
    *(_gain(f"send/{n}", help=f"Gain of the voice at output channel {n}, before master") for n in range(1, SENDS + 1)),
    _gain("master", midi="cc7", help="Gain of everything that goes out, before the limiter"),
    _output("mute", "bool", default=False, smoothing_s=0.01, kept="moment",
            help="Silence everything that goes out, while listening goes on"),

    Param("preset", "text", target="control", most=200, default="", access="w", midi="pc",
          help="Take the values of a preset, by name or file, over morph_s seconds"),
    Param("morph_s", "float", target="control", default=0.0, maximum=60.0, unit="s", kept="room",
          help="How long the way to a preset takes; what cannot lie between two values changes at once"),
    Param("ask", "text", target="control", most=500, default="", access="w",
          help="Ask in words for what the rows can do: slow, dark, sparse, C minor, 80 bpm, breathy"),
    Param("take/start", "trigger", target="control", access="w",
          help="Record a take: your sound, the voice, the mix, every event, and the proof of how it was made"),
    Param("take/stop", "trigger", target="control", access="w",
          help="End the take; it is written to its end and signed"),
    Param("take/name", "text", target="control", most=60, default="", access="w",
          help="What the takes to come are called, in the folder where takes lie; date and time without it"),
    Param("midi_learn", "text", target="control", most=80, default="", access="w",
          help="Let the next controller, key or pad that is moved steer this row, or row=value; off: no more"),
    Param("midi_notes", "enum", target="control", default="chord", kept="room", choices=("chord", "note", "off"),
          help="What notes of a MIDI keyboard do: hold a chord to keep to, or play the answer's next note"),
)

REGISTRY = Registry(TABLE)
