"""ap_filter: the two-pole that moves, alone; and on the voice's way through ap_block, with the sends behind it."""

import numpy as np
import pytest
from kernel_rig import Rig

from antiphon.block import BlockSpec
from antiphon.kernels import KernelError, ffi, lib
from antiphon.latency import Timeline
from antiphon.layout import Segment, SegmentSpec

RATES = (8000, 44100, 48000, 192000)
KINDS = {"lowpass": lib.AP_FILTER_LOWPASS, "highpass": lib.AP_FILTER_HIGHPASS}
OFF = {"lowpass": 20000.0, "highpass": 20.0}
FADE = 240


def made(kind, hz, resonance=0.0, rate=48000, fade=FADE):
    f = ffi.new("ap_filter *")
    assert lib.ap_filter_init(f, KINDS[kind], rate, hz, resonance, fade) == lib.AP_OK
    return f


def process(f, sound, blocksize=None):
    out = np.array(sound, np.float32)
    for at in range(0, len(out), blocksize or len(out)):
        part = out[at : at + (blocksize or len(out))]
        lib.ap_filter_process(f, ffi.from_buffer("float *", part), len(part))
    return out


def response(kind, hz, resonance, rate, at):
    """What the filter does to tones `at` Hz: complex gains, out of its impulse response."""
    count = int(rate / min(hz, 0.05 * rate) * 40 * 2 ** (3.5 * resonance - 3.5)) + 64  # until it has rung off by 100 dB
    impulse = process(made(kind, hz, resonance, rate), np.r_[1.0, np.zeros(count)]).astype(float)
    t = np.arange(count + 1)
    return np.array([impulse @ np.exp(-2j * np.pi * f / rate * t) for f in at])


def analytic(kind, w, resonance):
    q = 2 ** (3.5 * resonance - 0.5)
    low = 1 / (1 - w * w + 1j * w / q)
    return low if kind == "lowpass" else -w * w * low


def db(gain):
    return 20 * np.log10(np.abs(gain))


def settings(rate):
    return [hz for hz in (40.0, 300.0, 1000.0, 3400.0, 9000.0, 19000.0) if hz < 0.44 * rate]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resonance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("rate", RATES)
def test_response_is_that_of_the_two_pole(rate, resonance, kind):
    """Within 0.02 dB of the two-pole on the bent axis of trapezoidal integrators, down to -80 dB; below
    rate / 20 within 0.2 dB of the analog one."""
    for hz in settings(rate):
        at = np.geomspace(max(hz / 30, 2.0), min(hz * 30, 0.48 * rate), 60)
        got = response(kind, hz, resonance, rate, at)
        bent = analytic(kind, np.tan(np.pi * at / rate) / np.tan(np.pi * hz / rate), resonance)
        assert np.abs(db(got) - db(bent))[db(bent) > -80].max() < 0.02
        if hz < rate / 20:
            slow = at < rate / 20
            assert np.abs(db(got) - db(analytic(kind, at / hz, resonance)))[slow].max() < 0.2


def test_the_measure_above_would_find_another_cutoff_and_another_resonance():
    """Negative control: half a semitone beside it, or a tenth less resonance, is 0.2 dB out."""
    at = np.geomspace(100, 10000, 60)
    got = db(response("lowpass", 1000.0, 0.5, 48000, at))
    assert np.abs(got - db(analytic("lowpass", at / 1000 / 2 ** (50 / 1200), 0.5))).max() > 0.2
    assert np.abs(got - db(analytic("lowpass", at / 1000, 0.4))).max() > 0.2


def cents_out(hz, rate):
    """How far the cutoff is from `hz`: there the phase is a quarter turn."""
    odd = 1 / response("lowpass", hz, 1.0, rate, [hz])[0]
    real = np.tan(np.pi * hz / rate) / np.sqrt(1 - odd.real)
    return abs(1200 * np.log2(np.arctan(real) * rate / np.pi / hz))


@pytest.mark.parametrize("rate", RATES)
def test_cutoff_is_within_a_tenth_of_a_cent(rate):
    assert max(cents_out(hz, rate) for hz in [*settings(rate), 0.445 * rate if rate < 44500 else 19999.0]) < 0.1


def test_butterworth_without_resonance_and_18_db_with_all_of_it():
    """3 dB down at the cutoff at 0, up by 18 dB at 1, and even in dB between."""
    peaks = [db(response("lowpass", 1000.0, r, 48000, [1000.0]))[0] for r in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.allclose(peaks, np.linspace(-3.01, 18.06, 5), atol=0.02)


@pytest.mark.parametrize("rate", RATES)
def test_cutoff_is_held_below_nyquist(rate):
    """A low-pass that the rate has no room for stands at 0.45 of the rate."""
    hz = min(19900.0, 0.49 * rate)
    held = db(response("lowpass", hz, 0.0, rate, [min(hz, 0.45 * rate)]))
    assert abs(held[0] + 3.01) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_off_is_transparent_bit_for_bit(kind):
    """From the start, and again fade_frames after the cutoff has arrived there; until then it is not."""
    noise = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    f = made(kind, OFF[kind], 0.7)
    assert np.array_equal(process(f, noise), noise)
    lib.ap_filter_cutoff(f, 1000.0, 100)
    assert (process(f, noise) != noise).all()
    lib.ap_filter_cutoff(f, OFF[kind], 1000)
    out = process(f, noise)
    assert np.array_equal(out[1000 + FADE - 1 :], noise[1000 + FADE - 1 :])
    assert (out[: 1000 + FADE - 2] != noise[: 1000 + FADE - 2]).mean() > 0.99
    assert np.array_equal(process(f, noise), noise)


@pytest.mark.parametrize("kind, beyond", [("lowpass", 5e5), ("highpass", 0.0)])
def test_beyond_off_is_off_and_moving_there_changes_nothing(kind, beyond):
    noise = np.random.default_rng(0).uniform(-1, 1, 3000).astype(np.float32)
    f = made(kind, beyond)
    lib.ap_filter_cutoff(f, OFF[kind], 500)
    lib.ap_filter_resonate(f, 1.0, 700)
    assert np.array_equal(process(f, noise), noise)
    assert f.resonance.value == 1.0


def test_a_sweep_is_even_in_octaves():
    """Half way in time is half way in octaves: the peak is there."""
    f = made("lowpass", 200.0, 1.0)
    lib.ap_filter_cutoff(f, 3200.0, 4000)
    process(f, np.zeros(2000))
    assert abs(2**f.octave.value - 800) < 1e-6
    process(f, np.zeros(2000))
    assert abs(2**f.octave.value - 3200) < 1e-6



SWEEPS = {"lowpass": (100, 5000, 20, 19000, 20000), "highpass": (3000, 200, 8000, 20)}


def swept(kind, tone, ramp, resonance=0.0):
    f, out = made(kind, OFF[kind], resonance), []
    for n, to in enumerate(SWEEPS[kind]):
        lib.ap_filter_cutoff(f, to, ramp)
        out.append(process(f, tone[n * 6000 : (n + 1) * 6000]))
    return np.concatenate(out)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ramp", [480, 2400, 5999])
@pytest.mark.parametrize("hz", [60.0, 440.0, 3000.0])
def test_a_sweep_makes_no_click(hz, ramp, kind):
    """From off through all of the range and back to off: no step of the output is larger than the tone's own and 5 percent, and
    the tone's height (0.5) spread over the 5 ms of the fade and over a quarter of the sweep."""
    tone = (0.5 * np.sin(2 * np.pi * hz / 48000 * np.arange(30000) + 1)).astype(np.float32)
    own = np.abs(np.diff(tone)).max()
    assert np.abs(np.diff(swept(kind, tone, ramp))).max() <= own * 1.05 + 0.5 / FADE + 0.5 * 4 / ramp


def test_a_bare_switch_would_have_clicked():
    """Negative control for the test above: from the filtered tone straight to the tone is far beyond its bound."""
    tone = (0.5 * np.sin(2 * np.pi * 60 / 48000 * np.arange(6000) + 1)).astype(np.float32)
    filtered = process(made("highpass", 30.0), tone)
    worst = max(abs(filtered[n - 1] - tone[n]) for n in range(4000, 6000))
    assert worst > 10 * (np.abs(np.diff(tone)).max() * 1.05 + 0.5 / FADE)


def wild(kind, rate, seed, sound, blocksize=None):
    """`sound` through movements as wild as can be, resonance 1 among them."""
    rng = np.random.default_rng(seed)
    f, out, at = made(kind, 1000.0, 1.0, rate), [], 0
    while at < len(sound):
        lib.ap_filter_cutoff(f, 20 * 1000 ** rng.uniform(-0.1 * (kind == "highpass"), 1 + 0.1 * (kind == "lowpass")) if rng.random()
                             < 0.8 else rng.choice([20.0, 20000.0]), int(rng.choice([0, 1, 7, 200])))
        lib.ap_filter_resonate(f, rng.choice([0.0, 1.0, rng.random()]), int(rng.choice([0, 1, 50])))
        n = int(rng.integers(1, 120))
        out.append(process(f, sound[at : at + n], blocksize))
        at += n
    return f, np.concatenate(out)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", RATES)
def test_no_movement_makes_it_unstable(rate, kind):
    """Full-scale noise under wild movement, from end to end in no time and at resonance 1, stays finite and below 20."""
    noise = np.random.default_rng(1).uniform(-1, 1, 40000).astype(np.float32)
    _, out = wild(kind, rate, 2, noise)
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", RATES)
def test_what_it_remembers_never_grows_in_silence(rate, kind):
    """With nothing going in, s1^2 + s2^2 falls under any movement: the reason for the test above."""
    rng = np.random.default_rng(3)
    f = made(kind, 1000.0, 1.0, rate, fade=1)
    process(f, rng.uniform(-1, 1, 500))
    held = [f.s1**2 + f.s2**2]
    assert held[0] > 0
    for _ in range(3000):
        lib.ap_filter_cutoff(f, 21 * 900 ** rng.random(), int(rng.choice([0, 1, 7])))
        lib.ap_filter_resonate(f, rng.choice([0.0, 1.0]), 0)
        process(f, np.zeros(1))
        held.append(f.s1**2 + f.s2**2)
    assert (np.diff(held) <= 1e-14 * held[0]).all()
    assert held[-1] < held[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocksize", [1, 17, 63, 65])
def test_cutting_into_blocks_changes_nothing(blocksize, kind):
    noise = np.random.default_rng(4).uniform(-1, 1, 20000).astype(np.float32)
    assert np.array_equal(wild(kind, 48000, 5, noise, blocksize)[1], wild(kind, 48000, 5, noise)[1])


@pytest.mark.parametrize("rate, hz, resonance, fade", [
    (48000, 19.0, 0, 1), (48000, np.nan, 0, 1), (48000, np.inf, 0, 1), (48000, 99, 1.1, 1), (48000, 99, np.nan, 1),
    (7999, 99, 0, 1), (np.nan, 99, 0, 1), (48000, 99, 0, 0)])
def test_unusable_settings_are_refused(rate, hz, resonance, fade):
    assert lib.ap_filter_init(ffi.new("ap_filter *"), lib.AP_FILTER_LOWPASS, rate, hz, resonance, fade) == lib.AP_ERR_VALUE


# ---- on the voice's way through a block ----

NOISE = np.random.default_rng(6).uniform(-0.25, 0.25, 16000).astype(np.float32)
SENDS = range(lib.AP_TARGET_SEND, lib.AP_TARGETS)


def rig_with(voice=NOISE, **config):
    rig = Rig(**{"dry_gain": 0.0, "fade_frames": FADE, "voice_frames": 1 << 15, **config})
    rig.voice.write(voice)
    rig.open(0)
    return rig


def test_the_voice_is_filtered_by_both_and_by_nothing_else():
    """Low-pass then high-pass, bit for bit what the two alone make of the voice; its meter shows it unfiltered."""
    rig, twin = rig_with(lowpass_hz=2000.0, highpass_hz=300.0, resonance=0.6), rig_with()
    plain = twin.play_all(12000, 128)
    once = process(made("lowpass", 2000.0, 0.6), plain)
    assert np.array_equal(rig.play_all(12000, 128), process(made("highpass", 300.0, 0.6), once))
    assert rig.counters.voice_rms == twin.counters.voice_rms > 0.1


def test_the_dry_sound_is_never_filtered():
    """No voice: with all filters on and moving and the sends closed, the output is the input bit for bit."""
    rig = rig_with(voice=np.zeros(9000, np.float32), dry_gain=1.0, lowpass_hz=200.0, highpass_hz=100.0, resonance=1.0,
                   send_gain=(0.0,) * 8, in_channels=2, out_channels=2)
    rig.command(lib.AP_TARGET_LOWPASS, 5000.0, ramp=3000, frame=1000)
    sound = np.random.default_rng(7).uniform(-0.9, 0.9, (8000, 2)).astype(np.float32)
    assert np.array_equal(rig.play_all(8000, 128, sound), sound)


@pytest.mark.parametrize("target, value", [(lib.AP_TARGET_LOWPASS, 500.0), (lib.AP_TARGET_HIGHPASS, 500.0),
                                           (lib.AP_TARGET_RESONANCE, 1.0), (lib.AP_TARGET_SEND, 0.5)])
@pytest.mark.parametrize("ramp", [0, 300])
@pytest.mark.parametrize("frame", [1000, 1024, 1027])
def test_a_command_changes_nothing_before_its_frame(frame, ramp, target, value):
    """Not one bit before, something on the frame itself or the next."""
    config = {"lowpass_hz": 3000.0} if target == lib.AP_TARGET_RESONANCE else {}
    rig, twin = rig_with(**config), rig_with(**config)
    rig.command(target, value, ramp=ramp, frame=frame)
    out, plain = rig.play_all(2048, 128), twin.play_all(2048, 128)
    assert np.array_equal(out[:frame], plain[:frame])
    assert (out[frame : frame + 2] != plain[frame : frame + 2]).any()
    assert (out[frame + 10 :] != plain[frame + 10 :]).mean() > 0.99
    assert rig.counters.commands == 1


def session(blocksize, out_channels=2, seed=8, frames=10000):
    """Voice and input under many commands at all targets, filters and sends among them; 0.3 to 20 ms apart."""
    rng = np.random.default_rng(seed)
    rig = rig_with(delay=300, dry_gain=0.7, in_channels=2, out_channels=out_channels)
    values = {lib.AP_TARGET_LOWPASS: (20000.0, 300.0, 4000.0, 20.0), lib.AP_TARGET_HIGHPASS: (20.0, 700.0, 0.0, 6000.0),
              lib.AP_TARGET_RESONANCE: (0.0, 0.5, 1.0), lib.AP_TARGET_VOICE: (1.0, 0.4), lib.AP_TARGET_SILENCE: (100.0, 700.0),
              **{send: (0.0, 1.0, 1.0, 0.3) for send in SENDS}}
    frame = 0
    for _ in range(60):
        frame += int(rng.integers(0, 350))
        target = int(rng.choice(list(values)))
        rig.command(target, float(rng.choice(values[target])), ramp=int(rng.choice([0, 1, 77, 400])), frame=frame)
    return rig.play_all(frames, blocksize, rng.uniform(-0.3, 0.3, (frames, 2)).astype(np.float32))


@pytest.mark.parametrize("blocksize", [1, 17, 128])
@pytest.mark.parametrize("out_channels, seed", [(1, 8), (2, 9), (2, 10), (10, 11)])
def test_block_size_changes_nothing(out_channels, seed, blocksize):
    """The same bits in blocks of 1, 17, 128 and 4096, whatever moves; another seed's are others."""
    whole = session(4096, out_channels, seed)
    assert np.array_equal(session(blocksize, out_channels, seed), whole)
    assert not np.array_equal(session(4096, out_channels, seed + 100), whole)


def test_off_and_at_rest_costs_no_bit():
    """After filters and sends have moved and come back, the output is what it would have been: filters off, sends 1."""
    rig, twin = rig_with(out_channels=2), rig_with(out_channels=2)
    for target, away, back in ((lib.AP_TARGET_LOWPASS, 900.0, 20000.0), (lib.AP_TARGET_HIGHPASS, 400.0, 20.0),
                               (lib.AP_TARGET_SEND, 0.2, 1.0)):
        rig.command(target, away, ramp=50, frame=500)
        rig.command(target, back, ramp=1000, frame=1000)
    out, plain = rig.play_all(6000, 128), twin.play_all(6000, 128)
    settled = 2000 + FADE
    assert np.array_equal(out[settled:], plain[settled:])
    assert not np.array_equal(out[settled - 2 * FADE : settled], plain[settled - 2 * FADE : settled])


def test_each_send_is_the_voice_in_its_output_alone():
    """The first eight outputs have gains of their own, exactly; those beyond have 1; the dry sound has nothing to do with them."""
    gains = (0.0, 0.25, 0.5, 1.0, 2.0, 0.125, 4.0, 0.75)
    rig = rig_with(out_channels=10, dry_gain=1.0, send_gain=gains, ceiling=1.0)
    out = rig.play_all(3000, 128)
    plain = rig_with().play_all(3000, 128)
    for k in range(10):
        assert np.array_equal(out[:, k], np.float32((*gains, 1.0, 1.0)[k]) * plain)


def test_a_send_moves_on_a_straight_line_of_its_own():
    rig, plain = rig_with(out_channels=3), rig_with().play_all(2000, 128)
    rig.command(lib.AP_TARGET_SEND + 1, 0.5, ramp=200, frame=1000)
    out = rig.play_all(2000, 128)
    line = np.r_[np.ones(1000), 1 - 0.5 * np.arange(1, 201) / 200, np.full(800, 0.5)]
    assert np.allclose(out[:, 1], plain * line, atol=1e-7)
    assert np.array_equal(out[:, 0], plain)
    assert np.array_equal(out[:, 2], plain)


def test_a_send_without_an_output_is_taken_and_changes_nothing():
    """A preset for eight outputs plays on two."""
    rig = rig_with(out_channels=2)
    rig.command(lib.AP_TARGET_SEND + 7, 0.0)
    out = rig.play_all(2000, 128)
    assert np.array_equal(out, rig_with(out_channels=2).play_all(2000, 128))
    assert (rig.counters.commands, rig.counters.commands_refused) == (1, 0)


@pytest.mark.parametrize("target, value", [
    (lib.AP_TARGET_LOWPASS, 19.9), (lib.AP_TARGET_LOWPASS, float("nan")), (lib.AP_TARGET_LOWPASS, float("inf")),
    (lib.AP_TARGET_HIGHPASS, -1.0), (lib.AP_TARGET_HIGHPASS, 20000.1), (lib.AP_TARGET_HIGHPASS, float("nan")),
    (lib.AP_TARGET_RESONANCE, -0.1), (lib.AP_TARGET_RESONANCE, 1.1), (lib.AP_TARGET_RESONANCE, float("nan")),
    (lib.AP_TARGET_SEND, -0.1), (lib.AP_TARGET_SEND + 7, 100.1), (lib.AP_TARGET_SEND + 3, float("nan")), (lib.AP_TARGETS, 1.0)])
def test_unusable_values_are_refused_and_counted(target, value):
    """And nothing of them is heard; the values at the ends of the ranges are taken."""
    rig = rig_with()
    rig.command(target, value)
    assert np.array_equal(rig.play_all(1000, 128), rig_with().play_all(1000, 128))
    assert (rig.counters.commands_refused, rig.counters.commands) == (1, 0)


def test_the_ends_of_the_ranges_are_taken():
    rig = rig_with()
    ends = [(lib.AP_TARGET_LOWPASS, 20.0), (lib.AP_TARGET_LOWPASS, 20000.0), (lib.AP_TARGET_HIGHPASS, 0.0),
            (lib.AP_TARGET_HIGHPASS, 20000.0), (lib.AP_TARGET_RESONANCE, 0.0), (lib.AP_TARGET_RESONANCE, 1.0),
            *((send, gain) for send in SENDS for gain in (0.0, 100.0))]
    for target, value in ends:
        rig.command(target, value)
    rig.play(128)
    assert (rig.counters.commands_refused, rig.counters.commands) == (0, len(ends))


def test_panic_silences_a_ringing_filter_too():
    """The silence lies behind the filter: nothing rings on through it."""
    rig = rig_with(lowpass_hz=60.0, resonance=1.0)
    rig.play_all(2048, 128)
    rig.command(lib.AP_TARGET_SILENCE, 3000, frame=2100)
    assert not rig.play_all(2048, 128)[2100 - 2048 :].any()


def test_reset_forgets_what_rang():
    """While no callback runs: what the filter held is gone, its settings stay."""
    rig = rig_with(lowpass_hz=60.0, resonance=1.0)
    rig.command(lib.AP_TARGET_HIGHPASS, 100.0, ramp=100000, frame=100)
    assert rig.play_all(2048, 128).any()
    rig.block.reset()
    rig.close()
    assert not rig.play_all(512, 128).any()


@pytest.mark.parametrize("field, value", [("lowpass_hz", 19.0), ("lowpass_hz", float("nan")), ("highpass_hz", 20001.0),
                                          ("resonance", 2.0), ("send_gain", (1.0,) * 7 + (101.0,)), ("send_gain", (1.0,) * 7)])
def test_bad_configs_are_refused(field, value):
    with pytest.raises(KernelError):
        Rig(**{field: value})


def test_a_block_begins_as_its_spec_says_in_this_process_and_in_another():
    """BlockSpec's fields reach the callback; written as JSON and read back it is the same spec."""
    segment = Segment.create(SegmentSpec(48000, 1, 2, 3), Timeline(48000, 128, 0))
    try:
        spec = BlockSpec(segment, 128, lowpass=900.0, highpass=50.0, resonance=0.25, sends=(0.5, 0.0, *(1.0,) * 6))
        read = BlockSpec.from_json(spec.as_json())
        assert (read.lowpass, read.highpass, read.resonance, read.sends) == (900.0, 50.0, 0.25, (0.5, 0.0, *(1.0,) * 6))
        plain = BlockSpec(segment, 128)
        assert (plain.lowpass, plain.highpass, plain.resonance, plain.sends) == (20000.0, 20.0, 0.0, (1.0,) * 8)
        with pytest.raises(KernelError):
            BlockSpec(segment, 128, lowpass=5.0).make()
        read.make()
        read.segment.close()
    finally:
        segment.unlink()
