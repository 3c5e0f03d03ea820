"""What the soak may say: a leak is caught and a clean run is not, faults come by a schedule, and a full disk costs the take, not the music."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
if not BENCH.is_dir():
    pytest.skip("no bench/ here", allow_module_level=True)
sys.path.insert(0, str(BENCH))

import soak  # noqa: E402
import soak_blame  # noqa: E402
import soak_faults  # noqa: E402
import soak_watch  # noqa: E402
from soak_stage import SmallDisk  # noqa: E402

sys.path.remove(str(BENCH))

from antiphon.errors import UsageError  # noqa: E402
from antiphon.take import Take, TakeError, TakeSpec, TakeWriter, repair  # noqa: E402

ENGINE_KB = (71064, 71064, 71068, 71068, 71068, 71072, 71072, 71076, 71076, 71076, 71076, 72452, 72452, 72452, 72452, 72452, 72452, 72452, 72452,
             72452, 72452, 72456, 72456, 72456, 72456, 72456, 72552, 72552, 72552, 72552, 72552, 72552, 72556)  # fmt: skip
"""What a clean engine held alone while it answered with the bundle hum, looked at every two seconds from its twelfth on."""
MODEL_KB = (78316, 78328, 78332, 78548, 79668, 79672, 79680, 79688, 79692, 79692, 79692, 79828, 79828, 79828, 79828, 79828, 79828, 79828, 79828,
            79836, 79836, 79836, 79836, 79840, 79976, 79976, 79976, 79976, 79976, 79976, 79976, 79976, 79976)  # fmt: skip
"""Its model process in the same seconds."""
_WARM = 17  # looks in the 45 s that are left out
MB_A_MINUTE = 1.0


def course(kb, from_s=0.0):
    """A recorded course as a piece: (t_s, MB)."""
    return from_s + 2.0 * np.arange(len(kb)), np.array(kb) * 1.024e-3


def leaking(piece, mb_a_minute=MB_A_MINUTE):
    """The same with a leak in it, in pages of 4 kB."""
    t_s, values = piece
    return t_s, values + np.floor(mb_a_minute * t_s / 60 / 4.096e-3) * 4.096e-3


def long(kb, hours, seed=1):
    """A process of so many hours that gets its recorded memory at first, then gives some back and takes it again, of chance."""
    t_s = np.arange(0, hours * 3600, 5.0)
    chance = np.random.default_rng(seed)
    values = np.interp(t_s, 2.0 * np.arange(len(kb)), kb) * 1.024e-3
    busy = chance.random(len(t_s)) < 0.1  # a take is being signed at that moment
    return t_s, values + np.where(busy, chance.uniform(0, 12, len(t_s)), 0.0) + 0.05 * chance.standard_normal(len(t_s))


@pytest.mark.parametrize("kb", [ENGINE_KB, MODEL_KB[_WARM:]])
def test_a_short_run_is_accused_of_a_leak_that_it_has_and_of_none_that_it_has_not(kb):
    """A recorded minute of a clean run: its one jump is no leak. With 1 MB a minute added it is one, and is told for what it is."""
    assert soak_watch.slope([course(kb)]).lower <= soak.LEAK_MB_MIN
    found = soak_watch.slope([leaking(course(kb))])
    assert found.lower > soak.LEAK_MB_MIN
    assert found.lower - 0.2 <= MB_A_MINUTE <= found.upper


@pytest.mark.parametrize("seed", range(5))
def test_an_hour_must_show_that_nothing_rises(seed):
    """Signing, noise and a jump leave the upper end of the interval below the goal; a fifth of a MB a minute does not."""
    clean, goal = long(ENGINE_KB, 1.0, seed), soak.leak_goal(2400.0)
    assert soak_watch.slope([clean]).upper <= goal
    for mb_a_minute in (0.2, MB_A_MINUTE):
        found = soak_watch.slope([leaking(clean, mb_a_minute)])
        assert found.upper > goal and found.lower > 0
        assert found.estimate == pytest.approx(mb_a_minute, abs=0.1)


def test_the_longer_it_was_watched_the_less_may_rise():
    """A day asks for thirty times less than an hour, and finds a leak that an hour cannot; a month asks for no less than .005."""
    assert soak.leak_goal(1200.0) == pytest.approx(0.3) and soak.leak_goal(2400.0) == pytest.approx(0.15)
    day = soak.leak_goal(86_400.0)
    assert soak.leak_goal(30 * 86_400.0) == day == 0.005
    clean = long(ENGINE_KB, 24.0)
    assert soak_watch.slope([clean]).upper <= day < soak_watch.slope([leaking(clean, 0.01)]).lower


def test_what_is_kept_is_told_by_the_least_of_its_quarters():
    """A take that lies there for a while is not kept; one that nobody removes is. Too few looks say nothing."""
    t_s = list(np.arange(0.0, 100.0))
    assert soak_watch.more_kept(t_s, [5.0 * (t % 25 < 10) for t in t_s], 10.0) == 0.0
    assert soak_watch.more_kept(t_s, [5.0 * (t % 25 < 10) + 2.0 * (t > 60) for t in t_s], 10.0) == 2.0
    assert soak_watch.more_kept(t_s, [1.0 * (t > 5) for t in t_s], 10.0) == 0.0
    assert soak_watch.more_kept(t_s, t_s, 95.0) is None


def test_a_restart_is_no_rise_and_hides_none():
    """Lives of a process that each begin higher, or lower, than the one before ended: only what rises within them counts."""
    for each in (20.0, -20.0):
        lives = [course(MODEL_KB[_WARM:], 100.0 * n) for n in range(4)]
        assert soak_watch.slope([(t_s, values + each * n) for n, (t_s, values) in enumerate(lives)]).lower <= soak.LEAK_MB_MIN
        lives = [leaking((t_s, values + each * n - MB_A_MINUTE * t_s[0] / 60)) for n, (t_s, values) in enumerate(lives)]
        assert soak_watch.slope(lives).lower > soak.LEAK_MB_MIN


def test_too_little_is_not_judged():
    """Three floors say nothing, and nothing less."""
    assert soak_watch.slope([]) is None
    assert soak_watch.slope([(np.arange(3.0), np.arange(3.0))]) is None
    assert soak_watch.gained([(np.arange(3.0), np.arange(3.0))]) is None


def test_descriptors_that_stay_open_are_counted_and_those_of_a_take_are_not():
    """Nine files for a while are a take; one more in the last quarter than in the first is one that nobody closes."""
    t_s = np.arange(0.0, 100.0)
    taking = np.where(t_s % 25 < 10, 9, 0)
    assert soak_watch.gained([(t_s, 20 + taking)]) == 0
    assert soak_watch.gained([(t_s, 20 + taking), (t_s, 20 + taking + (t_s > 60))]) == 1


def test_a_clock_that_is_fast_is_fast_by_what_it_is():
    """100 ppm, read at any moment of a block."""
    t_s = np.sort(np.random.default_rng(2).uniform(0, 300, 1200))
    frames = np.floor(t_s * 48_000 * (1 + 100e-6) / 128) * 128
    assert np.median(soak_watch.drift_ppm(t_s, frames, 48_000, 60.0)) == pytest.approx(100, abs=15)


class Nothing:
    """A stage that has nobody on it."""


def test_what_happens_in_a_faults_seconds_is_its_own():
    """Counts are taken between looks: those that touch a window are of the fault, all others are not, and none is lost or counted twice."""
    watch = soak_watch.Watch(Nothing())
    watch.t_s = [float(second) for second in range(11)]
    watch.looks["underflows"] = [0, 0, 1, 1, 4, 9, 9, 9, 9, 11, 11]
    window = (3.5, 4.5)
    assert (watch.inside("underflows", *window), watch.outside("underflows", [window])) == (8, 3)
    assert watch.seconds_outside([window]) == 8.0
    assert watch.outside("underflows", []) == 11
    at_s = np.array([-1.0, 2.5, 3.5, 4.9, 9.5, 10.5])
    assert watch.free(at_s, [window]).tolist() == [False, True, False, False, True, False]
    assert watch.place("underflows", at_s, [window]).tolist() == [0, 1, 1, 1, 2, 2]


def test_records_without_times_are_put_where_the_looks_say():
    """Steps of 20 ms, looked at now and then: after a few looks each lies within two ms of when it was, and another worker's too."""
    chance = np.random.default_rng(1)
    for place in (place := soak_blame.Placed(), place):
        place.begin()
        ends = 7.0 + np.cumsum(0.02 + 0.002 * chance.standard_normal(2000))
        done, found = 0, []
        for look in np.arange(7.1, ends[-1], 0.25) + chance.uniform(0, 0.02):
            look += chance.uniform(0, 0.02)
            upto = int(np.searchsorted(ends, look))
            found += place.add(look, np.diff(ends[:upto], prepend=7.0)[done:]).tolist()
            done = upto
        assert np.abs(np.array(found) - ends[: len(found)])[200:].max() < soak_blame.PLACED_S


def late_step(at, late_s, number):
    return at, late_s, 0.0087, number


def test_only_what_stood_still_at_that_time_excuses_a_late_step():
    """For as long as it stood, and no other minute. A step that is late for the one before it shares its verdict."""
    late = [late_step(10.0, 0.020, 500), late_step(10.002, 0.002, 501), late_step(70.0, 0.005, 3500), late_step(130.0, 0.012, 6500)]
    assert soak_blame.steps_of_ours(late, np.zeros((0, 2))).all()
    bad_minute = np.array([(t, t + 0.015) for t in np.arange(20.0, 60.0, 0.02)])
    assert soak_blame.steps_of_ours(late, bad_minute).all()
    stood = np.array([(9.975, 9.996), (129.99, 129.992)])  # the last one for 2 ms of 12
    assert soak_blame.steps_of_ours(late, stood).tolist() == [False, False, True, True]
    assert len(soak_blame.steps_of_ours([], stood)) == 0


def test_an_underflow_is_excused_by_a_late_step_that_is_and_by_nothing_else():
    """One for one; beside a late step of ours it is ours; where no step was late it is ours."""
    late, ours = [late_step(10.0, 0.005, 500), late_step(70.0, 0.005, 3500)], np.array([False, True])
    lost = [(9.98, 10.0, 1), (9.98, 10.0, 3), (69.99, 70.01, 1), (40.0, 40.02, 1)]
    assert soak_blame.underflows_of_ours(lost, late, ours).tolist() == [0, 2, 1, 1]
    assert soak_blame.underflows_of_ours([(1.0, 1.02, 2)], [], np.zeros(0, bool)).tolist() == [2]


def test_xruns_that_another_client_makes_are_not_ours_and_ours_are():
    """Seven hundred of somebody else's: none is ours. One beside a slow block is, and beside one that was called late alone; not where
    a core stood still, or the client that does nothing was called late as well."""
    period, nobody = 128 / 48_000, np.zeros((0, 2))
    flagged = [(t, t + 0.02, 7) for t in np.arange(0.0, 2.0, 0.02)]
    assert soak_blame.xruns_of_ours(flagged, [], [], [], nobody).sum() == 0
    heavy, late = [(1.005, 0.002, period)], [(1.5051, 0.006, period)]
    assert soak_blame.xruns_of_ours(flagged, heavy, [], [], nobody).sum() >= 7
    assert soak_blame.xruns_of_ours(flagged, [], late, [], nobody).sum() >= 7
    assert soak_blame.xruns_of_ours(flagged, heavy, late, [(1.5052, 0.0059)], np.array([(1.0052, 1.0064)])).sum() == 0
    assert soak_blame.xruns_of_ours([(0.0, 0.02, 1)], heavy, late, [], nobody).sum() == 0


def test_a_waking_is_late_by_the_lead_of_its_time():
    """7 ms are too much for a lead of 6 ms, and none for the one of 12 ms that it has become."""
    t_s, room_s = np.array([0.0, 10.0, 20.0]), np.array([0.0044, 0.0044, 0.0104])
    beats = [(5.0, 0.002), (12.0, 0.007), (25.0, 0.007), (26.0, 0.011)]
    assert soak_blame.late_beats(beats, t_s, room_s).tolist() == [False, True, False, True]
    assert len(soak_blame.late_beats([], t_s, room_s)) == 0


def test_an_xrun_that_raises_two_flags_is_one(monkeypatch):
    """And what another segment has counted is no rise."""
    monkeypatch.setattr(soak_blame, "Trace", lambda segment: None)

    class Counting:
        count = 5

        def read_counters(self):
            flags = dict.fromkeys(soak_blame.FLAGS, 0) | {"input_overflows": self.count, "output_underflows": self.count}
            return flags | {"underflows": self.count}

    seen, one = soak_blame.Seen(), Counting()
    seen.glance(one)
    one.count += 3
    seen.glance(one)
    seen.glance(Counting())
    assert seen.xruns == 3 and [count for *_, count in seen.flagged] == [3] and [count for *_, count in seen.underflows] == [3]


@pytest.mark.parametrize("hours", [0.05, 1.0, 24.0])
@pytest.mark.parametrize("kinds", [("model",), soak_faults.KINDS])
def test_faults_come_by_a_schedule(hours, kinds):
    """The same for the same seed, another for another; each kind once at first, then as often as any; never too close; peace at the end."""
    seconds = 3600.0 * hours
    found = soak_faults.schedule(seconds, kinds, seed=1)
    assert found == soak_faults.schedule(seconds, kinds, seed=1)
    assert tuple(kind for _, kind in found[: len(kinds)]) == kinds
    times = np.array([at for at, _ in found])
    assert (np.diff(times) >= times[0] - 1e-9).all() and times[0] > 0
    assert seconds - times[-1] >= min(120.0, seconds / 3)
    counts = [sum(kind == one for _, kind in found) for one in kinds]
    assert max(counts) - min(counts) <= 1
    often = soak_faults.schedule(seconds, kinds, seed=1, every_s=20.0)
    assert len(often) >= len(found) and (np.diff([at for at, _ in often]) >= min(10.0, times[0]) - 1e-9).all()
    if hours > 1:
        assert len(found) > 100 and found != soak_faults.schedule(seconds, kinds, seed=2)


def test_nothing_goes_wrong_where_nothing_is_to():
    """No kinds, no faults; an unknown one is refused in a line."""
    assert soak_faults.schedule(3600.0, ()) == [] and soak.chosen_faults("none") == ()
    with pytest.raises(UsageError, match="'fire': there is model"):
        soak.chosen_faults("model,fire")
    with pytest.raises(UsageError, match="there is engine, model, device"):
        soak.leak_of("leak:1:roof")
    assert soak.leak_of("leak:2.5:model") == (2.5, "model") and soak.leak_of("leak") == (1.0, "engine") and soak.leak_of(None) is None


def test_a_cut_is_a_click_and_a_fade_is_none():
    """A voice that is cut at its loudest is far steeper than it ever was by itself; one that fades within 5 ms is not, though it begins
    anew soon after, or had only just begun. Silence is not judged."""
    rate, at = 48_000, 48_000
    voice = 0.3 * np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate + 0.3)
    after, end = np.arange(rate), at + 900 // 218 * 218 + 40  # where it is loud
    gain = np.ones(2 * rate)
    gain[end - 240 : end], gain[end : end + 20_000] = np.linspace(1, 0, 240), 0.0
    cut = np.where((np.arange(2 * rate) < end) | (np.arange(2 * rate) > end + 20_000), voice, 0.0)
    for heard in (voice * gain, np.where(np.arange(2 * rate) > at - 3000, voice * gain, 0.0)):
        assert soak_faults.steepness(heard, at, rate) <= 1.0
    assert soak_faults.steepness(cut, at, rate) > 2 * soak_faults.CLICK_MOST
    assert soak_faults.steepness(np.zeros(2 * rate), at, rate) is None and soak_faults.steepness(voice[: len(after)], at, rate) is None


def take_of(folder, seconds=3, broken=False):
    """A take of silence; a broken one was never ended."""
    writer = TakeWriter(TakeSpec(folder, 8_000, 1, 1, "0123456789ab", {"performer": "nobody"}))
    for _ in range(seconds):
        writer.sound(np.zeros((8_000, 1), np.float32), np.zeros(8_000, np.float32), np.zeros((8_000, 1), np.float32))
        writer.second({})
    if not broken:
        writer.close("told")
    writer._let_go()
    return folder


def test_a_take_is_judged_by_what_is_on_the_disk(tmp_path):
    """Whole: nothing to say. Broken off and repaired: neither. Changed afterwards, or ended where the disk was to be full: said."""
    assert soak_faults.judged(take_of(tmp_path / "whole"), broken=False) == []
    assert soak_faults.judged(take_of(tmp_path / "broken", broken=True), broken=True) == []
    changed = take_of(tmp_path / "changed")
    with open(changed / "mix.wav", "r+b") as file:
        file.seek(5_000)
        file.write(b"\1\2\3")
    assert any("mix.wav" in problem for problem in soak_faults.judged(changed, broken=False))
    assert soak_faults.judged(tmp_path / "whole", broken=True) == ["the take ended as if nothing had been"]
    assert soak_faults.judged(tmp_path / "never", broken=False)


def test_a_disk_is_full_for_the_take_alone_where_none_can_be_mounted(tmp_path):
    """By a limit of the size of files: the writer is told of it as of a full disk, what it had written verifies, and others write on."""
    disk = SmallDisk(tmp_path)
    writer = TakeWriter(TakeSpec(tmp_path / "take", 8_000, 1, 1, "0123456789ab", {}))
    second = np.zeros((8_000, 1), np.float32), np.zeros(8_000, np.float32), np.zeros((8_000, 1), np.float32)
    writer.sound(*second)
    writer.second({})
    disk.fill(os.getpid(), tmp_path / "take")
    try:
        with pytest.raises(TakeError, match="what is written is kept"):
            for _ in range(3):
                writer.sound(*second)
    finally:
        disk.empty(os.getpid())
    (tmp_path / "other").write_bytes(bytes(1 << 20))
    assert soak_faults.judged(tmp_path / "take", broken=True) == []
    assert Take(tmp_path / "take").seconds == 1.0 and not repair(tmp_path / "take").changed


def test_a_leak_in_the_model_is_caught_and_its_engine_is_not_accused_and_a_full_disk_stops_nobody():
    """The real thing, short: 1 MB a minute allocated in the model's process, the disk of a take full meanwhile."""
    done = subprocess.run(
        [sys.executable, BENCH / "soak.py", "--seconds", "12", "--bundle", "echo", "--driver", "dummy", "--faults", "disk", "--inject", "leak:1:model"],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = {line["name"]: line for line in lines if "name" in line}
    leak, clean = told["growth of the model process, at least"], told["growth of the engine process, at least"]
    assert not leak["goals"][0]["met"] and leak["value"] > soak.LEAK_MB_MIN
    assert clean["goals"][0]["met"]
    assert told["file descriptors gained by the model process"]["value"] == 0
    assert told["disk full: until it is over"]["count"] == 1
    marks = [line["marks"] for line in lines if line.get("name") == "memory of the model process"][-1]
    assert len(marks) == 1 and marks[0][1].startswith(("disk full, over after", "disk full: over only after"))  # however slow the machine
