"""What the tokenizer and the live segmenter hear of a recording, beside an independent tracker and beside people's labels.

As in MIREX a note is right if its onset is within 50 ms and its pitch within 50 cents of a labelled one. A pitch of 0.0 is a
stroke's, which has none.
"""

from __future__ import annotations

import numpy as np

from ..model.score import HOP_S, Note
from ..model.segment import LAG_HOPS, Segmenter
from ..model.tokenizer import PITCH_AGE_S, Tokenizer
from ..model.tokens import HOP, MODEL_RATE

LAG_S = LAG_HOPS * HOP_S
"""How long after it was heard a hop is settled; what is judged here is what is known then, and not later."""
SURE = 0.9  # swift-f0's confidence from which on it is believed
_LEAST_HOPS = 20  # surely voiced, or a clip says nothing about pitch
_HALF = 2048  # frames either side of a hop's middle in which its partials are looked for
_ODD_DB = -22.0  # odd partials stand no further below even ones than this, in the mean; an octave above has them 40 below
_SILENCE_HOPS = 8  # after a recording, for its last notes


def hear(tokenizer: Tokenizer, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Note]]:
    """Play (hops * 960,) float32 to tokenizer and segmenter: pitch, note class and onset of each hop, and the notes."""
    tokenizer.reset()
    segmenter, notes, rows = Segmenter(), [], []
    for hop in sound.reshape(-1, HOP):
        frame = tokenizer.step(hop)
        notes += segmenter.step(frame)
        rows.append((frame.pitch, int(frame.note_post.argmax()), frame.onset))
    pitch, note, onset = (np.array(column) for column in zip(*rows, strict=True))
    return pitch, note, onset, notes + segmenter.flush()


def f_score(heard: list[tuple[float, float]], true: list[tuple[float, float]], cents: float | None) -> float:
    """F of notes (onset s, pitch): each true note is taken once, by the nearest onset within 50 ms."""
    free, hits = list(true), 0
    for onset, pitch in heard:
        fits = [t for t in free if abs(t[0] - onset) <= 0.05 and (cents is None or abs(t[1] - pitch) * 100 <= cents)]
        if fits:
            free.remove(min(fits, key=lambda t: abs(t[0] - onset)))
            hits += 1
    return 2 * hits / max(1, len(heard) + len(true))


def independent_pitch(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """swift-f0's pitch and confidence in each hop, where the tokenizer's pitch is (PITCH_AGE_S), (hops,) each."""
    import swift_f0

    found = swift_f0.SwiftF0(threads=1, spin=False).detect(sound.astype(np.float32), MODEL_RATE)
    middle = (np.arange(len(sound) // HOP) + 1) * HOP_S - PITCH_AGE_S
    times = np.asarray(found.timestamps)
    after = np.clip(np.searchsorted(times, middle), 1, len(times) - 1)
    nearest = after - (middle - times[after - 1] < times[after] - middle)
    hertz, sure = np.asarray(found.pitch_hz)[nearest], np.asarray(found.confidence)[nearest]
    return 69 + 12 * np.log2(np.maximum(hertz, 1.0) / 440), np.where(hertz > 0, sure, 0.0)


def octave_below(sound: np.ndarray, hop: int, pitch: float) -> bool:
    """Whether a hop sounds at `pitch` (semitones), not an octave above it: whether its odd partials are there, of which the
    octave above has none. Trackers leap up where a saxophone's first partial is weak; partials settle who is right.
    """
    middle, hertz = int((hop + 0.5) * HOP), 440 * 2 ** ((pitch - 69) / 12)
    part = np.pad(sound, _HALF)[middle : middle + 2 * _HALF] * np.hanning(2 * _HALF)
    level = 20 * np.log10(np.abs(np.fft.rfft(part, 8 * _HALF)) + 1e-9)
    line = 8 * _HALF / MODEL_RATE
    partials = [level[int(0.97 * n * hertz * line) : int(1.03 * n * hertz * line) + 2].max() for n in range(1, 7)]
    return float(np.mean(partials[0:3:2]) - np.mean(partials[1:4:2])) > _ODD_DB


def judge(
    tokenizer: Tokenizer, sound: np.ndarray, labels: tuple[list[tuple[float, float]], ...] = (), known: np.ndarray | None = None
) -> dict[str, float]:
    """Figures of one recording (frames,) at 48 kHz; what can't be said of it is left out.

    `within_50_cents` counts a sure hop that was not heard as voiced as a miss, `of_voiced` leaves it out; `note_f` is the
    mean over the people who labelled it, strokes left out; `octave_errors_by_partials` are those of the octave errors in which
    the sound's own partials side with the tracker (`octave_below`); `people_agree` what the first two say of each other. Where the
    pitch is `known` ((2, n): s, semitones), `right` is how often it was heard, and `tracker_right` how often the tracker is right.
    """
    sound = np.concatenate([sound, np.zeros(-len(sound) % HOP + _SILENCE_HOPS * HOP)]).astype(np.float32)
    pitch, _, _, notes = hear(tokenizer, sound)
    true, confidence = independent_pitch(sound)
    sure = confidence > SURE
    mine = [((note.onset_hop + 0.5) * HOP_S, note.pitch) for note in notes]  # the middle of the hop
    pitched, strokes = [note for note in mine if note[1] > 0], [note for note in mine if not note[1] > 0]
    seconds = len(sound) / MODEL_RATE
    figures = {"sure_hops": int(sure.sum()), "notes": len(pitched), "notes_a_second": len(pitched) / seconds,
               "strokes_a_second": len(strokes) / seconds}  # fmt: skip
    if sure.sum() >= _LEAST_HOPS:
        off, heard = np.abs(pitch - true)[sure], pitch[sure] > 0
        figures |= {"within_50_cents": float(np.mean(off < 0.5)), "voiced": float(heard.mean())}
        if heard.any():
            off, hops = off[heard], np.flatnonzero(sure)[heard]
            octave = np.abs(off - 12) < 1
            wrong = sum(octave_below(sound, hop, min(pitch[hop], true[hop])) != (pitch[hop] < true[hop]) for hop in hops[octave])
            figures |= {"of_voiced": float(np.mean(off < 0.5)), "octave_errors": float(np.mean(octave)),
                        "octave_errors_by_partials": wrong / len(hops), "median_cents": float(np.median(off) * 100)}  # fmt: skip
    if known is not None and len(known[0]):
        middle = (np.arange(len(pitch)) + 1) * HOP_S - PITCH_AGE_S
        curve = known[1][np.clip(np.searchsorted(known[0], middle), 0, len(known[0]) - 1)]
        voiced = (curve > 0) & (middle <= known[0][-1])
        if voiced.sum() >= _LEAST_HOPS:
            figures["right"] = float(np.mean(np.abs(pitch - curve)[voiced] < 0.5))
        if (voiced & sure).sum() >= _LEAST_HOPS:
            figures["tracker_right"] = float(np.mean(np.abs(true - curve)[voiced & sure] < 0.5))
    written = [[note for note in label if note[1] > 0] for label in labels]
    if any(written):
        figures |= {"labelled": len(written[0]), "note_f": float(np.mean([f_score(pitched, label, 50) for label in written])),
                    "onset_f": float(np.mean([f_score(pitched, label, None) for label in written]))}  # fmt: skip
    if len(written) > 1:
        figures["people_agree"] = f_score(written[0], written[1], 50)
    beaten = [[note for note in label if not note[1] > 0] for label in labels]
    if any(beaten):
        figures["stroke_f"] = float(np.mean([f_score(strokes, label, None) for label in beaten]))
    return figures
