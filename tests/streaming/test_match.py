"""The match model recalls the longest suffix, and says nothing where nothing came before."""

import numpy as np
import pytest

from antiphon.model import match, score


def brute_force(pitches, iois):
    """Try every earlier place and every length, by the definition."""
    intervals = [b - a for a, b in zip(pitches, pitches[1:], strict=False)]
    newest = len(intervals) - 1
    best_length, best_end = 0, None
    for end in range(newest):
        length = 0
        while length < score.LONGEST_MATCH and end - length >= 0 and intervals[end - length] == intervals[newest - length]:
            length += 1
        if length >= best_length and length > 0:
            best_length, best_end = length, end
    if best_end is None:
        return score.NO_INTERVAL, score.NO_IOI, 0
    following = int(np.clip(intervals[best_end + 1], -score.LEAP, score.LEAP)) + score.LEAP
    return following, int(iois[best_end + 1]), best_length


@pytest.mark.parametrize("alphabet", [2, 5, 40])
def test_equals_brute_force_for_every_length(alphabet):
    """For any melody, the answer is the longest match of at most 8 intervals, the latest among equals."""
    rng = np.random.default_rng(alphabet)
    for length in [0, 1, 2, 3, 4, 9, 17, 64, score.WINDOW]:
        for _ in range(20):
            pitches, iois = rng.integers(0, alphabet, length), rng.integers(0, score.IOIS, length)
            assert match.longest_suffix(pitches, iois) == brute_force(list(pitches), list(iois))


def test_recalls_what_followed_a_motif():
    """A motif heard once, begun again in another key, predicts its own next interval and wait."""
    motif, iois = [60, 62, 64, 67, 65], [3, 5, 9, 4, 8]
    again = np.array(motif + [70, 72, 74])
    interval, ioi, length = match.longest_suffix(again, np.array(iois + [1, 1, 0]))
    assert interval - score.LEAP == 67 - 64
    assert (ioi, length) == (9, 2)


def test_finds_nothing_in_a_line_that_never_repeats_an_interval():
    """No repeated interval: no opinion."""
    pitches = np.cumsum(np.arange(12))
    assert match.longest_suffix(pitches, np.zeros(12, int)) == (score.NO_INTERVAL, score.NO_IOI, 0)
