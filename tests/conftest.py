"""What holds for every test: the processor's treatment of denormals is as it was when the tests began.

ONNX Runtime sets flush-to-zero on the thread that makes a session and leaves it set; the tests that follow would
compute, and draw their examples, in another arithmetic.
"""

import pytest

from antiphon.kernels import lib

_MODE = lib.ap_denormals_enter()
lib.ap_denormals_leave(_MODE)


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """No test reads or writes the configuration, keys and registers of whoever runs it; what a test starts neither."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def ordinary_arithmetic():
    lib.ap_denormals_leave(_MODE)
    yield
    lib.ap_denormals_leave(_MODE)
