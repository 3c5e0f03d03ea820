"""The mark as it is put on: unheard by figure, at once, silent in silence, and a value that can be kept."""

import json

import numpy as np
import pytest
from marked import CLIPS, KEY, PAYLOAD, clip, marked, marked_sung, sung

from antiphon.kernels import lib
from antiphon.provenance.mark import HOP, Mark, Payload
from antiphon.provenance.pattern import edges

REAL = [pytest.param(name, marks=pytest.mark.skipif(not CLIPS.is_dir(), reason="no real recordings here"))
        for name in ("05_sms_sax-phrase.wav", "00_sms_singing-female.wav", "32_wavs_gc.wav", "34_wavs_voice.wav")]


def snr_db(plain, with_mark):
    plain = plain[: len(with_mark)].astype(np.float64)
    return 10 * np.log10(np.square(plain).sum() / np.square(with_mark - plain).sum())


@pytest.mark.parametrize("name", ["melody", *REAL])
def test_the_mark_lies_far_below_the_sound(name):
    """24 to 40 dB over the whole (where it is least, the sound is noisy itself), in no tenth of a second above -18 dB of the sound about it."""
    plain = sung() if name == "melody" else clip(name)
    with_mark = marked(plain)
    assert 24 <= snr_db(plain, with_mark) <= 40
    plain = plain[: len(with_mark)].astype(np.float64)
    count = len(plain) // 4800
    added = np.square(with_mark - plain)[: count * 4800].reshape(count, -1).sum(1)
    about = np.convolve(np.square(plain)[: count * 4800].reshape(count, -1).sum(1), np.ones(3), "same")
    assert (added <= 10**-1.8 * about + 1e-12).all()


def test_it_lies_in_its_bands():
    """Less than a thousandth of it is below 100 Hz or above 13.5 kHz."""
    mark = marked_sung() - sung()[: len(marked_sung())]
    power = np.square(np.abs(np.fft.rfft(mark * np.hanning(len(mark)))))
    hertz = np.fft.rfftfreq(len(mark), 1 / 48_000)
    assert power[(hertz < edges()[0] - 50) | (hertz > edges()[-1] + 500)].sum() < 1e-3 * power.sum()


def test_silence_stays_silence():
    """A frame that is 0 stays 0: whole hops of it, pieces within a hop, and single ones."""
    plain = np.where(np.arange(60 * HOP) % 3000 < 1700, sung()[: 60 * HOP], 0).astype(np.float32)
    plain[20 * HOP : 30 * HOP] = 0
    with_mark = marked(plain)
    assert not with_mark[plain == 0].any()
    assert (with_mark != plain).mean() > 0.3
    assert not np.signbit(marked(np.zeros(5 * HOP, np.float32))).any()


def test_there_is_no_delay():
    """What is changed in one hop of input changes no hop before it; and the mark is in step with the sound, whose lag is 0."""
    plain, at = sung()[: 40 * HOP], 25
    changed = plain.copy()
    changed[at * HOP + 17 :] *= -0.3
    one, other = marked(plain), marked(changed)
    assert np.array_equal(one[: at * HOP], other[: at * HOP])
    assert not np.array_equal(one[at * HOP :], other[at * HOP :])
    lags = [float(np.dot(plain[1000:30_000], one[1000 + lag : 30_000 + lag])) for lag in range(-3, 4)]
    assert int(np.argmax(lags)) == 3


def test_the_same_hops_give_the_same_bits():
    """After `reset`, from another object, and in another arithmetic of denormals."""
    plain = sung()[: 30 * HOP].reshape(-1, HOP)
    mark = Mark(KEY, PAYLOAD)
    once = [mark.step(hop) for hop in plain]
    mark.reset()
    again = [mark.step(hop) for hop in plain]
    mode = lib.ap_denormals_enter()
    other = Mark(KEY, PAYLOAD)
    flushed = [other.step(hop) for hop in plain]
    lib.ap_denormals_leave(mode)
    assert np.array_equal(once, again)
    assert np.array_equal(once, flushed)


def test_a_hop_that_is_given_is_not_written_to():
    """Nor is what was returned written to later."""
    mark, given = Mark(KEY, PAYLOAD), sung()[: 2 * HOP].copy()
    first = mark.step(given[:HOP])
    kept = first.copy()
    mark.step(given[HOP:])
    assert np.array_equal(given, sung()[: 2 * HOP])
    assert np.array_equal(first, kept)
    assert first.dtype == np.float32


@pytest.mark.parametrize("at", [0, 1, 7])
def test_state_is_a_value(at):
    """Kept as JSON and given to another object with another payload, which goes on bit for bit."""
    plain = sung()[HOP * 10 : HOP * 30].reshape(-1, HOP)
    mark = Mark(KEY, PAYLOAD)
    for hop in plain[:at]:
        mark.step(hop)
    state = mark.state()
    text = json.dumps({name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in state.items()})
    assert len(text) < 40_000
    rest = [mark.step(hop) for hop in plain[at:]]
    other = Mark(KEY, Payload(1, 2))
    other.set_state(json.loads(text))
    assert np.array_equal(rest, [other.step(hop) for hop in plain[at:]])
    assert other.payload == PAYLOAD


def test_a_payload_is_carried_from_the_next_hop_on():
    """`carry` changes nothing before it, does not begin the pattern again, and what is carried can be changed back."""
    plain = sung()[: 60 * HOP].reshape(-1, HOP)
    straight, changing = Mark(KEY, PAYLOAD), Mark(KEY, PAYLOAD)
    for number, hop in enumerate(plain):
        if number == 20:
            changing.carry(Payload(1, 1))
        if number == 40:
            changing.carry(PAYLOAD)
        one, other = straight.step(hop), changing.step(hop)
        if number < 20 or number > 40:
            assert np.array_equal(one, other)
        elif number > 22:
            assert not np.array_equal(one, other)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_harms_one_hop(bad):
    """It is given back as it is, and the hops after it are marked and finite."""
    plain = sung()[: 20 * HOP].reshape(-1, HOP).copy()
    plain[5, 100] = bad
    mark = Mark(KEY, PAYLOAD)
    out = np.stack([mark.step(hop) for hop in plain])
    assert np.array_equal(out[5], plain[5], equal_nan=True)
    assert np.isfinite(np.delete(out, 5, 0)).all()
    assert (out[7:] != plain[7:]).any(axis=1).all()


def test_another_key_is_another_mark():
    """Half of what is added is the same for all, the other half nobody's but the key's: their products say so."""
    plain = sung()[: 400 * HOP]
    own, same, other = marked(plain) - plain, marked(plain) - plain, marked(plain, b"j" * 32) - plain
    assert np.array_equal(own, same)
    alike = float(np.dot(own, other) / np.sqrt(np.dot(own, own) * np.dot(other, other)))
    assert 0.3 < alike < 0.7
