"""A voice sounds the harmonics and the noise it is told of, nothing else. (Beside the network: streaming/test_codec.py.)"""

import numpy as np
import pytest

from antiphon.kernels import KernelError, Voice, lib

HOP, RAW, BANDS, CORRECTED = 960, lib.AP_VOICE_RAW, lib.AP_VOICE_BANDS, lib.AP_VOICE_CORRECTED
NONE = -14.0


def raw(envelope=NONE, noise=NONE):
    """What a network says: every harmonic and every band of noise at these log levels."""
    out = np.zeros((2, RAW), np.float32)
    out[:, :BANDS], out[:, BANDS + CORRECTED + 1:] = envelope, noise
    return out


def play(voice, hops, said, pitch=0.0, level_db=0.0, sounding=True):
    out = np.zeros((hops, HOP), np.float32)
    for row in out:
        voice.process(said, pitch, pitch, level_db, sounding, row)
    return out.ravel()


def test_noise_is_white_and_normal_where_its_bands_are_level():
    """Log level 0 at 0 dB: unit deviation within 0.1 dB, normal kurtosis, a flat spectrum, no frame like the one before."""
    sound = play(Voice(seed=1), 200, raw(noise=0.0))[HOP:].astype(float)
    assert abs(20 * np.log10(sound.std())) < 0.1
    assert abs((sound**4).mean() / sound.var() ** 2 - 3) < 0.1
    power = (np.abs(np.fft.rfft(sound.reshape(-1, 960) * np.hanning(960))) ** 2).mean(0)[3:-3]
    octaves = [band.mean() for band in np.array_split(power, 8)]
    assert 10 * np.log10(max(octaves) / min(octaves)) < 0.5
    frames = sound.reshape(-1, 480)
    assert np.abs(np.mean(frames[2:] * frames[:-2], 1)).max() < 0.3


def test_noise_hangs_on_its_seed():
    a, b, other = (play(Voice(seed), 3, raw(noise=0.0)) for seed in (5, 5, 6))
    assert np.array_equal(a, b) and abs(np.corrcoef(a, other)[0, 1]) < 0.1


def test_level_moves_noise_and_harmonics_alike():
    """20 dB less: a tenth of each, after the hop in which it moves."""
    for said, pitch in ((raw(noise=0.0), 0.0), (raw(envelope=-2.0), 57.0)):
        loud, soft = (play(Voice(3), 6, said, pitch, level)[2 * HOP:] for level in (0.0, -20.0))
        assert np.allclose(soft, 0.1 * loud, atol=1e-4)


def test_harmonics_stop_below_half_the_rate():
    """Of a pitch of 3520 Hz six harmonics fit below 23 kHz; nothing else sounds within 70 dB."""
    sound = play(Voice(), 52, raw(envelope=-2.0), pitch=105.0)[2 * HOP:]
    spectrum = np.abs(np.fft.rfft(sound * np.blackman(len(sound)))) / (0.42 * len(sound) / 2)
    hertz = np.arange(len(spectrum)) * 48000 / len(sound)
    for k in range(1, 7):
        assert abs(20 * np.log10(spectrum[np.abs(hertz - 3520 * k) < 60].max() / np.exp(-2))) < 0.1
        spectrum[np.abs(hertz - 3520 * k) < 60] = 0
    assert 20 * np.log10(spectrum.max()) < -70


def test_silence_is_entered_within_a_hop_and_exact():
    voice = Voice()
    play(voice, 3, raw(-2.0, -2.0), 57.0)
    assert play(voice, 1, raw(-2.0, -2.0), 57.0, -90.0, False).any()
    assert not play(voice, 2, raw(-2.0, -2.0), 57.0, -90.0, False).any()


def test_state_is_a_value():
    voice = Voice(4)
    play(voice, 3, raw(-2.0, -2.0), 57.0)
    saved = voice.state()
    first = play(voice, 3, raw(-2.0, -2.0), 58.0)
    voice.seed(9)
    voice.reset()
    voice.set_state(saved)
    assert np.array_equal(play(voice, 3, raw(-2.0, -2.0), 58.0), first)


@pytest.mark.parametrize("said", [raw(envelope=3.0), raw(noise=2.0), raw(envelope=3.0, noise=2.0)])
def test_what_is_far_too_loud_is_held_to_the_level(said):
    """A network told of codes it never met was 40 dB above its level: 8 dB is what a frame may be above it."""
    sound = play(Voice(1), 40, said, pitch=60.0, level_db=-40.0)[4 * HOP:].astype(float)
    loud = 10 * np.log10(np.square(sound).reshape(-1, HOP).mean(axis=1))
    assert -40 < loud.mean() < -31 and loud.max() < -29.5


@pytest.mark.parametrize("said, out, noise", [
    (np.zeros((1, RAW), np.float32), np.zeros(HOP, np.float32), None),
    (np.zeros((2, RAW)), np.zeros(HOP, np.float32), None),
    (np.zeros((2, RAW), np.float32), np.zeros(HOP - 1, np.float32), None),
    (np.zeros((2, RAW), np.float32), np.zeros((HOP, 2), np.float32)[:, 0], None),
    (np.zeros((2, RAW), np.float32), np.zeros(HOP, np.float32), np.zeros((1, 481), np.complex64)),
])  # fmt: skip
def test_arrays_of_another_size_or_kind_are_refused(said, out, noise):
    """C reads and writes as much as it must: what is too short never gets there."""
    with pytest.raises(KernelError, match="voice"):
        Voice().process(said, 0.0, 0.0, 0.0, True, out, noise)
