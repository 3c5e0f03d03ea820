"""The C kernels from Python: thin classes over cffi, one for each kernel.

`ffi` and `lib` come from the headers in kernels/include, which are the reference for every `lib.ap_*` call. The classes
here own aligned memory and take numpy arrays; each call releases the GIL. Nothing here belongs on the audio thread:
that one runs `lib.ap_block_process`, `lib.ap_portaudio` or `lib.ap_timed` and no Python.
"""

from .native import KernelError, allocate, check, ffi, lib, pointer
from .rings import Block, Command, CommandQueue, Mailbox, Ring, Timed
from .sound import Fft, Resampler, Spectrum, Trellis, Voice, tail

__all__ = [
    "Block", "Command", "CommandQueue", "Fft", "KernelError", "Mailbox", "Resampler", "Ring", "Spectrum", "Timed", "Trellis",
    "Voice", "allocate", "check", "ffi", "lib", "pointer", "tail",
]  # fmt: skip
