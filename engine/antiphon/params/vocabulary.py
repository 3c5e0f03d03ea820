"""The words that can be asked with, as tables. A word is a row here before it is anything: words.py only reads them.

A `Dial` is a pair of opposites on one row: slow and fast. Said plainly it is a value; "very" goes a step beyond that, "a
bit" half the way to it; "more", "less", "slower", "not so slow" move what is there now by a step. A `Setting` is a phrase
for values that has no more and less.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .scales import SCALES
from .spec import Value


@dataclass(frozen=True)
class Dial:
    """Words for both ends of a row: (value, "word, word").

    `step` is a ratio where the row's curve is exp, else a difference. `none` is what "no vibrato" means, for nouns.
    `neutral` stands in for a value that is a word (a tempo that is the performer's). A `relative` dial always moves what
    is there now.
    """

    path: str
    step: float
    low: tuple[float, str]
    high: tuple[float, str]
    none: float | None = None
    neutral: float | None = None
    relative: bool = False


@dataclass(frozen=True)
class Setting:
    """Phrases for values; `off` is what "no" or "not" before them means, where that means anything."""

    words: str
    values: dict[str, Value]
    off: dict[str, Value] = field(default_factory=dict)


DIALS = (
    Dial("tempo", 1.25, (60, "slow, slowly"), (150, "fast, quick, quickly, rapid"), neutral=100),
    Dial("tempo", 2, (50, "half time, half speed, half tempo, half as fast, twice as slow"),
         (200, "double time, double speed, double tempo, twice as fast, half as slow"), neutral=100, relative=True),
    Dial("density", 1.5, (0.5, "sparse, few notes, spacious"), (2, "dense, busy, many notes, lots of notes")),
    Dial("density", 1.5, (0.5, "fewer notes, less notes, too many notes"), (2, "more notes"), relative=True),
    Dial("density", 2, (0.5, "half as dense, half as many notes"), (2, "twice as dense, twice as many notes"), relative=True),
    Dial("phrase_length", 1.5, (2, "short phrases"), (10, "long phrases"), neutral=5),
    Dial("answer_s", 1.6, (4, "short answers, short answer, brief"), (20, "long answers, long answer")),
    Dial("phrase_gap_s", 1.5, (0.3, "impatient, eager"), (1.5, "patient")),
    Dial("brightness", 3, (-3, "dark, dull"), (3, "bright, brilliant, shiny")),
    Dial("brightness", 3, (-1.5, "mellow, warm, round"), (6, "harsh, shrill")),
    Dial("lowpass", 1.6, (1200, "muffled, distant"), (20_000, "open, unmuffled")),
    Dial("resonance", 0.2, (0, "not resonant"), (0.6, "resonant, resonance, ringing"), none=0),
    Dial("breath", 6, (-12, "clear, clean, pure"), (12, "breathy, airy, noisy, husky, breath, noise, air"), none=-30),
    Dial("loudness", 4, (-9, "soft, softly, quiet, quietly, gentle, gently"), (6, "loud, loudly, strong, strongly")),
    Dial("loudness", 10, (-10, "half as loud, twice as soft, twice as quiet"), (10, "twice as loud"), relative=True),
    Dial("temperature", 0.25, (0.5, "safe, calm, tame, predictable, careful, boring"),
         (1.4, "wild, adventurous, crazy, bold, risky, daring, surprising")),
    Dial("novelty", 0.2, (0.1, "repetitive, repeating, repeat me, familiar"), (0.9, "new, inventive, novel, original")),
    Dial("vibrato", 0.5, (0.5, "narrow vibrato, shallow vibrato"), (1.5, "vibrato"), none=0),
    Dial("vibrato", 0.5, (0.5, "slight vibrato"), (2, "wide vibrato, deep vibrato, strong vibrato"), none=0),
    Dial("glide", 0.5, (0.5, "little glide"), (1.5, "glide, gliding, slide, sliding, slides, portamento, glissando"), none=0),
    Dial("swing", 0.06, (0.5, "straight, unswung"), (0.62, "swing, swung, swinging"), none=0.5),
    Dial("scale_grip", 0.2, (0.2, "loose"), (0.95, "strict")),
    Dial("grid_grip", 0.2, (0.1, "unhurried"), (0.9, "tight, precise")),
    Dial("register_grip", 0.2, (0.1, "wandering"), (0.9, "staying near me, near me")),
    Dial("transpose", 12, (-12, "lower, deeper"), (12, "higher"), relative=True),
)

SETTINGS = (
    Setting("listen, only listen, just listen, listening, stop, silent, be silent", {"mode": "listen"}),
    Setting("answer, answer me, respond, call and response", {"mode": "answer"}, {"mode": "listen"}),
    Setting("hold, go on, keep going, continue, for ever, forever, endless", {"mode": "hold"}, {"mode": "answer"}),
    Setting("mute, muted", {"mute": True}, {"mute": False}),
    Setting("unmute, unmuted", {"mute": False}),
    Setting("freeze, frozen", {"freeze": True}, {"freeze": False}),
    Setting("unfreeze, thaw", {"freeze": False}),
    Setting("yield, let me in, give way", {"yield": True}, {"yield": False}),
    Setting("play over me, interrupt me", {"yield": False}, {"yield": True}),
    Setting("largo", {"tempo": 50}),
    Setting("adagio, lento", {"tempo": 66}),
    Setting("andante", {"tempo": 84}),
    Setting("moderato", {"tempo": 108}),
    Setting("allegro", {"tempo": 132}),
    Setting("presto", {"tempo": 176}),
    Setting("my tempo, my speed", {"tempo": 0}),
    Setting("whisper, whispered, whispering", {"loudness": -18, "breath": 18}),
    Setting("ppp", {"loudness": -27}),
    Setting("pp, pianissimo", {"loudness": -18}),
    Setting("mp, mezzopiano", {"loudness": -6}),
    Setting("mf, mezzoforte, as loud as me", {"loudness": 0}),
    Setting("half as loud as me", {"loudness": -10}),
    Setting("twice as loud as me", {"loudness": 10}),
    Setting("forte", {"loudness": 4}),
    Setting("ff, fortissimo", {"loudness": 9}),
    Setting("fff", {"loudness": 12}),
    Setting("deep, very low, contrabass", {"register_low": 28, "register_high": 52}),
    Setting("bass", {"register_low": 40, "register_high": 64}),
    Setting("baritone", {"register_low": 43, "register_high": 67}),
    Setting("tenor", {"register_low": 48, "register_high": 72}),
    Setting("alto", {"register_low": 53, "register_high": 77}),
    Setting("soprano", {"register_low": 60, "register_high": 84}),
    Setting("low", {"register_low": 36, "register_high": 57}),
    Setting("middle", {"register_low": 53, "register_high": 72}),
    Setting("high", {"register_low": 67, "register_high": 91}),
    Setting("any register, full range", {"register_low": 0, "register_high": 127}),
    Setting("my register", {"register_low": 0, "register_high": 127, "register_grip": 0.8, "transpose": 0}),
    Setting("my octave, not transposed", {"transpose": 0}),
    Setting("free, freely", {"scale_grip": 0.0, "grid_grip": 0.0}, {"scale_grip": 0.95}),
    Setting("in key, in the key, in the scale, in scale, tonal, diatonic", {"scale_grip": 1.0}, {"scale_grip": 0.0}),
    Setting("out of key, atonal", {"scale_grip": 0.0}, {"scale_grip": 1.0}),
    Setting("my key", {"key": "performer", "scale": "performer"}),
    Setting("my scale", {"scale": "performer"}),
    Setting("in tune, my tuning, in tune with me", {"tune_to": "performer"}, {"tune_to": "off"}),
    Setting("concert pitch, a 440, at 440, 440 hz", {"tune_to": "440"}),
    Setting("out of tune, untuned", {"tune_to": "off"}, {"tune_to": "performer"}),
    Setting("chord, chords, on chord, on the chord", {"chord_grip": 1.0}, {"chord": ()}),
    Setting("on the grid, on grid, in time, quantised, quantized, on beat, on the beat", {"grid_grip": 1.0}, {"grid_grip": 0.0}),
    Setting("off the grid, off grid, rubato, free time, unmetered", {"grid_grip": 0.0}, {"grid_grip": 1.0}),
    Setting("quarters, quarter notes, crotchets", {"grid": "1/4", "grid_grip": 1.0}),
    Setting("eighths, eighth notes, quavers", {"grid": "1/8", "grid_grip": 1.0}),
    Setting("sixteenths, sixteenth notes, semiquavers", {"grid": "1/16", "grid_grip": 1.0}),
    Setting("thirty second notes", {"grid": "1/32", "grid_grip": 1.0}),
    Setting("triplets, eighth triplets, triplet feel", {"grid": "1/8t", "grid_grip": 1.0}),
    Setting("sixteenth triplets", {"grid": "1/16t", "grid_grip": 1.0}),
    Setting("shuffle, shuffled", {"swing": 0.667}, {"swing": 0.5}),
    Setting("as many notes as me, my density", {"density": 1.0}),
    Setting("my phrases, phrases like mine, phrases as long as mine", {"phrase_length": 0}),
    Setting("straight tone, plain tone, senza vibrato", {"vibrato": 0.0}),
    Setting("thin, telephone", {"highpass": 500.0}, {"highpass": 20.0}),
    Setting("my voice, my own voice, my sound, my own sound, my timbre", {"timbre": 0.0}, {"timbre": 1.0}),
    Setting("stored voice, stored voices, other voice, another voice", {"timbre": 1.0}, {"timbre": 0.0}),
    Setting("first voice, voice one", {"timbre": 1.0, "timbre_x": 0.0, "timbre_y": 0.0}),
    Setting("second voice, voice two", {"timbre": 1.0, "timbre_x": 1.0, "timbre_y": 0.0}),
    Setting("third voice, voice three", {"timbre": 1.0, "timbre_x": 0.0, "timbre_y": 1.0}),
    Setting("fourth voice, voice four", {"timbre": 1.0, "timbre_x": 1.0, "timbre_y": 1.0}),
    Setting("no dry, no dry sound, without dry, without my own sound", {"dry": -80.0}),
    Setting("loop, looping", {"recall_as": "loop"}),
    Setting("midi clock, follow midi", {"sync": "midi"}, {"sync": "off"}),
    Setting("link, ableton link, follow link", {"sync": "link"}, {"sync": "off"}),
)

GRIP_WORDS = {"strictly": 1.0, "exactly": 1.0, "tightly": 0.9, "firmly": 0.9, "loosely": 0.4, "roughly": 0.4}
"""Before a phrase for a grip: how firmly."""
GRIPPED = {"key": "scale_grip", "scale": "scale_grip", "chord": "chord_grip", "grid": "grid_grip"}
"""And before one for what the grip is on."""

SCALE_WORDS: dict[str, str] = {
    **{name.replace("-", " "): name for name in SCALES},
    "dur": "major", "maggiore": "major", "majeur": "major", "maj": "major", "ionian": "major",
    "moll": "minor", "min": "minor", "minore": "minor", "mineur": "minor", "aeolian": "minor", "natural minor": "minor",
    "major pentatonic": "pentatonic", "pentatonic major": "pentatonic", "pentatonic minor": "minor-pentatonic",
    "minor harmonic": "harmonic-minor", "minor melodic": "melodic-minor", "whole tones": "whole-tone",
    "diminished scale": "octatonic", "all twelve": "chromatic", "hijazz": "hijaz", "hicaz": "hijaz", "bayat": "bayati",
}  # fmt: skip
TONICS = {
    "cis": 1, "des": 1, "dis": 3, "es": 3, "fis": 6, "ges": 6, "gis": 8, "ais": 10, "h": 11,
    "do": 0, "re": 2, "mi": 4, "fa": 5, "sol": 7, "la": 9, "si": 11,
}  # fmt: skip
"""German and Italian names that mean one note only, and that only beside a scale or after in, on or key: "as" and B do not."""
GERMAN = {"as": 8, "b": 10}
"""What they mean where the scale is said in German."""

INTERVALS = {
    "semitone": 1, "half step": 1, "tone": 2, "whole step": 2, "minor third": 3, "third": 4, "major third": 4, "fourth": 5,
    "tritone": 6, "fifth": 7, "minor sixth": 8, "sixth": 9, "major sixth": 9, "minor seventh": 10, "seventh": 11, "octave": 12,
}  # fmt: skip
COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
UP_DOWN = {"up": 1, "above": 1, "higher": 1, "down": -1, "below": -1, "lower": -1}

CHORDS = {
    "": (0, 4, 7), "maj": (0, 4, 7), "m": (0, 3, 7), "min": (0, 3, 7), "dim": (0, 3, 6), "aug": (0, 4, 8), "+": (0, 4, 8),
    "sus2": (0, 2, 7), "sus4": (0, 5, 7), "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10), "min7": (0, 3, 7, 10), "mmaj7": (0, 3, 7, 11), "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10), "ø": (0, 3, 6, 10), "°": (0, 3, 6), "9": (0, 4, 7, 10, 2),
    "maj9": (0, 4, 7, 11, 2), "m9": (0, 3, 7, 10, 2), "add9": (0, 4, 7, 2),
}  # fmt: skip

ALIASES = {
    "answers": "answer_s", "answer": "answer_s", "phrases": "phrase_length", "phrase": "phrase_length", "gap": "phrase_gap_s",
    "pause": "phrase_gap_s", "speed": "tempo", "cutoff": "lowpass", "bpm": "tempo", "volume": "master",
}  # fmt: skip
"""Other names of rows, before or after a number."""
UNITS = {
    "s": ("s", 1), "sec": ("s", 1), "second": ("s", 1), "seconds": ("s", 1), "minute": ("s", 60), "minutes": ("s", 60),
    "min": ("s", 60), "mins": ("s", 60),
    "ms": ("s", 0.001), "db": ("dB", 1), "bpm": ("bpm", 1), "hz": ("Hz", 1), "khz": ("Hz", 1000), "semitones": ("semitones", 1),
    "semitone": ("semitones", 1), "note": ("note", 1), "notes": ("notes", 1), "intervals": ("intervals", 1), "percent": ("", 0.01), "%": ("", 0.01),
}  # fmt: skip

STRENGTHS = {"a bit": 0.5, "a little": 0.5, "a touch": 0.5, "a bit of": 0.5, "slightly": 0.5, "somewhat": 0.5, "bit": 0.5,
             "very": 2.0, "really": 2.0, "extremely": 2.0, "super": 2.0, "much": 2.0, "far": 2.0, "a lot": 2.0, "lots of": 2.0,
             "a lot of": 2.0, "so": 1.0, "quite": 1.0, "rather": 1.0, "fairly": 1.0}  # fmt: skip
DIRECTIONS = {"more": 1, "less": -1, "fewer": -1, "little": -1, "too": -1, "too much": -1, "too many": -1}
NEGATIONS = ("not", "don't", "dont", "no", "without", "never", "isn't", "aren't", "senza", "no longer", "neither", "nor", "avoid",
             "can't", "cannot", "won't", "doesn't", "shouldn't", "off", "turn off", "switch off", "remove")
OFF_WORDS = ("off", "turn off", "switch off", "remove")
"""Those of them that are said of what can be switched off, and of nothing else; "off" may come after it, too."""
MULTIPLES = ("half", "half as", "twice", "twice as", "double", "triple", "thrice", "times", "times as")
"""What they stand before means nothing, except where the whole is a phrase: twice as bright is not bright."""
FILLERS = frozenset(
    "please set even with some i'd i want would you could can should will it its it's is be are that this there make sing sound "
    "sounding sounds give us let's lets just now kind sort thing something style feel the your hey ok okay then also".split()
)  # fmt: skip
"""Said for politeness: they mean nothing here, and are passed over wherever they stand."""
LINKS = frozenset("in on at of to for from by into keep go play and but , a an let get stay scale key mode raga raag thaat maqam "
                  "register range voice notes me like = : over as turn switch".split())  # fmt: skip
"""They may belong to a phrase; where they do not, they mean nothing."""

NEEDS = (
    ("swing", "grid_grip", "swing is heard where notes keep to a grid: on the grid"),
    ("grid", "grid_grip", "a grid is heard where notes keep to it: on the grid"),
    ("chord", "chord_grip", "a chord is heard where notes keep to it: chord_grip 1"),
    ("scale", "scale_grip", "a scale is heard where notes keep to it: in key"),
    ("key", "scale_grip", "a key is heard where notes keep to it: in key"),
    ("timbre_x", "timbre", "stored voices are heard where timbre is above 0"),
    ("timbre_y", "timbre", "stored voices are heard where timbre is above 0"),
)
"""(what was asked for, what it is nothing without where that is 0, the remark)."""

FORMS = (
    ("80 bpm", "tempo"),
    ("C minor, in D dorian, f# major, rast on d, C-dur", "key and scale; German and Italian names that mean one note only, too"),
    ("Cmaj7, chord am, chord c e g, notes 60 64 67", "chord"),
    ("between c3 and c5", "register_low and register_high"),
    ("an octave up, two octaves down, up a fifth, 3 semitones up", "transpose"),
    ("1/8 grid, 1/16t", "grid, and notes on it"),
    ("answers of 10 s, phrases of 5 s, 10 s answers", "answer_s, phrase_length"),
    ("temperature 0.7, dry off, recall_as once, send/1 -6 dB", "any row that has a value, by its name"),
    ("very, much; a bit, slightly; more, slower; less, not so, too; no, without", "how far, before a word that has more and less"),
    ("vibrato off, turn off the chord", "what no vibrato and no chord mean"),
    ("strictly, loosely", "how firmly, before on the grid and in key"),
)
"""What is understood by its form, for the manual."""
