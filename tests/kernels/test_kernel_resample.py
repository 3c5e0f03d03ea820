"""ap_resample against its figures: flat passband, quiet images and aliases, exact delay, chunked equals one-shot."""

import math

import numpy as np
import pytest

from antiphon.kernels import KernelError, Resampler

PAIRS = [(44100, 48000), (48000, 44100), (44101, 48000), (96000, 48000), (48000, 8000), (8000, 48000), (192000, 44100)]


def spectrum(y, rate):
    """(Hz, amplitude) of a stretch of sound; side lobes of the window below -140 dB."""
    window = np.kaiser(len(y), 20)
    return np.fft.rfftfreq(len(y), 1 / rate), np.abs(np.fft.rfft(y * window)) * 2 / window.sum()


def answer(rate_in, rate_out, hz):
    """Level of a tone of amplitude 1 at its own frequency, and of the loudest thing anywhere else, both dB."""
    x = np.sin(2 * np.pi * hz * np.arange(rate_in) / rate_in).astype(np.float32)
    y = Resampler(rate_in, rate_out).process(x)[rate_out // 4 : rate_out * 3 // 4].astype(np.float64)
    f, level = spectrum(y, rate_out)
    window = np.kaiser(len(y), 20)
    at_hz = abs((y * window * np.exp(-2j * np.pi * hz * np.arange(len(y)) / rate_out)).sum()) * 2 / window.sum()
    return 20 * np.log10(at_hz + 1e-20), 20 * np.log10(level[np.abs(f - hz) > 60].max())


@pytest.mark.parametrize("rates", [(44100, 48000), (48000, 44100), (44101, 48000), (96000, 48000)])
@pytest.mark.parametrize("hz", [60.0, 997.0, 7001.0, 15013.0, 19009.0, 20000.0])
def test_passband_is_flat_and_clean(rates, hz):
    """Within 0.05 dB up to 20 kHz; whatever else comes out (images, aliases, noise) is below -100 dB."""
    own, other = answer(*rates, hz)
    assert abs(own) < 0.05
    assert other < -100.0


@pytest.mark.parametrize("rates, hz", [((48000, 44100), 22100), ((48000, 44100), 23500), ((96000, 48000), 24100),
                                       ((96000, 48000), 40000), ((48000, 8000), 4100), ((48000, 8000), 12000),
                                       ((192000, 44100), 22100), ((192000, 44100), 90000)])
def test_what_does_not_fit_is_gone(rates, hz):
    """A tone above the new Nyquist leaves nothing above -100 dB anywhere."""
    own, other = answer(*rates, hz)
    assert max(own if hz < rates[1] / 2 else -300, other) < -100.0


@pytest.mark.parametrize("rates, hz", [((44100, 48000), 21900), ((8000, 48000), 3900), ((44101, 48000), 21500)])
def test_images_of_the_last_kilohertz_are_gone(rates, hz):
    """Even a tone above the passband has its image suppressed by 100 dB."""
    x = np.sin(2 * np.pi * hz * np.arange(rates[0]) / rates[0]).astype(np.float32)
    y = Resampler(*rates).process(x)[rates[1] // 4 : rates[1] * 3 // 4].astype(np.float64)
    f, level = spectrum(y, rates[1])
    assert 20 * np.log10(level[f > rates[0] / 2 + 60].max()) < -100.0


def test_the_meter_of_these_tests_hears_a_bad_resampler():
    """Negative control: straight-line interpolation fails both figures by far."""
    x = np.sin(2 * np.pi * 15000 * np.arange(44100) / 44100)
    y = np.interp(np.arange(48000) / 48000, np.arange(44100) / 44100, x)[12000:36000]
    f, level = spectrum(y, 48000)
    own = np.abs(f - 15000) < 60
    assert 20 * np.log10(level[own].max()) < -0.5
    assert 20 * np.log10(level[~own].max()) > -30


@pytest.mark.parametrize("rates", [*PAIRS, (48000, 48000)])
@pytest.mark.parametrize("channels", [1, 2])
def test_chunked_equals_one_shot_bit_for_bit(rates, channels):
    """Block sizes 1, 17, 127, 128, 129, 960, 2500 and a mixture give the same bits as one call, in the same number."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((5000, channels)).astype(np.float32)
    resampler = Resampler(*rates, channels)
    whole = resampler.process(x).copy()
    assert len(whole) == math.ceil(5000 * rates[1] / rates[0])
    mixture = rng.integers(1, 400, 40)
    for sizes in ([1], [17], [127], [128], [129], [960], [2500], mixture):
        resampler.reset()
        at, parts = 0, []
        while at < len(x):
            n = min(int(sizes[len(parts) % len(sizes)]), len(x) - at)
            ready = resampler.ready(n)
            parts.append(resampler.process(x[at : at + n]).copy())
            assert len(parts[-1]) == ready
            at += n
        assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("rates", PAIRS)
def test_delay_is_exact(rates):
    """Output frame m is the input at time (m - delay_frames) / rate_out: to a ten-thousandth of a frame, by phase."""
    rate_in, rate_out = rates
    resampler = Resampler(*rates)
    hz = 0.11 * min(rates)
    x = np.sin(2 * np.pi * hz * np.arange(rate_in) / rate_in).astype(np.float32)
    y = resampler.process(x).astype(np.float64)
    m = np.arange(rate_out // 4, rate_out * 3 // 4)
    turn = np.exp(-2j * np.pi * hz * (m - resampler.delay_frames) / rate_out) * np.hanning(len(m))
    phase = np.angle(1j * (y[m] * turn).sum())
    assert abs(phase / (2 * np.pi * hz) * rate_out) < 1e-4


def test_impulse_peaks_at_the_delay():
    """For equal numerators an impulse at frame 0 comes out with its peak on frame delay_frames, symmetric about it."""
    resampler = Resampler(24000, 48000)
    x = np.zeros(400, np.float32)
    x[0] = 1
    y = resampler.process(x)
    d = resampler.delay_frames
    assert np.abs(y).argmax() == d
    assert np.allclose(y[d - 100 : d], y[d + 1 : d + 101][::-1], atol=1e-7)


def test_a_longer_delay_can_be_asked_for():
    """delay_frames_min moves the sound, by whole output frames, and changes nothing else."""
    x = np.random.default_rng(5).standard_normal(3000).astype(np.float32)
    plain, later = Resampler(44100, 48000), Resampler(44100, 48000, delay_frames_min=200)
    assert later.delay_frames == 200
    assert plain.delay_frames < 200
    moved = 200 - plain.delay_frames
    a, b = plain.process(x), later.process(x)
    assert np.allclose(a[:-moved], b[moved:], atol=1e-6)


def test_a_constant_stays_a_constant():
    """Every row of the table passes 1.0 as 1.0, so no phase can be heard on a constant."""
    for rates in PAIRS:
        y = Resampler(*rates).process(np.ones(rates[0] // 4, np.float32))
        assert np.abs(y[len(y) // 2 :] - 1).max() < 2e-6


def test_equal_rates_copy():
    x = np.random.default_rng(7).standard_normal((3000, 2)).astype(np.float32)
    resampler = Resampler(48000, 48000, 2)
    assert resampler.delay_frames == 0
    assert np.array_equal(resampler.process(x), x)


def test_reset_forgets():
    resampler = Resampler(44100, 48000)
    x = np.random.default_rng(8).standard_normal(1000).astype(np.float32)
    first = resampler.process(x).copy()
    resampler.reset()
    assert np.array_equal(resampler.process(x), first)


def test_the_count_never_drifts():
    """After any number of awkward blocks the count of frames is exactly the ratio, rounded up."""
    resampler = Resampler(44101, 48000)
    total_in = total_out = 0
    for frames in [997] * 200:
        total_out += len(resampler.process(np.zeros(frames, np.float32)))
        total_in += frames
        assert total_out == math.ceil(total_in * 48000 / 44101)


@pytest.mark.parametrize("rates", [(7999, 48000), (48000, 192001), (0, 48000)])
def test_rates_out_of_range_are_refused(rates):
    with pytest.raises(KernelError, match="Hz"):
        Resampler(*rates)


@pytest.mark.parametrize("rates", [(48000, 48000), (44100, 48000), (48000, 44100), (192000, 8000), (44101, 48000), (8000, 96000)])
def test_a_state_goes_on_where_it_was(rates):
    """Saved at any frame and loaded into another resampler, the rest comes out bit for bit."""
    sound = np.random.default_rng(3).standard_normal((5000, 2)).astype(np.float32)
    for cut in (0, 1, 7, 1024, 3333):
        one, other = Resampler(*rates, 2), Resampler(*rates, 2)
        one.process(sound[:cut])
        other.process(sound[:99])
        other.set_state(one.state())
        assert np.array_equal(one.process(sound[cut:]).copy(), other.process(sound[cut:]))


def test_a_state_that_is_none_is_refused():
    """Of other rates, or out of all bounds."""
    one, other = Resampler(44100, 48000), Resampler(96000, 48000)
    with pytest.raises(KernelError):
        one.set_state(other.state())
    with pytest.raises(KernelError):
        one.set_state(one.state() | {"position": np.array([10**6, 0], np.uint64)})
