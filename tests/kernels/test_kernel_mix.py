"""ap_smooth, ap_mix, ap_limiter, ap_meter, ap_tail: what they do to frames."""

import numpy as np
import pytest

from antiphon.kernels import ffi, lib


def floats(array):
    return ffi.from_buffer("float *", array)


def smooth(value):
    s = ffi.new("ap_smooth *")
    lib.ap_smooth_init(s, value)
    return s


def process(s, frames):
    out = np.empty(frames, np.float32)
    lib.ap_smooth_process(s, floats(out), frames)
    return out


def test_ramp_is_straight_and_arrives_on_its_frame():
    s = smooth(1.0)
    lib.ap_smooth_ramp(s, 0.0, 10)
    assert np.allclose(process(s, 12), [*np.arange(9, -1, -1) / 10, 0, 0], atol=1e-7)
    assert s.value == 0.0
    assert not lib.ap_smooth_moving(s)


def test_ramp_without_length_is_a_step():
    s = smooth(1.0)
    lib.ap_smooth_ramp(s, 0.25, 0)
    assert np.array_equal(process(s, 3), np.full(3, 0.25, np.float32))


@pytest.mark.parametrize("kind", ["ramp", "approach"])
def test_ramps_do_not_depend_on_blocks(kind):
    """The same values bit for bit whether asked for at once or in blocks of 1, 17 and 128."""
    def start():
        s = smooth(0.2)
        getattr(lib, f"ap_smooth_{kind}")(s, 0.9, 333)
        return s

    whole = process(start(), 2000)
    for n in (1, 17, 128):
        s = start()
        assert np.array_equal(np.concatenate([process(s, min(n, 2000 - at)) for at in range(0, 2000, n)]), whole)


def test_a_ramp_turned_round_goes_on_from_where_it_was():
    s = smooth(0.0)
    lib.ap_smooth_ramp(s, 1.0, 100)
    process(s, 50)
    lib.ap_smooth_ramp(s, 0.0, 50)
    back = process(s, 50)
    assert abs(back[0] - 0.49) < 1e-6
    assert back[-1] == 0.0


def test_approach_covers_63_percent_in_its_time_and_ends():
    s = smooth(0.0)
    lib.ap_smooth_approach(s, 1.0, 100.0)
    assert abs(process(s, 100)[-1] - (1 - np.exp(-1))) < 1e-4
    process(s, 2000)
    assert s.value == 1.0
    assert not lib.ap_smooth_moving(s)


def mix(sound, voice, out_channels, dry=1.0, voice_gain=1.0, master=1.0):
    """`voice_gain` for all outputs, or one for each."""
    frames = len(voice)
    gains = [np.full(frames, g, np.float32) for g in (dry, *np.broadcast_to(voice_gain, out_channels), master)]
    out = np.empty((frames, out_channels), np.float32)
    dry, *voice_gains, master = map(floats, gains)
    lib.ap_mix_process(floats(sound), sound.shape[1], floats(voice), dry, ffi.new("float *[]", voice_gains), master, floats(out),
                       out_channels, frames)
    return out


@pytest.mark.parametrize("ins, outs, expected", [
    (1, 3, [[1, 1, 1]]), (2, 2, [[1, 2]]), (2, 4, [[1, 2, 1, 2]]), (2, 1, [[1.5]]), (4, 2, [[2, 3]]), (3, 2, [[2, 2]])])
def test_channels_are_spread_and_gathered(ins, outs, expected):
    """One input goes everywhere; fewer inputs repeat; more are averaged, so that no channel count is louder than another."""
    sound = np.arange(1, ins + 1, dtype=np.float32).reshape(1, ins)
    assert np.array_equal(mix(sound, np.zeros(1, np.float32), outs), np.float32(expected))


def test_voice_goes_to_every_output_and_gains_multiply():
    out = mix(np.float32([[0.5]]), np.float32([0.25]), 2, dry=2, voice_gain=4, master=0.5)
    assert np.array_equal(out, np.float32([[1.0, 1.0]]))


@pytest.mark.parametrize("ins", [1, 2, 3, 5])
def test_each_output_has_its_own_gain_of_the_voice(ins):
    """The voice alone is multiplied by it, whatever becomes of the input; gains that are alike give what one gain gives."""
    sound = np.random.default_rng(7).uniform(-1, 1, (50, ins)).astype(np.float32)
    voice = np.random.default_rng(8).uniform(-1, 1, 50).astype(np.float32)
    dry, gains = mix(sound, np.zeros(50, np.float32), 3), np.float32([0.0, 0.5, 2.0])
    assert np.allclose(mix(sound, voice, 3, voice_gain=gains), dry + voice[:, None] * gains, atol=1e-6)
    assert np.array_equal(mix(sound, voice, 3, voice_gain=gains)[:, 0], dry[:, 0])
    assert np.array_equal(mix(sound, voice, 3, voice_gain=(0.5, 0.5, 0.5)), mix(sound, voice, 3, voice_gain=0.5))


def test_unity_gain_passes_bit_for_bit():
    """dry 1, voice silent, below the ceiling: the output is the input, every bit."""
    sound = np.random.default_rng(1).uniform(-1, 1, (1000, 2)).astype(np.float32)
    out = limit(mix(sound, np.zeros(1000, np.float32), 2))
    assert np.array_equal(out, sound)


def test_scrub_takes_out_what_is_not_sound():
    bad = np.float32([0.5, np.nan, np.inf, -np.inf, 1e30, -999.0])
    out = np.empty_like(bad)
    assert lib.ap_mix_scrub(floats(bad), floats(out), 6) == 4
    assert np.array_equal(out, np.float32([0.5, 0, 0, 0, 0, -999.0]))


def limit(sound, ceiling=1.0, release=480.0, blocksize=None):
    limiter = ffi.new("ap_limiter *")
    assert lib.ap_limiter_init(limiter, ceiling, release) == lib.AP_OK
    out = np.array(sound, np.float32, order="C")
    n = blocksize or len(out)
    for at in range(0, len(out), n):
        part = out[at : at + n]
        lib.ap_limiter_process(limiter, floats(part), out.shape[1], len(part))
    return out


@pytest.mark.parametrize("ceiling", [1.0, 0.7])
@pytest.mark.parametrize("kind", ["noise", "burst", "square", "huge"])
def test_limiter_never_lets_a_sample_past(ceiling, kind):
    """Not one sample of any input is above the ceiling, from the first frame on: no look-ahead, no overshoot."""
    rng = np.random.default_rng(2)
    sound = {"noise": rng.standard_normal((5000, 2)) * 3, "burst": np.repeat([[0.0], [9.0], [0.1]], [100, 3, 4000], 0),
             "square": np.tile([[1.3], [-1.3]], (2000, 1)), "huge": rng.standard_normal((3000, 1)) * 1e6}[kind]
    out = limit(sound, ceiling)
    assert np.abs(out).max() <= np.float32(ceiling)
    assert np.isfinite(out).all()


def test_limiter_leaves_what_fits_alone_and_lets_go():
    """Below the ceiling nothing changes; after a burst the gain comes back to exactly 1."""
    quiet = np.random.default_rng(3).uniform(-0.9, 0.9, (20000, 1)).astype(np.float32)
    assert np.array_equal(limit(quiet), quiet)
    quiet[100] = 8.0
    out = limit(quiet)
    assert out[100] == 1.0
    assert abs(out[101, 0]) < abs(quiet[101, 0]) / 4
    assert np.array_equal(out[5000:], quiet[5000:])


def test_limiter_keeps_the_balance_of_channels():
    """One gain for all channels: a loud left turns down the right by as much."""
    out = limit(np.float32([[4.0, 1.0]]))
    assert np.array_equal(out, np.float32([[1.0, 0.25]]))


@pytest.mark.parametrize("blocksize", [1, 17, 128])
def test_limiter_does_not_depend_on_blocks(blocksize):
    sound = np.random.default_rng(4).standard_normal((4000, 2)) * np.linspace(0, 2, 4000)[:, None]
    assert np.array_equal(limit(sound, blocksize=blocksize), limit(sound))


def test_meter_reads_a_sine():
    """Peak 0.5 and RMS 0.354 of a sine of amplitude 0.5; afterwards the peak falls by 20 dB in 1.5 s."""
    meter = ffi.new("ap_meter *")
    assert lib.ap_meter_init(meter, 48000.0) == lib.AP_OK
    sine = (0.5 * np.sin(np.arange(96000) * 0.1)).astype(np.float32)
    for at in range(0, 96000, 128):
        lib.ap_meter_process(meter, floats(sine[at : at + 128]), 1, 128)
    assert abs(meter.peak - 0.5) < 1e-3
    assert abs(lib.ap_meter_rms(meter) - 0.5 / np.sqrt(2)) < 2e-3
    silence = np.zeros(72000, np.float32)
    lib.ap_meter_process(meter, floats(silence), 1, 72000)
    assert abs(meter.peak - 0.05) < 1e-3
    assert abs(meter.peak_max - 0.5) < 1e-3


def test_denormals_are_flushed_inside_and_only_inside():
    """Between enter and leave a denormal times one is 0; afterwards the caller's arithmetic is as before."""
    tiny, one = np.full(16, 1e-40, np.float32), np.ones(16, np.float32)
    out, ones = np.empty(16, np.float32), ffi.new("float *[]", [floats(one)])

    def times_one():
        lib.ap_mix_process(ffi.NULL, 1, floats(tiny), floats(one), ones, floats(one), floats(out), 1, 16)
        return out[0]

    assert times_one() > 0
    mode = lib.ap_denormals_enter()
    flushed = times_one()
    lib.ap_denormals_leave(mode)
    assert flushed == 0
    assert times_one() > 0


def carry_on(heard, frames):
    tail = ffi.new("ap_tail *")
    lib.ap_tail_hear(tail, floats(heard), len(heard))
    out = np.empty(frames, np.float32)
    lib.ap_tail_process(tail, floats(out), frames)
    return out


def test_tail_joins_without_a_step():
    """Where a chord and a bright voiced sound stop, at any phase, the next frame is as it would have been: to -60 dB."""
    t = np.arange(4100) / 48000
    chord = sum(np.sin(2 * np.pi * f * t + f) / 3 for f in (220.0, 440.0, 661.0)).astype(np.float32)
    voice = sum(np.sin(2 * np.pi * 180 * k * t + k * k) * np.exp(-k / 8) / 3 for k in range(1, 40)).astype(np.float32)
    for sound in (chord, voice):
        for cut in range(3700, 4000, 7):
            assert np.abs(carry_on(sound[:cut], 1) - sound[cut]).max() < 1e-3


@pytest.mark.parametrize("heard", [np.zeros(300), np.ones(300), np.random.default_rng(6).standard_normal(300),
                                   np.r_[np.zeros(299), 1.0], np.exp(np.arange(300) / 20) / np.exp(15)])
def test_tail_is_finite_and_at_most_twice_what_was_heard(heard):
    heard = heard.astype(np.float32)
    out = carry_on(heard, 8000)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 2 * np.abs(heard).max()
