"""The instrument's own voice comes back through the microphone, and is not taken for the performer."""

import pytest
from perform_stage import Stage, begins, ends

from antiphon.perform import Performer


@pytest.mark.parametrize("coupling_db", [-60, -35, -25, -15, -8, 0])
@pytest.mark.parametrize("delay_hops", [1, 4, 8])
def test_its_own_voice_in_the_microphone_is_not_a_performer(coupling_db, delay_hops):
    """Ten answers before an open microphone: it neither yields to itself nor answers itself."""
    stage = Stage(Performer(), coupling_db, delay_hops)
    stage.go(1)
    for _ in range(10):
        stage.go(1.5, singing_db=-20)
        actions = stage.go(12)
        assert [why for why, _ in ends(actions)] == ["time"] and len(begins(actions)) == 1


@pytest.mark.parametrize("coupling_db", [-60, -35, -25, -15])
def test_a_performer_is_heard_through_the_voice_that_leaks(coupling_db):
    """From the second answer on, a performer as loud as the voice is yielded to at the first hop loud enough."""
    stage = Stage(Performer(), coupling_db)
    stage.go(1)
    stage.go(1.5, singing_db=-20)
    stage.go(12)
    stage.go(1.5, singing_db=-20)
    stage.go(3)
    assert stage.performer.answering
    actions = stage.go(0.2, singing_db=-20)
    assert ends(actions) and ends(actions)[0] == ("yield", 0)


def test_a_louder_loudspeaker_is_mistaken_once_and_learned():
    """Somebody turns the volume up by 20 dB between answers: at most two false yields, then none in ten answers."""
    stage = Stage(Performer(), -40)
    stage.go(1)
    stage.go(1.5, singing_db=-20)
    stage.go(12)
    stage.coupling_db = -15
    reasons = []
    for _ in range(12):
        stage.go(1.5, singing_db=-20)
        reasons += [why for why, _ in ends(stage.go(12))]
    assert reasons.count("yield") <= 2 and set(reasons[-8:]) == {"time"}
