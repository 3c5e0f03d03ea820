"""The mark as it is found: after what happens to sound, in its place, with its payload; and not where there is none."""

import numpy as np
import pytest
import soundfile
from marked import CLIPS, KEY, KEYS, PAYLOAD, clip, marked, marked_sung, retimed, sung

from antiphon.provenance import pattern, search
from antiphon.provenance.detect import CHANCE, STRETCH, Detector, stretches_of
from antiphon.provenance.evidence import restlessness, whiten
from antiphon.provenance.mark import HOP, RATE, Payload

needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason="no real recordings here")


def payloads(finding):
    return [one.payload for one in finding.payloads]


def packed(sound, path, **how):
    """A sound written and read again, in short blocks (libsndfile's Vorbis encoder bears no long ones)."""
    with soundfile.SoundFile(path, "w", RATE, 1, **how) as file:
        for at in range(0, len(sound), 4096):
            file.write(sound[at : at + 4096])
    return soundfile.read(path, dtype="float32")[0]


def test_it_is_found_as_it_was_made():
    """Presence, payload, every second generated, and the place in the pattern to the frame."""
    start = 12_345
    finding = Detector(KEYS).find(marked_sung()[start : start + 11 * RATE])
    assert finding.marked and finding.p_value < 1e-100
    assert payloads(finding) == [PAYLOAD]
    assert finding.labels == ["generated"] * 11
    (part,) = finding.parts
    assert part.pattern_s * RATE == pytest.approx(start, abs=2)
    assert (part.speed, part.tempo, part.pitch) == (pytest.approx(1, abs=1e-4), 1, 1)


def test_without_the_key_there_is_presence_and_place_but_no_payload():
    """No key, and another installation's, find the same mark and no payload."""
    sound = marked_sung()[: 11 * RATE]
    for keys in ([], [("other", b"j" * 32)]):
        finding = Detector(keys).find(sound)
        assert finding.marked and finding.labels == ["generated"] * 11
        assert finding.payloads == []


@pytest.mark.parametrize("ending, how", [("mp3", {"format": "MP3", "compression_level": 0.6}), ("ogg", {"format": "OGG"})])
def test_it_outlives_a_lossy_copy(tmp_path, ending, how):
    """MP3 and Vorbis: presence in 5 s, payload in 15."""
    copy = packed(marked_sung(), tmp_path / f"copy.{ending}", **how)
    assert Detector([]).find(copy[2 * RATE : 7 * RATE]).marked
    assert payloads(Detector(KEYS).find(copy[: 15 * RATE])) == [PAYLOAD]


def test_what_is_nearly_silent_does_not_drown_the_payload():
    """A tail of rounding errors and of a faint hiss has next to no energy, and as little say."""
    rng = np.random.default_rng(2)
    for faint in (1e-7, 1e-5, 1e-4):
        tail = rng.normal(0, faint, 5 * RATE).astype(np.float32)
        assert payloads(Detector(KEYS).find(np.concatenate([tail, marked_sung()[: 11 * RATE], tail]))) == [PAYLOAD]


@pytest.mark.parametrize("name, change", [
    ("44.1 kHz", lambda x: retimed(retimed(x, 48_000, 44_100), 44_100, 48_000)),
    ("16 kHz", lambda x: retimed(retimed(x, 48_000, 16_000), 16_000, 48_000)),
    ("upside down, quieter", lambda x: -0.1 * x),
    ("8 bits", lambda x: np.round(x * 127).astype(np.float32) / 127),
    ("a clock 60 ppm off", lambda x: retimed(x, 50_000, 50_003)),
    ("speed +1 %", lambda x: retimed(x, 48_480, 48_000)),
    ("speed -2 %", lambda x: retimed(x, 47_040, 48_000)),
])
def test_it_outlives_what_happens_to_sound(name, change):
    """Presence and payload in 14 s."""
    finding = Detector(KEYS).find(change(marked_sung()[777 : 777 + 14 * RATE]))
    assert finding.marked, name
    assert payloads(finding) == [PAYLOAD], name
    if name.startswith("speed"):
        assert finding.parts[0].speed == pytest.approx(1 + float(name[6:-2]) / 100, abs=3e-5)


@needs_clips
def test_real_recordings_without_a_mark_have_none():
    """None of 6 recordings, nor the melody, nor noise, nor silence; what is heard in them stays undecided."""
    names = ("00_sms_singing-female", "05_sms_sax-phrase", "16_sms_mridangam", "22_basic_vocadito-10", "32_wavs_gc",
             "34_wavs_voice")
    noise = np.random.default_rng(1).normal(0, 0.1, 6 * RATE).astype(np.float32)
    for plain in (*(clip(f"{name}.wav")[: 6 * RATE] for name in names), sung()[: 6 * RATE], noise, np.zeros(3 * RATE, np.float32)):
        finding = Detector(KEYS).find(plain)
        assert not finding.marked
        assert finding.p_value > 1e-4
        assert (finding.parts, finding.payloads) == ([], [])
        assert set(finding.labels) <= {"undecided", "silence"}


def test_a_mark_by_another_public_key_is_none(monkeypatch):
    """A sound marked under signs that nobody published is as unmarked as any."""
    foreign = pattern.Presence(b"another edition")
    with monkeypatch.context() as patch:
        patch.setattr("antiphon.provenance.mark.presence", lambda: foreign)
        patch.setattr("antiphon.provenance.mark.secret", lambda key: pattern.Secret(key, foreign))
        sound = marked(sung()[: 10 * RATE])
    finding = Detector(KEYS).find(sound)
    assert not finding.marked and finding.payloads == []


def test_the_bound_holds_for_chance():
    """z of 200 places of each layer by chance keys is spread as the bound says, or less: its square's mean is 1 within a fifth."""
    plain = sung()[: 5 * RATE]
    white, moves = whiten(plain), restlessness(plain)[480:][:: HOP // 240]
    rng = np.random.default_rng(8)
    rows = white[: len(white) // HOP * HOP]
    noise = np.array([np.dot(rows, rng.choice([-1, 1], len(rows))) for _ in range(200)]) / np.sqrt(np.square(rows).sum())
    bands = np.array([(moves * rng.choice([-1, 1], moves.shape)).sum() for _ in range(200)]) / np.sqrt(np.square(moves).sum())
    for z in (noise, bands):
        assert np.square(z).mean() == pytest.approx(1, abs=0.2)
        assert np.abs(z).max() < 4.5
    assert search.Place(3.0, 0, 0, 1, 10**6, "noise").log_p == 0
    assert search.Place(10.0, 0, 0, 1, 10**6, "noise").log_p == pytest.approx(np.log(1e6) - 50)


@needs_clips
def test_who_is_heard_is_told_by_the_second():
    """A performer, then both as loud, then the voice alone, then nothing: each in its seconds, but for one at each change."""
    dry, plain = np.resize(clip("32_wavs_gc.wav"), 16 * RATE), np.resize(clip("00_sms_singing-female.wav"), 24 * RATE)
    sound = np.zeros(28 * RATE, np.float32)
    sound[: 16 * RATE] += dry * np.sqrt(np.square(plain).mean() / np.square(dry).mean())
    sound[8 * RATE : 24 * RATE] += marked(plain)[: 16 * RATE]
    labels = Detector(KEYS).find(sound).labels
    assert set(labels[:7]) == {"performed"}
    assert set(labels[9:15]) <= {"both", "undecided"} and labels.count("both") >= 4
    assert set(labels[17:23]) == {"generated"}
    assert set(labels[25:]) == {"silence"}


def test_several_takes_in_one_file_are_told_apart():
    """Three answers cut together, two installations', and one take that follows another without a break."""
    one, two, three = Payload(1, 10), Payload(2, 20), Payload(3, 30)
    other = b"j" * 32
    sound = np.concatenate([marked(sung(), payload=one)[: 13 * RATE], marked(sung(16, 2), payload=two)[3 * RATE : 15 * RATE],
                            marked(sung(16, 3), other, three)[RATE : 14 * RATE]])
    finding = Detector([*KEYS, ("other", other)]).find(sound)
    assert {(p.payload, p.key_id) for p in finding.payloads} == {(one, "test"), (two, "test"), (three, "other")}
    assert len(finding.parts) == 3
    places = {p.payload: (p.first, p.last) for p in finding.payloads}
    for payload, (first, last) in {one: (0, 13), two: (13, 25), three: (25, 38)}.items():
        assert places[payload][0] < (first + last) / 2 < places[payload][1]


def test_another_payload_may_follow_under_the_same_pattern():
    """When a take begins while the voice goes on, both payloads are read."""
    from antiphon.provenance.mark import Mark

    mark, out, plain = Mark(KEY, Payload(1, 1)), [], np.tile(sung(), 3)[: 44 * RATE]
    for number, hop in enumerate(plain.reshape(-1, HOP)):
        if number == 22 * 50:
            mark.carry(Payload(2, 2))
        out.append(mark.step(hop))
    found = {p.payload: p for p in Detector(KEYS).find(np.concatenate(out)).payloads}
    assert set(found) == {Payload(1, 1), Payload(2, 2)}


def test_a_long_sound_is_taken_in_stretches():
    """Of whole seconds, two minutes each, the last up to half a minute longer; nothing is lost or seen twice."""
    for seconds in (0.5, 60, 119, 121, 149, 151, 600, 3601.5):
        cuts = stretches_of(round(seconds * RATE))
        assert cuts[0][0] == 0 and cuts[-1][1] == round(seconds * RATE)
        assert all(a[1] == b[0] for a, b in zip(cuts, cuts[1:], strict=False))
        assert all(b - a == STRETCH for a, b in cuts[:-1])
        assert cuts[-1][1] - cuts[-1][0] <= STRETCH * 5 // 4
    assert CHANCE == 1e-6


@pytest.mark.parametrize("frames", [0, 1, 959, 5000, 20_000])
def test_a_sound_may_be_too_short(frames):
    """Then no payload is read, marked as it may be, and nothing breaks."""
    finding = Detector(KEYS).find(marked_sung()[RATE : RATE + frames])
    assert finding.payloads == []
    assert len(finding.labels) == -(-frames // RATE)
    assert not Detector(KEYS).find(sung()[RATE : RATE + frames]).marked
