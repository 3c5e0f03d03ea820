"""What the benchmark of the mark does to sound is what each attack's name says. The attacks lie in bench/, beside no wheel."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("soxr")
BENCH = Path(__file__).resolve().parents[2] / "bench"
if not BENCH.is_dir():
    pytest.skip("no bench/ here", allow_module_level=True)
sys.path.insert(0, str(BENCH))
import attacks  # noqa: E402

sys.path.remove(str(BENCH))

RATE = attacks.RATE
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")


def tone(hertz=440.0, seconds=2.0, amplitude=0.25):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def melody(seconds=4.0):
    """Harmonic notes of half a second, the last quarter of each silent."""
    t = np.arange(round(seconds * RATE)) / RATE
    hertz = np.array([220.0, 247.0, 277.0, 330.0, 294.0])[(t / 0.5).astype(int) % 5]
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return (sum(np.sin(k * phase) / k for k in range(1, 9)) * 0.1 * (t % 0.5 < 0.375)).astype(np.float32)


def loudest_hertz(sound):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    at = int(spectrum.argmax())
    a, b, c = np.log(spectrum[at - 1 : at + 2])
    return (at + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / len(sound)


def db(one, other):
    return 20 * np.log10(one / other)


def do(name, sound, dry=None, seed=1):
    return attacks.ATTACKS[name](sound, sound if dry is None else dry, np.random.default_rng(seed))


def test_nothing_is_nothing():
    """The attack that is none gives back the very same frames."""
    sound = melody()
    assert np.array_equal(do("none", sound), sound)


@pytest.mark.parametrize("below_db", [20.0, 30.0])
def test_noise_lies_below_what_sounds(below_db):
    """Noise is below the sounding part by what its name says, within 0.1 dB, also where a quarter of the sound is silence."""
    sound = melody()
    noise = do(f"noise {below_db:.0f} dB", sound) - sound
    assert db(attacks.level(sound), np.sqrt((noise.astype(np.float64) ** 2).mean())) == pytest.approx(below_db, abs=0.1)


def test_level_is_of_what_sounds():
    """Silence beside a tone does not lower its level, and silence alone has none."""
    sound = tone()
    padded = np.concatenate([np.zeros(RATE, np.float32), sound, np.zeros(3 * RATE, np.float32)])
    assert db(attacks.level(padded), attacks.level(sound)) == pytest.approx(0.0, abs=0.01)
    assert attacks.level(np.zeros(RATE, np.float32)) == 0.0


def test_dry_is_as_loud_as_the_voice():
    """The performer's sound comes in at the voice's level, however loud it was, and the voice itself is untouched."""
    sound, dry = melody(), 0.01 * tone(1000.0, 4.0)
    added = do("dry mixed in at 0 dB", sound, dry) - sound
    assert db(attacks.level(added), attacks.level(sound)) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("name", [name for name in attacks.ATTACKS if name.startswith(("speed", "clock"))])
def test_speed(name):
    """Speed changes length and pitch alike, by what its name says."""
    amount = float(name.split()[1]) * (1e-6 if name.endswith("ppm") else 0.01)
    sound = tone(1000.0, 8.0)
    made = do(name, sound)
    assert len(made) == pytest.approx(len(sound) / (1 + amount), abs=2)
    assert loudest_hertz(made) == pytest.approx(1000.0 * (1 + amount), rel=5e-6)


@needs_ffmpeg
def test_tempo_changes_length_alone_and_pitch_pitch_alone():
    """Tempo +1 % is shorter by 1 % at the same pitch, pitch +1 % higher by 1 % at the same length."""
    sound = tone(1000.0, 8.0)
    faster, higher = do("tempo +1 %", sound), do("pitch +1 %", sound)
    assert len(faster) == pytest.approx(len(sound) / 1.01, rel=0.003)
    assert loudest_hertz(faster) == pytest.approx(1000.0, rel=1e-3)
    assert len(higher) == pytest.approx(len(sound), rel=0.003)
    assert loudest_hertz(higher) == pytest.approx(1010.0, rel=1e-3)


def test_a_peak_has_its_gain():
    """A filter's gain at its centre is what was asked for; far from it there is none."""
    for gain_db in (9.0, -9.0):
        made = attacks.peak_filter(tone(800.0), 800.0, gain_db, 1.4)
        assert db(attacks.level(made[RATE:]), attacks.level(tone(800.0)[RATE:])) == pytest.approx(gain_db, abs=0.05)
        far = attacks.peak_filter(tone(50.0), 800.0, gain_db, 1.4)
        assert db(attacks.level(far[RATE:]), attacks.level(tone(50.0)[RATE:])) == pytest.approx(0.0, abs=0.2)


def test_equaliser_goes_up_and_down():
    """Octaves are up and down in turn by 9 dB, within 1.5 dB."""
    late = lambda sound: attacks.level(sound[RATE:])  # noqa: E731
    gains = [db(late(do("EQ +-9 dB", tone(hertz))), late(tone(hertz))) for hertz in attacks.EQ_HERTZ]
    assert gains == pytest.approx([9.0, -9.0] * 4, abs=1.5)


@pytest.mark.parametrize("decay_s, direct_db", [(0.4, 3.0), (0.8, 0.0)])
def test_room_decays(decay_s, direct_db):
    """A room falls by 60 dB in its time and holds as much energy below the direct sound as was asked for; no two are alike."""
    response = attacks.room(decay_s, direct_db, np.random.default_rng(1))
    late = response[1:]
    assert -10 * np.log10((late**2).sum()) == pytest.approx(direct_db, abs=0.1)
    remaining = 10 * np.log10(np.cumsum(late[::-1] ** 2)[::-1] / (late**2).sum())
    five, twenty_five = np.flatnonzero(remaining < -5)[0], np.flatnonzero(remaining < -25)[0]
    assert 3 * (twenty_five - five) / RATE == pytest.approx(decay_s, rel=0.1)
    assert not np.array_equal(response, attacks.room(decay_s, direct_db, np.random.default_rng(2)))


def test_resampling_keeps_what_fits():
    """A tone that the lower samplerate can hold comes back unchanged, one that it cannot does not come back."""
    assert np.abs(do("16 kHz", tone(1000.0)) - tone(1000.0))[4800:-4800].max() < 1e-3
    assert attacks.level(do("16 kHz", tone(10_000.0))[4800:-4800]) < 1e-3 * attacks.level(tone())
    assert np.abs(do("44.1 kHz", tone(10_000.0)) - tone(10_000.0))[4800:-4800].max() < 1e-3


def test_gain():
    """Twelve decibels down are twelve decibels down."""
    assert db(attacks.level(do("gain -12 dB", tone())), attacks.level(tone())) == pytest.approx(-12.0, abs=0.01)


@needs_ffmpeg
def test_limiter_and_compressor():
    """A limiter leaves nothing above its ceiling though it is given more; a compressor narrows the gap of loud and soft."""
    assert np.abs(do("limiter", melody())).max() <= 0.501
    both = np.concatenate([tone(seconds=2.0, amplitude=0.02), tone(seconds=2.0, amplitude=0.8)])
    made = do("compressor", both)
    loud, soft = slice(3 * RATE, 4 * RATE - 4800), slice(RATE, 2 * RATE - 4800)
    gap = lambda sound: db(attacks.level(sound[loud]), attacks.level(sound[soft]))  # noqa: E731
    assert gap(made) < gap(both) - 6


@needs_ffmpeg
@pytest.mark.parametrize("name", ["MP3 128", "MP3 64", "AAC 128", "AAC 64", "Opus 64", "Opus 32", "Vorbis q2"])
def test_codecs_lose_something_and_not_all(name):
    """A codec gives back sound of the same length and pitch that is not the same sound."""
    sound = melody()
    made = do(name, sound)
    assert abs(len(made) - len(sound)) < 0.1 * RATE
    assert db(attacks.level(made), attacks.level(sound)) == pytest.approx(0.0, abs=1.0)
    n = min(len(made), len(sound))
    assert np.abs(made[:n] - sound[:n]).max() > 1e-4
