"""Give cffi the kernels' headers as they are: preprocessor lines and the mark AP_RT are all that is dropped."""

import re
from pathlib import Path

from cffi import FFI

HEADERS = ("base", "ring", "mailbox", "command", "resample", "smooth", "mix", "filter", "tail", "segment", "block", "portaudio", "timed", "bank",
           "fft", "spectrum", "rvq", "timbre", "voice", "trellis", "hearing", "quotes")

ffibuilder = FFI()
for name in HEADERS:
    text = (Path(__file__).resolve().parent / "include" / f"ap_{name}.h").read_text(encoding="utf-8")
    ffibuilder.cdef(re.sub(r"^[ \t]*#.*$|\bAP_RT\b", "", text, flags=re.M))
ffibuilder.set_source("antiphon._kernels", None)  # ABI mode: a Python module that describes antiphon._libkernels
