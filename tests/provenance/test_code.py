"""The payload and its code: what is written is read, through much damage, and nothing else is."""

import re

import numpy as np
import pytest

from antiphon.provenance import code
from antiphon.provenance.code import Payload

KEY = b"k" * 32


def evidence(payload, key=KEY):
    return code.code_signs(payload, key).astype(np.float64)


@pytest.mark.parametrize("number", [0, 1, 2**48 - 1, 0xABCDEF074FB3])
def test_what_is_written_is_read(number):
    """Every payload comes back from its code word, by its own key only."""
    payload = Payload.of(number)
    bits = code.decode(evidence(payload))
    assert np.array_equal(bits, code.bits_of(payload, KEY))
    assert code.payload_of(bits, KEY) == payload
    assert code.payload_of(bits, b"j" * 32) is None


def test_it_bears_noise():
    """Noise 1.6 dB stronger than each code bit, Eb/N0 1.4 dB: of 60 all come back."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        payload = Payload.of(int(rng.integers(2**48)))
        heard = evidence(payload) + rng.normal(0, 1.2, code.BITS * 4)
        assert code.payload_of(code.decode(heard), KEY) == payload


def test_a_quarter_may_be_missing():
    """Code bits of which nothing is heard say nothing; a quarter of them, drawn by chance as the slots are, may be such."""
    rng = np.random.default_rng(4)
    for _ in range(16):
        payload = Payload.of(int(rng.integers(2**48)))
        heard = evidence(payload) + rng.normal(0, 0.6, 256)
        heard[rng.permutation(256)[:64]] = 0
        assert code.payload_of(code.decode(heard), KEY) == payload


def test_chance_is_not_a_payload():
    """Of 150 words of pure noise none has a right proof (one in 65,536 would)."""
    rng = np.random.default_rng(5)
    assert [code.payload_of(code.decode(rng.normal(0, 1, 256)), KEY) for _ in range(150)] == [None] * 150


def test_the_code_goes_round():
    """A payload whose bits are turned has a code word that is turned: no place is the beginning."""
    bits = np.random.default_rng(6).integers(0, 2, 64).astype(np.uint8)
    assert np.array_equal(code.encode(np.roll(bits, 5)), np.roll(code.encode(bits), 20))


def test_the_words_of_a_payload():
    """12 digits name it, the minute tells when, 0 is not told, and what does not fit is refused."""
    payload = Payload(0x00ABCD, 479_123)
    assert payload.hex == "00abcd074f93"
    assert Payload.of(payload.id) == payload
    assert payload.started == "2026-11-29T17:23Z"
    assert Payload(1).started is None
    now = Payload.now()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\dZ", now.started)
    assert Payload.now(7).take == 7
    for take, minute in ((-1, 0), (1 << 24, 0), (0, -1), (0, 1 << 24)):
        with pytest.raises(ValueError, match="24 bits"):
            Payload(take, minute)
