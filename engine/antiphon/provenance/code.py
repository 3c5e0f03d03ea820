"""The payload: 48 bits that say which take, with a proof of whose, and the code that carries them through damage."""

from __future__ import annotations

import datetime
import functools
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import numpy as np

_EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_ID_BITS, _PROOF_BITS = 48, 16
BITS = _ID_BITS + _PROOF_BITS
MEMORY = 14
_STATES = 1 << MEMORY
POLYNOMIALS = (0o46321, 0o51271, 0o63667, 0o70535)
"""Of the convolutional code of rate 1/4 and constraint length 15 that NASA chose for Galileo; all have both end taps."""
_LAPS = 3


@dataclass(frozen=True)
class Payload:
    """What the mark of a take says. `take` is a number of 24 bits, `minute` minutes since 2026-01-01T00:00Z, 0: not told."""

    take: int
    minute: int = 0

    def __post_init__(self):
        if not (0 <= self.take < 1 << 24 and 0 <= self.minute < 1 << 24):
            raise ValueError(f"payload: take {self.take} and minute {self.minute} must each fit in 24 bits")

    @property
    def id(self) -> int:
        return self.take << 24 | self.minute

    @property
    def hex(self) -> str:
        """12 hexadecimal digits: 6 of the take, 6 of the minute."""
        return f"{self.id:012x}"

    @property
    def started(self) -> str | None:
        """Time in ISO 8601, to the minute; None: not told."""
        if not self.minute:
            return None
        return (_EPOCH + datetime.timedelta(minutes=self.minute)).strftime("%Y-%m-%dT%H:%MZ")

    @classmethod
    def of(cls, number: int) -> Payload:
        """Make the payload whose `id` this is."""
        return cls(number >> 24, number & (1 << 24) - 1)

    @classmethod
    def now(cls, take: int | None = None) -> Payload:
        """Make one for a take that begins now; `take` None: drawn by chance. A clock before 2026 or after 2057 is not told."""
        since = int((datetime.datetime.now(datetime.UTC) - _EPOCH).total_seconds() // 60)
        return cls(secrets.randbits(24) if take is None else take, since if 0 < since < 1 << 24 else 0)


def bits_of(payload: Payload, key: bytes) -> np.ndarray:
    """Give (64,) uint8: the id and the first 16 bits of its HMAC-SHA256 under the installation's key."""
    name = payload.id.to_bytes(_ID_BITS // 8, "big")
    proof = hmac.new(key, b"antiphon payload" + name, hashlib.sha256).digest()[: _PROOF_BITS // 8]
    return np.unpackbits(np.frombuffer(name + proof, np.uint8))


def payload_of(bits: np.ndarray, key: bytes) -> Payload | None:
    """Give the payload that (64,) bits hold; None where the proof is not that of this key."""
    payload = Payload.of(int.from_bytes(np.packbits(bits[:_ID_BITS]).tobytes(), "big"))
    return payload if np.array_equal(bits_of(payload, key), bits) else None


def code_signs(payload: Payload, key: bytes) -> np.ndarray:
    """Give the code word as (256,) float32: +1 for a bit 0, -1 for a bit 1."""
    return 1 - 2 * encode(bits_of(payload, key)).astype(np.float32)


def encode(bits: np.ndarray) -> np.ndarray:
    """Encode (64,) bits as (256,) uint8, tail-biting: the register begins as it will end."""
    register, out = 0, []
    for bit in bits[-MEMORY:]:
        register = register >> 1 | int(bit) << MEMORY - 1
    for bit in bits:
        whole = register | int(bit) << MEMORY
        out += [(whole & polynomial).bit_count() & 1 for polynomial in POLYNOMIALS]
        register = whole >> 1
    return np.array(out, np.uint8)


@functools.lru_cache(maxsize=1)
def _outputs() -> np.ndarray:
    """Which of the 16 outputs each pair of states (s, s + 1), s even, gives for a bit 0 coming from s."""
    even = np.arange(0, _STATES, 2)
    parity = np.zeros(len(even), np.int64)
    for place, polynomial in enumerate(POLYNOMIALS):
        taken = even & polynomial
        for shift in (8, 4, 2, 1):
            taken = taken ^ taken >> shift
        parity |= (taken & 1) << place
    return parity


def decode(evidence: np.ndarray) -> np.ndarray:
    """Find the (64,) uint8 bits whose code word agrees most with (256,) evidence, positive for a bit 0.

    Viterbi's algorithm around the ring three times, the middle lap kept; about 10 ms. Both end taps are 1 in all
    polynomials, so that the outputs of a pair of states are one another's negatives and one table of half the size serves.
    """
    words = 1 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1)
    branch = np.asarray(evidence, np.float32).reshape(BITS, 4) @ words.T.astype(np.float32)
    outputs, half = _outputs(), _STATES // 2
    score, odd_won = np.zeros(_STATES, np.float32), np.zeros((_LAPS * BITS, _STATES), bool)
    for at in range(_LAPS * BITS):
        even, odd, gain = score[0::2], score[1::2], branch[at % BITS][outputs]
        first, other = even + gain, odd - gain
        odd_won[at, :half] = other > first
        low = np.maximum(first, other)
        first, other = even - gain, odd + gain
        odd_won[at, half:] = other > first
        score = np.concatenate([low, np.maximum(first, other)])
        if at % BITS == BITS - 1:
            score -= score.max()
    state, back = int(score.argmax()), []
    for won in odd_won[::-1]:
        back.append(state >> MEMORY - 1)
        state = state << 1 & _STATES - 1 | int(won[state])
    return np.array(back[::-1][(_LAPS - 2) * BITS : (_LAPS - 1) * BITS], np.uint8)
