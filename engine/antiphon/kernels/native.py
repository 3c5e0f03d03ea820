"""The library of C kernels, opened; and how memory is handed to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import AntiphonError

try:
    from .._kernels import ffi
except ImportError as error:
    raise AntiphonError("the C kernels are not built; run `make kernels` in the checkout, or install the wheel") from error


class KernelError(AntiphonError):
    """A kernel refused its arguments or its memory."""


def _open():
    found = sorted(Path(__file__).parents[1].glob("_libkernels*.so"))
    if not found:
        raise AntiphonError("the C kernels are not built; run `make kernels` in the checkout, or install the wheel")
    return ffi.dlopen(str(found[0]))


lib = _open()


def check(status: int, what: str) -> None:
    """Raise KernelError, naming `what`, unless `status` is AP_OK."""
    if status != lib.AP_OK:
        raise KernelError(f"{what}: {ffi.string(lib.ap_status_text(status)).decode()}")


def allocate(size: int, what: str) -> np.ndarray:
    """Give `size` zeroed bytes aligned as every kernel wants them, uint8; KernelError if `size` is 0 (a refused config)."""
    if not size:
        raise KernelError(f"{what}: an argument is out of range")
    memory = np.zeros(size + lib.AP_ALIGN, np.uint8)
    start = -memory.ctypes.data % lib.AP_ALIGN
    return memory[start : start + size]


def floats(array: np.ndarray, channels: int, what: str) -> np.ndarray:
    """Interleaved float32 as C wants it: (frames, channels), or (frames,) when mono; copied only if it must be."""
    array = np.ascontiguousarray(array, np.float32)
    if not (array.ndim == 2 and array.shape[1] == channels or array.ndim == 1 == channels):
        raise KernelError(f"{what}: shape {array.shape}, expected (frames, {channels})")
    return array


def float_pointer(array: np.ndarray):
    """A float pointer to an array whose size and type are known to be right."""
    return ffi.from_buffer("float *", array)


def pointer(array: np.ndarray, values: int, what: str, dtype: type = np.float32):
    """A float pointer to exactly `values` contiguous values of `dtype`, for C that trusts its caller; else KernelError."""
    if array.size != values or array.dtype != dtype or not array.flags.c_contiguous:
        raise KernelError(f"{what}: {array.dtype} {array.shape}, expected {values} contiguous {np.dtype(dtype)}")
    return float_pointer(array)
