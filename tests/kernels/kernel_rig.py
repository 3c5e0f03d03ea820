"""What the kernel tests share: a segment in private memory with a block on it, and a way to compile C."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from antiphon.kernels import Block, Command, CommandQueue, Mailbox, Ring, allocate, check, ffi, lib

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels"
SOURCES = sorted((KERNELS / "src").glob("*.c"))
CFLAGS = (KERNELS / "CFLAGS").read_text().split()


class Rig:
    """One segment and one block; the test plays worker, control thread and device."""

    def __init__(self, samplerate=48000, in_channels=1, out_channels=1, delay=0, mic_frames=1 << 16, voice_frames=1 << 14,
                 tape_frames=1 << 12, **block):
        config = ffi.new("ap_segment_config *", {
            "samplerate": samplerate, "in_channels": in_channels, "out_channels": out_channels, "params": 4, "status": 4,
            "commands": 1024, "mic_frames": mic_frames, "voice_frames": voice_frames,
            "tape_frames": tape_frames, "journal_words": 1 << 10})
        self.memory = allocate(lib.ap_segment_sizeof(config), "segment")
        self.segment = ffi.cast("ap_segment *", ffi.from_buffer(self.memory))
        check(lib.ap_segment_init(self.segment, self.memory.size, config, 1), "segment")
        lib.ap_segment_set_delay_frames(self.segment, delay)
        self.mic = Ring(pointer=lib.ap_segment_mic(self.segment))
        self.voice = Ring(pointer=lib.ap_segment_voice(self.segment))
        self.tape = {name: Ring(pointer=getattr(lib, f"ap_segment_tape_{name}")(self.segment)) for name in ("dry", "voice", "mix")}
        self.params = Mailbox(pointer=lib.ap_segment_params(self.segment))
        self.commands = CommandQueue(pointer=lib.ap_segment_commands(self.segment))
        self.in_channels, self.out_channels, self.config = in_channels, out_channels, block
        self.block = Block(self.segment, **block)

    def play(self, frames, sound=None, flags=0):
        """One block of `frames`, silence in unless `sound` is given; the output, (frames,) where it is mono."""
        sound = np.zeros((frames, self.in_channels), np.float32) if sound is None else sound
        out = np.full((frames, self.out_channels), np.nan, np.float32)
        self.block.process(sound, out, flags)
        return out[:, 0] if self.out_channels == 1 else out

    def play_all(self, frames, blocksize, sound=None):
        """`frames` in blocks of `blocksize`, joined."""
        parts = []
        for at in range(0, frames, blocksize):
            n = min(blocksize, frames - at)
            parts.append(self.play(n, None if sound is None else sound[at : at + n]))
        return np.concatenate(parts)

    def open(self, origin=0):
        return lib.ap_segment_voice_open(self.segment, origin)

    def close(self):
        lib.ap_segment_voice_close(self.segment)

    @property
    def closed(self):
        return bool(lib.ap_segment_voice_closed(self.segment))

    def command(self, target, value, ramp=0, frame=0):
        assert self.commands.push(Command(target, value, ramp, frame))

    @property
    def counters(self):
        c = ffi.new("ap_counters *")
        assert lib.ap_segment_counters(self.segment, c)
        return c


def compile_c(out, *sources, flags=(), cc="cc", link=True):
    """Compile; skip the test, naming the command, where the compiler is missing."""
    command = [cc, "-std=c11", f"-I{KERNELS / 'include'}", f"-I{KERNELS / 'src'}", *flags, *map(str, sources), "-o", str(out)]
    command += ["-pthread", "-lm"] if link else ["-c"]
    if not shutil.which(cc):
        pytest.skip(f"no {cc}; with one this would run: {' '.join(command)}")
    return subprocess.run(command, capture_output=True, text=True)


def sanitized(out, *sources, flags, tries=(("cc",), ("clang",))):
    """Compile with a sanitizer by the first compiler that has it; skip, naming the command, where none has."""
    for (cc,) in tries:
        done = compile_c(out, *sources, flags=["-O1", "-g", *flags], cc=cc) if shutil.which(cc) else None
        if done and done.returncode == 0:
            return
        if done and "sanitize" not in done.stderr and "tsan" not in done.stderr and "asan" not in done.stderr:
            pytest.fail(done.stderr)
    pytest.skip(f"no compiler with a sanitizer runtime; install gcc or clang, then: cc {' '.join(flags)} "
                f"{' '.join(Path(s).name for s in sources)}")
