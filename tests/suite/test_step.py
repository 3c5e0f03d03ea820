"""The benchmark of a step takes its time apart without a rest, plays what the instrument plays, and compares like with like."""

import importlib.util
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.append(str(BENCH))

import energy  # noqa: E402
import networks  # noqa: E402
import precision  # noqa: E402
import stages  # noqa: E402
from antiphon.chain import Chain, guard_of  # noqa: E402
from antiphon.marking import Marking  # noqa: E402
from antiphon.model import graph as graphs  # noqa: E402
from antiphon.model.bundle import Bundle  # noqa: E402
from antiphon.model.graph import StepGraph  # noqa: E402
from antiphon.perform import Performer  # noqa: E402
from antiphon.suite import Run  # noqa: E402
from antiphon.suite.run import add_flags  # noqa: E402
from phrase import phrase  # noqa: E402

HOPS = 60
needs_onnx = pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="pip install 'antiphon[dev]'")


@pytest.fixture(scope="module")
def bundle():
    return Bundle.open("hum")


@pytest.fixture(scope="module")
def heard():
    return phrase(None, 48_000).astype(np.float32)


@pytest.fixture(scope="module")
def turn(bundle, heard):
    """What each hop of one turn took, as fast as they come."""
    return stages.play_turn(stages.Player(bundle), 0, heard, HOPS, 0.0)


def test_stages_add_up_to_the_whole_step(turn):
    """Of every hop: no nanosecond is lost and none counted twice, whatever was called inside what."""
    for hop in turn:
        assert sum(hop.stages.values()) == hop.whole_ns
        assert set(hop.stages) == set(stages.STAGES)
        assert all(ns >= 0 for ns in hop.stages.values())
        assert hop.voice_ns <= hop.whole_ns


def test_a_stage_is_counted_where_it_runs(turn):
    """The decoder sounds answers alone, the tokenizer hears every hop and the mark passes none by; one hop is an answer's first."""
    assert [hop.answering for hop in turn] == [n >= HOPS // 2 for n in range(HOPS)]
    assert [n for n, hop in enumerate(turn) if hop.begins] == [HOPS // 2]
    for hop in turn[:-1]:  # in the last one the answer is told to end
        assert (hop.stages["decoder"] > 0) == hop.answering == (hop.stages["tokens graph"] > 0)
        assert hop.stages["tokenizer"] > 0 and hop.stages["mark"] > 0
    assert any(hop.stages["note model, graph"] for hop in turn if hop.answering)


def test_a_call_within_a_call_is_the_inner_ones(monkeypatch):
    """On a clock that counts how often it is looked at: the outer call has what the inner one did not take."""
    ticks = itertools.count()
    monkeypatch.setattr(stages.time, "perf_counter_ns", lambda: next(ticks))

    class Both:
        def outer(self):
            return self.inner() + self.inner()

        def inner(self):
            return 1

    both, watch = Both(), stages.Stopwatch()
    watch.around(both, "outer", "outer"), watch.around(both, "inner", "inner")
    assert both.outer() == 2
    assert watch.calls == 3
    assert watch.lap() == {"outer": 3, "inner": 2}  # looks at 0; 1, 2; 3, 4; 5
    assert watch.lap() == {"outer": 0, "inner": 0}


def test_clocks_change_no_frame(bundle, heard):
    """The chain with clocks around it sounds, bit for bit, as one without."""
    player, bare, mark = stages.Player(bundle), Chain(bundle, Performer(), 1, guard=guard_of(bundle)), Marking(stages._KEY)
    for n, params in enumerate(stages.params_of(0, HOPS)):
        mono = heard[n * 960 : (n + 1) * 960]
        assert np.array_equal(player.hear(mono, params), mark.step(bare.step(mono, params)))
    assert player.chain.status == bare.status


@pytest.mark.parametrize("samplerate", [44_100, 48_000, 96_000])
def test_hops_are_as_long_as_the_device_makes_them(bundle, heard, samplerate):
    """At any rate of the device, a hop's frames make a hop of the model's: after n hops n x 960 were heard, none is left out."""
    player = stages.Player(bundle, samplerate=samplerate)
    taken = 0
    for n, params in zip(range(8), stages.params_of(0, 8), strict=True):
        frames = player.device_frames()
        player.hear(heard[:frames], params)
        taken += frames
        assert -1 <= taken - (n + 1) * 960 * samplerate / 48_000 <= samplerate / 48_000


@needs_onnx
@pytest.mark.parametrize(("name", "within_db"), [("tokenizer", -40), ("encoder", -40), ("memory", -35), ("decoder", -40)])
def test_fp32_networks_say_what_the_shipped_ones_do(bundle, name, within_db):
    """The difference is 40 dB below each output and State (the memory 35), over fifty steps of noise; no INT8 product is left."""
    import onnx

    full = precision.as_fp32(bundle.path(name))
    found = precision.difference_db(bundle.graph(name), StepGraph(bundle.path(name), data=full))
    assert max(found.values()) < within_db, found
    kinds = {node.op_type for node in onnx.load_from_string(full).graph.node}
    assert kinds & {"Gemm", "MatMul"} and not kinds & {"DynamicQuantizeMatMul", "DynamicQuantizeLinear", "MatMulInteger"}


@needs_onnx
def test_a_graph_with_other_weights_is_found_out(bundle):
    """The comparison has something to find: the decoder with noise for weights is as far away as the decoder is loud."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(precision.as_fp32(bundle.path("decoder")))
    for item in model.graph.initializer:
        weight = numpy_helper.to_array(item)
        if weight.ndim == 2 and weight.dtype == np.float32:
            noise = np.random.default_rng(1).permutation(weight.ravel()).reshape(weight.shape)
            item.CopyFrom(numpy_helper.from_array(noise, item.name))
    found = precision.difference_db(bundle.graph("decoder"), StepGraph(bundle.path("decoder"), data=model.SerializeToString()), 10)
    assert found["raw"] > -10


@needs_onnx
def test_fp32_chooses_mostly_the_same(bundle):
    """What is chosen, note and codes, differs in one step of ten at most."""
    for name in ("notes", "tokens"):
        found = precision.difference_db(bundle.graph(name), StepGraph(bundle.path(name), data=precision.as_fp32(bundle.path(name))))
        whole = {edge for edge, array in bundle.graph(name).outputs.items() if array.dtype.kind == "i"}
        assert whole and all(found[edge] <= 10.0 for edge in whole), found


@needs_onnx
def test_unpruned_networks_have_the_sizes_that_were_pruned(bundle, tmp_path):
    """As many bytes as the graphs that the shipped ones were pruned from, in fp32, and the edges that the chain needs of them."""
    pytest.importorskip("torch", reason="pip install 'antiphon[train]'")
    before = {"notes": 14_281_014, "encoder": 5_152_003, "memory": 3_986_554, "tokens": 4_994_334, "decoder": 10_388_503}
    full = networks.unpruned(bundle, tmp_path)
    for name, size in before.items():
        assert len(full[name]) == pytest.approx(size, rel=0.001), name
    player = stages.Player(networks.Variant("unpruned", bundle, full))
    assert len(player.hear(np.zeros(960, np.float32), next(stages.params_of(0, 2)))) == 960


class NoCuda:
    """An ONNX Runtime without a GPU."""

    __version__ = "1.0"

    @staticmethod
    def get_available_providers():
        return ["CPUExecutionProvider"]


def test_without_cuda_the_reason_is_told(bundle, monkeypatch):
    """No provider: what to install. A provider and no device: that, from where the graph is opened."""
    monkeypatch.setattr(networks, "load_runtime", lambda: NoCuda)
    with pytest.raises(networks.Missing, match=r"no CUDAExecutionProvider; .*antiphon\[gpu\]"):
        networks.on_cuda("fp32, CUDA", bundle, {})
    runtime = graphs.load_runtime()
    monkeypatch.setattr(networks, "load_runtime", lambda: runtime)
    monkeypatch.setattr(runtime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    if "CUDAExecutionProvider" not in runtime.get_all_providers():
        with pytest.raises(networks.Missing, match="CUDA"):
            networks.on_cuda("fp32, CUDA", bundle, {name: bundle.path(name).read_bytes() for name in networks.GRAPHS})


def test_state_stays_on_the_device(bundle, monkeypatch):
    """On a device of its own a graph says the same: State goes from step to step there, and is taken, given back and reset.

    The device is this processor, under the other's name: what is copied, and when, is the same.
    """
    runtime = graphs.load_runtime()
    make = runtime.OrtValue.ortvalue_from_numpy

    def run(steps=6):
        graph, rng, out = StepGraph(bundle.path("decoder")), np.random.default_rng(1), []
        for _ in range(steps):
            for array in graph.inputs.values():
                array[...] = rng.standard_normal(array.shape)
            saved = graph.state()
            graph.run()
            out.append(graph.outputs["raw"].copy())
        graph.set_state(saved)
        graph.run()
        assert np.array_equal(graph.outputs["raw"], out[-1])
        graph.reset()
        assert not any(array.any() for array in graph.state().values())
        return np.stack(out)

    here = run()
    monkeypatch.setattr(graphs, "_DEVICES", {graphs.CPU: "elsewhere"})
    made = staticmethod(lambda array, device, number: make(array.copy(), "cpu", number))
    monkeypatch.setattr(runtime.OrtValue, "ortvalue_from_numpy", made)
    assert np.array_equal(run(), here)


def told(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_file_tells_steps_and_what_it_skips():
    """Run by itself: the shipped bundle's whole step and stages, the control, and a line with the reason for what cannot be had."""
    command = [sys.executable, str(BENCH / "step.py"), "--quick", "--seconds", "1", "--every-ms", "0", "--no-live"]
    command += ["--only", "unpruned fp32, CUDA", "--teacher", "hum"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = told(done.stdout)
    names = [line["name"] for line in lines if line["kind"] == "figure"]
    expected = {"only counting", "whole step, share of the hop", "INT8: decoder", "INT8, listening: whole step"}
    assert expected <= set(names)
    share = next(line for line in lines if line.get("name") == "whole step, share of the hop")
    assert share["count"] == 20 and share["control"] == "only counting, share of the hop" and share["goals"][0]["limit"] == 50.0
    if not any("CUDA" in name for name in names):
        skipped = [line for line in lines if line["kind"] == "skip"]
        assert [line["name"] for line in skipped] == ["unpruned fp32, CUDA"] and "CUDA" in skipped[0]["why"]


def test_late_steps_are_missing_from_the_ratio(tmp_path):
    """ISR counts steps written by the time they were due, staleness grows by what one was late, and the course marks it."""
    step = _step()
    steps = np.zeros(5, [(name, np.float32) for name in ("slack_frames", "sounding", "step_us", "whole_us")])
    steps["slack_frames"], steps["sounding"], steps["step_us"] = [100, 0, -48, 200, 100], [0, 1, 1, 1, 1], 2000
    steps["whole_us"] = 2500
    out = _Out()
    run = _run("step", tmp_path, out)
    looks = step.Looks(None)
    looks.rows = [(10.0, 288, 0), (10.05, 480, 1)]
    step.tell_live(run, steps, np.arange(5) * 0.02, looks, 10.0, {})
    lines = {(line["kind"], line["name"]): line for line in told(out.text)}
    ratio = lines["tally", "ISR"]
    assert ratio["happened"] == 3 and ratio["chances"] == 4 and not ratio["goals"][0]["met"]
    assert lines["tally", "ISR, silence too"]["happened"] == 4
    stale = np.concatenate(lines["figure", "staleness"]["events"]["segments"])
    assert np.allclose(stale * 48, [416, 416, 416 + 48, 608, 608], atol=0.01)
    share = lines["figure", "live, answering, to the voice, share of the hop"]
    assert share["count"] == 4 and share["goals"][0]["met"]
    assert lines["figure", "live, answering, whole step, share of the hop"]["p50"] == pytest.approx(12.5)
    assert lines["timeline", "live, to the voice, share of the hop"]["marks"] == [[0.04, "late by 1.0 ms"]]


def test_where_nothing_sounds_nothing_is_met(tmp_path):
    """An instrument that only listened has met no goal of those who are asked of its voice."""
    step = _step()
    steps = np.zeros(5, [(name, np.float32) for name in ("slack_frames", "sounding", "step_us", "whole_us")])
    out, looks = _Out(), step.Looks(None)
    looks.rows = [(10.0, 288, 0)]
    step.tell_live(_run("step", tmp_path, out), steps, np.arange(5) * 0.02, looks, 10.0, {})
    goals = {line["name"]: goal["met"] for line in told(out.text) for goal in line.get("goals", [])}
    assert goals == {"ISR": False, "live, answering, to the voice, share of the hop": False}


@pytest.mark.parametrize("name", ["echo", "through"])
def test_a_bundle_without_networks_is_left_out(tmp_path, name):
    """With the reason, and no figure."""
    out = _Out()
    _step().measure(_run("step", tmp_path, out, "--quick", "--bundle", name))
    (line,) = told(out.text)
    assert line["kind"] == "skip" and line["name"] == "" and "networks" in line["why"]


def test_only_the_stepping_thread_has_real_time_rank_and_only_meanwhile(monkeypatch):
    """It is asked for around the steps, and given back."""
    step, asked = _step(), []
    monkeypatch.setattr(step, "request_realtime", lambda: asked.append("real-time") or True)
    monkeypatch.setattr(step.os, "sched_setscheduler", lambda pid, policy, param: asked.append((pid, policy, param.sched_priority)))
    with step.at_the_models_rank() as realtime:
        assert realtime and asked == ["real-time"]
    assert asked[1:] == [(0, step.os.SCHED_OTHER, 0)]


class _Out:
    text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def _run(name, folder, out, *flags, options=None) -> Run:
    import argparse

    parser = argparse.ArgumentParser()
    add_flags(parser)
    if options:
        options(parser)
    return Run(name, parser.parse_args(list(flags)), folder, out)


def _step():
    import step

    return step


def powercap(folder: Path, *zones: tuple[str, str]) -> Path:
    """A folder like the kernel's: (zone, name) of each counter, all at 1000 uJ, wrapping after a million."""
    for zone, name in zones:
        place = folder / zone
        place.mkdir(parents=True)
        for file, text in (("name", name), ("energy_uj", "1000"), ("max_energy_range_uj", "1000000")):
            (place / file).write_text(f"{text}\n")
    return folder


def test_energy_is_of_sockets_and_their_memory(tmp_path):
    """Cores are in their socket already; memory is beside it. Where there is no socket, the whole system is taken."""
    zones = ("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "core"), ("intel-rapl:0:1", "dram"), ("intel-rapl:1", "psys")
    found = energy.counters(powercap(tmp_path / "a", *zones))
    assert [(counter.folder.name, counter.name) for counter in found] == [("intel-rapl:0", "package-0"), ("intel-rapl:0:1", "dram")]
    assert found[0].read_uj() == 1000
    assert found[0].since_uj(999_000, 1000) == 2000  # it went around
    assert [counter.name for counter in energy.counters(powercap(tmp_path / "b", zones[1], zones[3]))] == ["psys"]


def test_energy_that_cannot_be_read_says_why(tmp_path, monkeypatch):
    """No folder, an empty one, a counter for root alone, one that is broken: a line each with what to do."""
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(energy.NoCounters, match="modprobe"):
            energy.counters(folder)
    folder = powercap(tmp_path / "c", ("intel-rapl:0", "package-0"))
    (folder / "intel-rapl:0" / "energy_uj").write_text("much\n")
    with pytest.raises(energy.NoCounters, match="cannot be read"):
        energy.counters(folder)

    def refuse(self):
        raise PermissionError

    monkeypatch.setattr(energy.Counter, "read_uj", refuse)
    with pytest.raises(energy.NoCounters, match="sudo chmod a"):
        energy.counters(folder)
    out = _Out()
    energy.measure(_run("energy", tmp_path, out, "--powercap", str(folder), options=energy.options))
    assert [line["kind"] for line in told(out.text)] == ["skip"]


def test_energy_is_joules_over_seconds(tmp_path, monkeypatch):
    """A processor that takes 10 W all the time is said to take 10 J/s in every turn, and nothing for playing."""
    folder = powercap(tmp_path / "d", ("intel-rapl:0", "package-0"))
    monkeypatch.setattr(energy.Counter, "read_uj", lambda self: int(1e7 * time.perf_counter()) % self.range_uj)
    monkeypatch.setattr(energy, "SLICE_S", 0.05)
    monkeypatch.setattr(energy, "request_realtime", lambda: False)
    out = _Out()
    flags = "--powercap", str(folder), "--quick", "--turn", "0.2", "--seconds", "0.1"
    energy.measure(_run("energy", tmp_path, out, *flags, options=energy.options))
    lines = {line["name"]: line for line in told(out.text) if line["kind"] == "figure"}
    for name in ("idle", "playing", "counting"):
        assert lines[name]["p50"] == pytest.approx(10.0, rel=0.02)
    assert lines["playing"]["control"] == "counting"
    assert abs(lines["added by playing"]["p50"]) < 0.2
