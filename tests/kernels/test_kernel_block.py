"""ap_block: one block of sound, as every driver calls it. The test is device, worker and control thread at once."""

import numpy as np
import pytest
from kernel_rig import Rig

from antiphon.kernels import Block, KernelError, ffi, lib

FADE = 48


def ramp(frames, first=1):
    """A voice whose value names its frame: frame p is (first + p) / 2^15, never zero, never limited."""
    return (np.arange(first, first + frames) / 32768).astype(np.float32)


def sung(frames, hz=196.0, partials=11):
    """A bright held note, as loud as it may be, 48 kHz; a pure tone where `partials` is 1."""
    t = np.arange(frames) / 48000
    return (sum(np.sin(2 * np.pi * hz * k * t + k) / k for k in range(1, partials + 1)) * 0.45).astype(np.float32)


VOICES = {
    "bright": sung(20000),
    "tone": sung(20000, 441.0, 1),
    "low": sung(20000, 61.0, 2),
    "beating": (sung(20000, 440.0, 1) + sung(20000, 470.0, 1)),
    "high": sung(20000, 3000.0, 2),
}


def test_idle_block_passes_the_input_and_fills_the_mic_ring():
    """Closed voice: the output is the input bit for bit, the mic ring has it too, nothing counts as missing."""
    rig = Rig(in_channels=2, out_channels=2)
    sound = np.random.default_rng(0).uniform(-1, 1, (512, 2)).astype(np.float32)
    out = rig.play_all(512, 100, sound)
    assert np.array_equal(out, sound)
    assert np.array_equal(rig.mic.read(512), sound)
    c = rig.counters
    assert (c.blocks, c.frames, c.underflows, c.underflow_frames) == (6, 512, 0, 0)


def test_missing_buffers_are_silence_and_nobody():
    """No input buffer: silence is heard and counted. No output buffer: the clock still runs."""
    rig = Rig()
    out = np.ones((64, 1), np.float32)
    rig.block.process(None, out)
    assert not out.any()
    lib.ap_block_process(rig.block.pointer, ffi.NULL, ffi.NULL, 32, 0)
    assert rig.counters.inputs_missing == 2
    assert rig.mic.written == 96


def test_in_place_is_allowed():
    """Input and output in one buffer, as some devices do it."""
    rig = Rig()
    data = ramp(300)[:, None].copy()
    rig.block.process(data, data)
    assert np.array_equal(data[:, 0], ramp(300))


@pytest.mark.parametrize("blocksize", [1, 17, 64, 128, 960, 3000])
def test_voice_is_heard_on_its_frame(blocksize):
    """Ring position p is heard beside input frame p + origin + delay, to the frame, whatever the block size."""
    rig = Rig(delay=1000, fade_frames=FADE, dry_gain=0.0)
    rig.voice.write(ramp(4000))
    assert rig.open(origin=37) == lib.AP_OK
    out = rig.play_all(4500, blocksize)
    assert not out[:1037].any()
    assert np.array_equal(out[1037 + FADE : 4500], ramp(4000)[FADE : 4500 - 1037])
    gain = out[1037 : 1037 + FADE] / ramp(FADE)
    assert (np.diff(gain) > 0).all()
    assert gain[0] < 0.01
    assert rig.counters.underflows == 0


def test_a_late_hop_is_skipped_into_time():
    """Frames that came too late are dropped, counted, and what follows is heard on its own frame again."""
    rig = Rig(fade_frames=FADE, dry_gain=0.0)
    voice = ramp(10000)
    rig.voice.write(voice[:960])
    rig.open(0)
    heard = [rig.play(128) for _ in range(10)]  # 1280 frames: 320 missing
    rig.voice.write(voice[960:6000])
    heard += [rig.play(128) for _ in range(20)]
    out = np.concatenate(heard)
    c = rig.counters
    assert (c.underflows, c.underflow_frames, c.skipped_frames) == (1, 320, 320)
    assert np.array_equal(out[1280 + FADE :], voice[1280 + FADE : 128 * 30])
    assert c.voice_frames == 128 * 30 - 320


def test_drips_do_not_stutter():
    """While frames come in drips smaller than a block the voice stays away: one gap, one fade back."""
    rig = Rig(fade_frames=FADE, dry_gain=0.0)
    rig.voice.write(ramp(256))
    rig.open(0)
    outs = []
    for n in range(12):
        if 2 < n < 8:
            rig.voice.write(ramp(50, 9000))
        if n == 8:
            rig.voice.write(ramp(3000, 9000))
        outs.append(rig.play(128))
    assert not np.concatenate(outs[3:8]).any()
    assert np.concatenate(outs[9:]).all()
    assert rig.counters.underflows == 1


@pytest.mark.parametrize("blocksize", [1, 64, 100, 960])
def test_a_longer_delay_moves_what_follows_and_loses_nothing(blocksize):
    """Raised while the voice sounds: it fades, waits, and goes on with the frame after the last it took, at its new place."""
    rig = Rig(delay=100, fade_frames=FADE, dry_gain=0.0)
    voice = VOICES["tone"]
    rig.voice.write(voice[:9000])
    rig.open(0)
    before = rig.play_all(1920, blocksize)
    lib.ap_segment_set_delay_frames(rig.segment, 100 + 240)
    after = rig.play_all(3000, blocksize)
    c = rig.counters
    taken = min(blocksize, FADE)  # of the block in which the fade began; the rest of the fade is predicted
    back = 240 + taken
    assert not after[FADE:back].any()
    assert np.array_equal(after[back + FADE :], voice[1920 - 340 + back + FADE : 1920 - 340 + 3000])
    assert (c.underflows, c.skipped_frames, c.voice_frames) == (0, 0, 1920 - 340 + 3000)
    out = np.concatenate((before, after))[200:]
    assert np.abs(np.diff(out)).max() <= np.abs(np.diff(voice)).max() + 0.5 / FADE * np.pi / 2


@pytest.mark.parametrize("late", [100, 200, 300])
def test_a_longer_delay_after_a_late_hop_skips_only_what_it_does_not_cover(late):
    """Raised while the voice is away: frames that the new delay covers are all heard, each on its new place."""
    rig = Rig(delay=0, fade_frames=FADE, dry_gain=0.0)
    voice = VOICES["bright"]
    rig.voice.write(voice[:960])
    rig.open(0)
    rig.play_all(960 + late, 20)
    lib.ap_segment_set_delay_frames(rig.segment, 200)
    rig.voice.write(voice[960:6000])
    out = rig.play_all(2000, 20)
    begins = max(200 - late, 0)
    assert not out[:begins].any()
    assert np.array_equal(out[begins + FADE :], voice[960 + late - 200 + begins + FADE :][: 2000 - begins - FADE])
    assert rig.counters.skipped_frames == max(late - 200, 0)
    assert rig.counters.underflows == 1


@pytest.mark.parametrize("blocksize", [32, 64, 128, 512])
@pytest.mark.parametrize("cut", range(2000, 2120, 13))
@pytest.mark.parametrize("kind", VOICES)
def test_running_short_makes_no_click(kind, blocksize, cut):
    """Wherever the voice is cut off, no step of the output is larger than the voice's own steps; nor on coming back."""
    rig = Rig(fade_frames=240, dry_gain=0.0)
    voice = VOICES[kind]
    rig.voice.write(voice[:cut])
    rig.open(0)
    out = [rig.play_all(4096, blocksize)]
    rig.voice.write(voice[cut:15000])
    out.append(rig.play_all(4096, blocksize))
    out = np.concatenate(out)
    own, own_bend = np.abs(np.diff(voice)).max(), np.abs(np.diff(voice, 2)).max()
    assert np.abs(np.diff(out)).max() <= own * 1.1
    assert np.abs(np.diff(out, 2)).max() <= own_bend * 1.1 + 0.002  # a slow voice bends less than its own fade does
    assert rig.counters.underflows == 1
    assert not out[cut + 240 : 4096].any()


def test_a_bare_cut_would_have_clicked():
    """Negative control for the test above: the same voice simply stopped makes a step three times its own."""
    voice = sung(20000)
    cut = 2000 + int(np.abs(voice[2000:2120]).argmax())
    bare = np.r_[voice[:cut], np.zeros(500)]
    assert np.abs(np.diff(bare)).max() > 3 * np.abs(np.diff(voice)).max()


@pytest.mark.parametrize("blocksize", [48, 128])
def test_closing_fades_and_acknowledges(blocksize):
    """Closed from outside: no click, the rest is dropped, then the voice may be opened with a new origin, in time."""
    rig = Rig(fade_frames=240, dry_gain=0.0)
    voice = sung(16000)
    rig.voice.write(voice[:9000])
    rig.open(0)
    before = rig.play_all(blocksize * 20, blocksize)
    rig.close()
    assert not rig.closed
    assert rig.open(5) == lib.AP_ERR_BUSY
    after = rig.play_all(blocksize * 20, blocksize)
    out = np.concatenate([before, after])
    assert np.abs(np.diff(out)).max() <= np.abs(np.diff(voice)).max() * 1.02
    assert rig.closed
    assert rig.voice.readable == 0
    assert rig.counters.underflows == 0
    clock = lib.ap_segment_clock(rig.segment)
    assert rig.open(clock + 100 - rig.voice.written) == lib.AP_OK
    rig.voice.write(ramp(2000))
    out = rig.play_all(1200, blocksize)
    assert not out[:100].any()
    assert np.array_equal(out[100 + 240 :], ramp(2000)[240:1100])


def test_a_closed_voice_drops_what_is_written_to_it():
    rig = Rig()
    rig.voice.write(ramp(500))
    rig.play(64)
    assert rig.voice.readable == 0
    assert rig.closed


def test_full_mic_ring_is_counted_and_stops_the_clock():
    """No room: the rest of the block is dropped and counted; when there is room again time goes on without a click."""
    rig = Rig(mic_frames=256, fade_frames=32, dry_gain=0.0, voice_frames=1 << 14)
    voice = sung(8000)
    rig.voice.write(voice)
    rig.open(0)
    out = [rig.play_all(64 * 8, 64)]
    c = rig.counters
    assert (c.mic_overflows, c.mic_overflow_frames) == (4, 256)
    assert lib.ap_segment_clock(rig.segment) == 256
    for _ in range(20):
        rig.mic.skip(64)
        out.append(rig.play(64))
    out = np.concatenate(out)
    assert np.abs(np.diff(out)).max() <= np.abs(np.diff(voice)).max() * 1.02
    position = lib.ap_segment_clock(rig.segment)
    assert np.array_equal(out[-64:], voice[position - 64 : position])


def test_commands_take_effect_on_their_frame():
    """A gain asked for at a frame changes at that frame, whichever block it falls into, in any order of arrival."""
    rig = Rig()
    rig.command(lib.AP_TARGET_DRY, 0.25, frame=700)
    rig.command(lib.AP_TARGET_DRY, 0.5, frame=333)
    rig.command(lib.AP_TARGET_MASTER, 0.5, frame=1000, ramp=100)
    out = rig.play_all(1280, 128, np.full((1280, 1), 0.5, np.float32))
    assert (out[:333] == 0.5).all()
    assert (out[333:700] == 0.25).all()
    assert (out[700:1000] == 0.125).all()
    assert np.allclose(out[1000:1100], 0.125 * (1 - np.arange(1, 101) / 200))
    assert (out[1100:] == 0.0625).all()
    c = rig.counters
    assert (c.commands, c.commands_late, c.commands_pending) == (3, 0, 0)


def test_commands_for_now_and_for_the_past_apply_at_once():
    rig = Rig()
    rig.play(128)
    rig.command(lib.AP_TARGET_DRY, 0.5)
    rig.command(lib.AP_TARGET_MASTER, 0.5, frame=100)
    assert (rig.play(16, np.full((16, 1), 0.5, np.float32)) == 0.125).all()
    assert rig.counters.commands_late == 1


def test_same_frame_keeps_the_order_of_arrival():
    rig = Rig()
    for value in (0.1, 0.9, 0.5):
        rig.command(lib.AP_TARGET_DRY, value, frame=20)
    assert rig.play(64, np.ones((64, 1), np.float32))[-1] == 0.5


@pytest.mark.parametrize("target, value", [(99, 1.0), (0, -1.0), (0, float("nan")), (1, float("inf")), (2, 101.0), (3, -5.0),
                                           (4, 0.5)])
def test_unusable_commands_are_refused_and_counted(target, value):
    rig = Rig()
    rig.command(target, value)
    assert (rig.play(16, np.ones((16, 1), np.float32)) == 1).all()
    assert rig.counters.commands_refused == 1


def test_a_flood_of_commands_is_taken_in_portions():
    """At most AP_BLOCK_COMMANDS a block are taken and AP_BLOCK_PENDING held; the rest wait in the queue; none is lost."""
    rig = Rig()
    for n in range(1000):
        rig.command(lib.AP_TARGET_DRY, 0.5, frame=100_000 + n)
    rig.play(16)
    assert rig.counters.commands_pending == lib.AP_BLOCK_COMMANDS
    rig.play_all(16 * 50, 16)
    assert rig.counters.commands_pending == lib.AP_BLOCK_PENDING - 1
    rig.play_all(108_000, 500)
    assert rig.counters.commands == 1000


def test_panic_silences_the_voice_for_as_long_as_asked():
    """Faded out over the ramp, silent until `value` frames after the command, then back; the dry path does not care."""
    rig = Rig(fade_frames=FADE)
    rig.voice.write(np.full(8000, 0.25, np.float32))
    rig.open(0)
    rig.play_all(1024, 128)
    rig.command(lib.AP_TARGET_SILENCE, 2000, ramp=50, frame=1100)
    out = rig.play_all(128 * 24, 128, np.full((128 * 24, 1), 0.5, np.float32)) - np.float32(0.5)
    at = 1100 - 1024
    assert (out[:at] == 0.25).all()
    assert (np.diff(out[at : at + 50]) < 0).all()
    assert not out[at + 50 : at + 2000].any()
    assert (out[at + 2000 + FADE :] == 0.25).all()


def test_a_second_panic_extends_the_first():
    rig = Rig(fade_frames=FADE, dry_gain=0.0)
    rig.voice.write(np.full(8000, 0.25, np.float32))
    rig.open(0)
    rig.command(lib.AP_TARGET_SILENCE, 500, frame=100)
    rig.command(lib.AP_TARGET_SILENCE, 1000, frame=400)
    out = rig.play_all(2048, 128)
    assert not out[100:1400].any()
    assert out[1400:].all()
    assert rig.counters.commands == 2


def test_mute_closes_everything():
    rig = Rig()
    rig.command(lib.AP_TARGET_MUTE, 1)
    assert not rig.play(64, np.ones((64, 1), np.float32)).any()
    rig.command(lib.AP_TARGET_MUTE, 0)
    assert rig.play(64, np.ones((64, 1), np.float32)).all()


def test_one_bad_frame_does_not_stick():
    """NaN and Inf in: silence for those samples only, counted; nothing of them in the mic ring, the output or the meters."""
    rig = Rig(in_channels=2, out_channels=2)
    sound = np.full((256, 2), 0.5, np.float32)
    sound[10, 0], sound[11, 1], sound[12, 0] = np.nan, np.inf, -1e30
    out = rig.play_all(256, 64, sound)
    clean = np.where(np.abs(sound) < 1, sound, 0).astype(np.float32)
    assert np.array_equal(out, clean)
    assert np.array_equal(rig.mic.read(256), clean)
    c = rig.counters
    assert c.scrubbed == 3
    assert np.isfinite([c.in_peak, c.in_rms, c.out_peak, c.out_rms, c.limiter_gain]).all()
    rig.voice.write(np.full(500, np.nan, np.float32))
    rig.open(256)
    assert np.isfinite(rig.play(128)).all()


def test_output_never_passes_full_scale():
    rig = Rig(fade_frames=FADE)
    rig.voice.write(sung(4000) * 5)
    rig.open(0)
    out = rig.play_all(3840, 128, (np.random.default_rng(1).standard_normal((3840, 1)) * 4).astype(np.float32))
    assert np.abs(out).max() <= 1.0
    assert rig.counters.limited_frames > 0


@pytest.mark.parametrize("blocksize", [1, 17, 127, 128, 1000])
def test_block_size_changes_nothing(blocksize):
    """The same output bit for bit for every cut into blocks, with voice, commands and limiter at work."""
    def session(n):
        rig = Rig(in_channels=2, out_channels=3, delay=500, fade_frames=FADE)
        rig.voice.write(sung(3000))
        rig.open(0)
        for frame in (100, 777, 1500):
            rig.command(lib.AP_TARGET_VOICE, frame / 1000, ramp=333, frame=frame)
        rng = np.random.default_rng(2)
        return rig.play_all(3000, n, rng.uniform(-1, 1, (3000, 2)).astype(np.float32))

    assert np.array_equal(session(blocksize), session(3000))


def test_flags_and_times_are_counted():
    rig = Rig()
    for flag in (1, 2, 4, 8, 16, 5):
        rig.play(16, flags=flag)
    c = rig.counters
    assert (c.input_underflows, c.input_overflows, c.output_underflows, c.output_overflows, c.primings) == (2, 1, 2, 1, 1)


def test_a_reopened_device_goes_on_counting():
    """A new block on the same segment takes over counters and clock; the voice goes on in time."""
    rig = Rig(fade_frames=FADE, dry_gain=0.0)
    rig.voice.write(ramp(4000))
    rig.open(0)
    rig.play_all(1280, 128)
    rig.block = Block(rig.segment, **rig.config)
    out = rig.play_all(640, 64)
    assert np.array_equal(out[FADE:], ramp(4000)[1280 + FADE : 1920])
    assert (rig.counters.blocks, rig.counters.frames) == (20, 1920)


def test_portaudio_callback_is_the_same_block():
    """ap_portaudio plays what ap_block_process plays, notes the device's times, and always asks to go on."""
    rig, twin = Rig(), Rig()
    sound, out = ramp(128)[:, None].copy(), np.zeros((128, 1), np.float32)
    times = ffi.new("ap_portaudio_times *", {"input_adc": 1.5, "current": 2.5, "output_dac": 3.5})
    callback = ffi.cast("int (*)(const void *, void *, unsigned long, const ap_portaudio_times *, unsigned long, void *)",
                        ffi.addressof(lib, "ap_portaudio"))
    assert callback(ffi.from_buffer(sound), ffi.from_buffer(out), 128, times, 2, rig.block.pointer) == 0
    assert np.array_equal(out[:, 0], twin.play(128, sound))
    c = rig.counters
    assert (c.time_adc, c.time_callback, c.time_dac, c.input_overflows) == (1.5, 2.5, 3.5, 1)
    assert callback(ffi.NULL, ffi.NULL, 64, ffi.NULL, 0, rig.block.pointer) == 0
    assert rig.counters.frames == 192


def test_empty_callback_counts_and_is_silent():
    counts, out = ffi.new("ap_portaudio_counts *", {"out_channels": 2}), np.ones((32, 2), np.float32)
    assert lib.ap_portaudio_empty(ffi.NULL, ffi.from_buffer(out), 32, ffi.NULL, 4, counts) == 0
    assert not out.any()
    assert (counts.blocks, counts.frames, list(counts.flagged)) == (1, 32, [0, 0, 1, 0, 0])


@pytest.mark.parametrize("field, value", [("slice_frames", 0), ("fade_frames", 0), ("dry_gain", -1.0), ("ceiling", 1.5),
                                          ("release_frames", 0.0), ("master_gain", float("nan"))])
def test_bad_configs_are_refused(field, value):
    with pytest.raises(KernelError):
        Rig(**{field: value})


def test_a_segment_knows_when_it_is_not_one():
    """Other magic, other version, a moved part, too little memory: each refused under its own name."""
    rig = Rig()
    size = rig.memory.size

    def status_with(at, size=size):
        if at is not None:
            rig.memory[at] ^= 1
        status = lib.ap_segment_check(rig.segment, size)
        if at is not None:
            rig.memory[at] ^= 1
        return status

    assert status_with(None) == lib.AP_OK
    assert status_with(0) == lib.AP_ERR_MAGIC
    assert status_with(8) == lib.AP_ERR_VERSION
    assert status_with(24) == lib.AP_ERR_LAYOUT
    assert status_with(None, size - 64) == lib.AP_ERR_SIZE


