"""A state that was written down and read again goes on as the chain would have: every number is in it, whatever is under way."""

import numpy as np
import pytest
from test_chain import TUNE, hummed, quiet, tapped, values

from antiphon.chain import Chain
from antiphon.frozen import freeze, thaw
from antiphon.model.bundle import Bundle
from antiphon.params import REGISTRY
from antiphon.perform import Performer
from antiphon.provenance.voices import Recogniser, Voice, print_of

GO_ON = 90  # hops that are compared


class Stage:
    """A chain that is played, and hop by hop another one that took over what it had written down."""

    def __init__(self, bundle, **asked):
        self._bundle = bundle
        self.chain = self._chain()
        self.params = values(phrase_gap_s=0.4)
        self.ask(**asked)
        self._rng = np.random.default_rng(7)
        self._hop = 0

    def _chain(self):
        voice = Voice("x", "somebody", "", "", 20.0, print_of(np.random.default_rng(1).standard_normal((400, 24)).astype(np.float32)))
        return Chain(self._bundle, Performer(), 1, protected=Recogniser([voice]))

    def ask(self, **asked):
        for path, value in asked.items():
            REGISTRY.put(self.params, path, REGISTRY.accept(path, value))

    def go(self, sound, **asked):
        """Play on; the voice (hops, 960)."""
        self.ask(**asked)
        return np.array([self._step(self.chain, hop).copy() for hop in (quiet(sound) if isinstance(sound, int) else sound)])

    def _step(self, chain, hop):
        chain.due_s = 3.0 + self._hop * 0.02
        self._hop += 1
        voice = chain.step(hop, self.params)
        chain.settle()
        return voice

    def require_same(self, sound, **asked):
        """Go on with both, and let them be alike to the bit, and in all that is remembered."""
        begun, other = self._hop, self._chain()
        other.set_state(thaw(freeze(self.chain.state())))
        mine = self.go(sound, **asked)
        self.chain, first, self._hop = other, self.chain, begun
        theirs = self.go(sound)
        self.chain = first
        assert mine.any() and np.array_equal(mine, theirs), f"from hop {int(np.flatnonzero((mine != theirs).any(1))[0])} on"
        assert freeze(first.state()) == freeze(other.state()) and first.status == other.status


@pytest.fixture(scope="module")
def bundle():
    return Bundle.open("hum")


def answering(bundle, sound=None, hops=40, **asked):
    stage = Stage(bundle, mode="listen", **asked)
    stage.go(np.concatenate([quiet(30), hummed() if sound is None else sound]))
    stage.go(hops, mode="hold", trigger=True)
    return stage


@pytest.mark.parametrize("hops", [1, 7, 40, 41, 47])
def test_in_the_midst_of_a_line(bundle, hops):
    answering(bundle, hops=hops).require_same(GO_ON)


def test_in_the_first_hop_of_an_answer_that_ends_by_itself(bundle):
    stage = Stage(bundle, mode="answer", answer_s=1.0)
    stage.go(np.concatenate([quiet(30), hummed()]))
    stage.require_same(GO_ON)


def test_while_the_performer_sings(bundle):
    """What was heard of a note that is not over yet is heard to its end, and answered."""
    stage, sound = Stage(bundle, mode="answer"), np.concatenate([quiet(30), hummed()])
    stage.go(sound[:111])
    stage.require_same(np.concatenate([sound[111:], quiet(GO_ON)]))


@pytest.mark.parametrize("asked", [
    {"freeze": True}, {"play_note": 64}, {"regenerate": True}, {"trigger": True}, {"seed": 9}, {"density": 3.0}, {"tempo": 90.0, "grid_grip": 1.0},
    {"keep": 1}, {"store_voice": 2}, {"mode": "listen"}, {"panic": True, "trigger": True}, {"scale": "minor", "scale_grip": 1.0},
], ids=str)  # fmt: skip
def test_where_something_is_asked_for_in_the_next_hop(bundle, asked):
    """Also in another tuning than the performer's, which the first note that is asked for must be in already."""
    stage = answering(bundle, hummed([note + 0.45 for note in TUNE]), tune_to="440")
    stage.go(20, tempo=120.0)
    stage.require_same(GO_ON, **asked)


def test_while_it_is_frozen(bundle):
    stage = answering(bundle)
    stage.go(11, freeze=True)
    stage.require_same(20)
    stage.require_same(GO_ON, freeze=False)


@pytest.mark.parametrize("recall_as", ["loop", "once", "continue"])
def test_while_what_is_kept_is_played(bundle, recall_as):
    """Frozen in it, and gone on with."""
    stage = answering(bundle, recall_as=recall_as, hops=60)
    stage.go(2, keep=1)
    stage.go(23, recall=1)
    stage.require_same(10, freeze=True)
    stage.require_same(GO_ON, freeze=False)


def test_in_the_midst_of_strokes(bundle):
    stage = answering(bundle, tapped(), hops=33)
    assert stage.chain._beats.playing
    stage.require_same(GO_ON, tempo=100.0, grid_grip=1.0)


def test_in_the_midst_of_strokes_and_notes(bundle):
    stage = answering(bundle, np.concatenate([tapped(6), hummed()[:80]]), hops=33)
    stage.require_same(GO_ON, density=2.0)


def test_with_a_stored_voice(bundle):
    stage = answering(bundle, timbre=1.0, timbre_x=0.4)
    stage.go(3, store_voice=3)
    stage.require_same(GO_ON, timbre_y=0.8)


def test_the_past_is_heard_again_as_it_was(bundle):
    """A worker that has fallen behind hears what it missed without a sound, and goes on."""
    stage, other = answering(bundle), None
    other = Stage(bundle)
    other.chain.set_state(thaw(freeze(stage.chain.state())))
    missed = hummed()[:30]
    for chain in (stage.chain, other.chain):
        chain.prime(missed, stage.params, 0)
    other._hop, other.params = stage._hop, stage.params
    assert np.array_equal(stage.go(GO_ON), other.go(GO_ON))
