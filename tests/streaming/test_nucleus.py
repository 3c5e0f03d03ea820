"""What the note graph chooses from: the likeliest classes that make up `top_p`, no more than `tail` nats below the best."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from antiphon.errors import BundleError, UsageError  # noqa: E402
from antiphon.model import score  # noqa: E402
from antiphon.model.bundle import Bundle, available_bundles  # noqa: E402
from antiphon.model.graph import StepGraph  # noqa: E402
from antiphon.train import acoustic, export_acoustic, export_notes, notes, recover  # noqa: E402

CUTS = np.cumsum(list(export_notes.CHOICES.values()))[:-1]
MASKED, FORCED = -1e6, 1e6


def choose_by_the_tail(sketch, wanted, noise, to):
    """How the first version chose, node by node."""
    floor = sketch.node("Sub", sketch.node("ReduceMax", wanted, np.array([1]), keepdims=1), "tail")
    above = sketch.node("LeakyRelu", sketch.node("Sub", wanted, floor), alpha=1e6)
    return sketch.node("ArgMax", sketch.node("Add", above, noise), axis=1, keepdims=0, to=to)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """Paths of one small network's graph: as it is exported, and as it was before there was a `top_p`."""
    torch.manual_seed(0)
    net = notes.NoteNet(width=64, layers=2, heads=2, feeds=[96, 48], ends=(32, 80), size=16).eval()
    folder = tmp_path_factory.mktemp("graphs")
    now, before = (folder / name / "notes.onnx" for name in ("now", "before"))
    export_notes.export(net, now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_notes, "_choose", choose_by_the_tail)
        export_notes.export(net, before)
    model = onnx.load(str(before))
    model.graph.input.remove(next(edge for edge in model.graph.input if edge.name == "top_p"))
    onnx.save(model, str(before))
    return now, before


@pytest.fixture
def graph(graphs):
    """The exported graph, with nothing masked, a sharpness of 1 and no tail."""
    graph = StepGraph(graphs[0])
    graph.inputs["sharpness"][:] = 1
    graph.inputs["tail"][:] = 50
    graph.inputs["top_p"][:] = 1
    return graph


def fill(graph, rng):
    """A step at random: every leaning, some classes masked and sometimes one forced."""
    token = [rng.integers(size) for size in export_notes.GROUPS[:-1]]
    graph.inputs["token"][:] = [*token, score.NOTES - 1]
    for name, array in graph.inputs.items():
        if name not in ("token", "top_p"):
            array[:] = rng.normal(size=array.shape)
    graph.inputs["sharpness"][:] = rng.uniform(0.5, 12, 2)
    graph.inputs["tail"][:] = rng.choice([0.5, 5, 30])
    graph.inputs["noise"][:] = rng.gumbel(size=graph.inputs["noise"].shape)
    for name in ("ioi_bias", "articulation_bias", "pitch_bias"):
        bias = graph.inputs[name]
        bias *= 2
        bias[rng.random(bias.shape) < 0.2] = MASKED
        if rng.random() < 0.2:
            bias[..., rng.integers(bias.shape[-1])] = FORCED


def wanted_of(graph):
    """What the graph sampled from just now: logits with their temperatures and leanings, of each choice."""
    ioi, articulation, pitch = np.split(graph.outputs["logits"][0], CUTS)
    cold, warm = graph.inputs["sharpness"]
    by_ioi = graph.inputs["articulation_bias"][graph.outputs["ioi"][0]]
    return [ioi * cold + graph.inputs["ioi_bias"], articulation * cold + by_ioi, pitch * warm + graph.inputs["pitch_bias"]]


def probabilities(wanted):
    weights = np.exp((wanted - wanted.max()).astype(np.float64))
    return weights / weights.sum()


def in_nucleus(wanted, top_p):
    """Whether what is likelier than a class does not make up `top_p` yet."""
    chances = probabilities(wanted)
    order = np.argsort(-wanted, kind="stable")
    likelier = np.cumsum(chances[order]) - chances[order]
    inside = np.zeros(len(wanted), bool)
    inside[order] = likelier < top_p
    inside[order[0]] = True
    return inside


@pytest.mark.parametrize("top_p", [0.0, 0.05, 0.3, 0.9, 0.999])
def test_a_choice_is_the_best_of_the_nucleus(graph, top_p):
    """Each choice is the largest of wanted + noise among those in the nucleus and within the tail; the nucleus decides."""
    rng, cut = np.random.default_rng(2), 0
    for _ in range(400):
        fill(graph, rng)
        graph.inputs["top_p"][:] = top_p
        graph.run()
        noises = np.split(graph.inputs["noise"], CUTS)
        for name, wanted, noise in zip(export_notes.CHOICES, wanted_of(graph), noises, strict=True):
            tail = wanted >= wanted.max() - graph.inputs["tail"]
            chosen, free = (np.where(where, wanted + noise, -np.inf).argmax() for where in (tail & in_nucleus(wanted, top_p), tail))
            assert graph.outputs[name][0] == chosen, name
            cut += free != chosen
    assert cut > 20 or top_p > 0.99


def test_a_top_p_of_one_chooses_as_if_there_were_none(graphs):
    """Over 3000 steps at random the choices and every other output are those of the graph that has only the tail."""
    now, before = map(StepGraph, graphs)
    now.inputs["top_p"][:] = 1
    for step in range(3000):
        for graph in (now, before):
            fill(graph, np.random.default_rng(step))
            graph.run()
        for name, array in before.outputs.items():
            assert np.array_equal(array, now.outputs[name]), (step, name)


def frequencies(graph, name, bias, draws=4000):
    """How often each class is chosen at one and the same step, and what was wanted. `bias`: leanings of that choice."""
    rng, fixed = np.random.default_rng(3), {"ioi": "ioi_bias", "articulation": "articulation_bias", "pitch": "pitch_bias"}
    for other, leaning in fixed.items():
        graph.inputs[leaning][:] = 0
        graph.inputs[leaning][..., 3] = FORCED if other != name else 0
    graph.inputs[fixed[name]][:] = bias
    counts = np.zeros(export_notes.CHOICES[name])
    for _ in range(draws):
        graph.inputs["noise"][:] = rng.gumbel(size=graph.inputs["noise"].shape)
        graph.run()
        counts[graph.outputs[name][0]] += 1
    return counts, wanted_of(graph)[list(fixed).index(name)]


@pytest.mark.parametrize("top_p", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("name", export_notes.CHOICES)
def test_in_the_nucleus_chances_are_what_they_were(graph, name, top_p):
    """Frequencies of 4000 draws are the probabilities of the nucleus, renormalised: chi-square within five deviations."""
    graph.inputs["top_p"][:] = top_p
    counts, wanted = frequencies(graph, name, np.random.default_rng(4).normal(0, 0.3, export_notes.CHOICES[name]))
    chances = np.where(in_nucleus(wanted, top_p), probabilities(wanted), 0)
    expected = counts.sum() * chances / chances.sum()
    assert not counts[expected == 0].any()
    often = expected >= 5
    found, due = (np.append(x[often], x[~often].sum()) for x in (counts, expected))
    found, due = found[due > 0], due[due > 0]
    assert len(found) > 1
    assert np.sum((found - due) ** 2 / due) < len(found) - 1 + 5 * np.sqrt(2 * (len(found) - 1))


@pytest.mark.parametrize("top_p", [0.0, 1e-3, 0.5, 1.0])
def test_what_is_forced_is_chosen(graph, top_p):
    """A forced class is chosen and a masked one is not, at any `top_p`, where all but one are masked too."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        fill(graph, rng)
        forced = {name: rng.integers(count) for name, count in export_notes.CHOICES.items()}
        for name, place in forced.items():
            bias = graph.inputs[f"{name}_bias"]
            bias[:] = MASKED
            bias[..., place] = rng.choice([0, FORCED])
        graph.inputs["top_p"][:] = top_p
        graph.run()
        assert {name: graph.outputs[name][0] for name in forced} == forced


def test_what_is_as_likely_as_the_last_of_the_nucleus_belongs_to_it(graph):
    """With all classes equally likely, nothing tells one half of them from the other: all are chosen."""
    graph.inputs["sharpness"][:] = 0
    graph.inputs["top_p"][:] = 0.5
    counts, _ = frequencies(graph, "articulation", 0, 400)
    assert (counts > 20).all()


def test_redrawn_it_is_the_file_that_export_writes(graphs, tmp_path):
    """A graph of before, and one of now, redrawn: byte for byte what is exported now of the same weights."""
    for n, old in enumerate(graphs):
        path = tmp_path / str(n) / "notes.onnx"
        export_notes.redraw(old, path)
        assert path.read_bytes() == graphs[0].read_bytes()


def test_redrawn_weights_return(graphs, tmp_path):
    """Training goes on from a redrawn graph with the very network that the one before it holds."""

    class Folder:
        def __init__(self, path):
            self.path = lambda name: path

    one, two = (recover.notes(Folder(path)).state_dict() for path in graphs)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_another_graph_is_not_redrawn(tmp_path):
    """A graph that chooses no note is a BundleError that names it."""
    net = acoustic.AcousticNet(torch.randn(4, 256, 32), width=32, memory=48)
    export_acoustic.export_memory(net, tmp_path / "memory.onnx")
    with pytest.raises(BundleError, match="memory.onnx"):
        export_notes.redraw(tmp_path / "memory.onnx", tmp_path / "notes.onnx")


def test_a_redrawn_bundle_is_sound(tmp_path):
    """Of the bundle that came with the program: manifest and card say what is new, all other files are as they were."""
    hum = Bundle.open(available_bundles()["hum"])
    new = Bundle.open(export_notes.redraw_bundle(hum, tmp_path / "hum"))
    assert new.check() == []
    assert "top_p" in new.manifest["graphs"]["notes"]["inputs"]
    files = [*new.manifest["graphs"].values(), *new.manifest["constants"].values()]
    assert new.manifest["bytes"] == sum((new.folder / entry["file"]).stat().st_size for entry in files)
    assert {name for name, digest in hum.hashes().items() if digest != new.hashes()[name]} <= {"notes"}
    assert new.digest() in new.card() and export_notes.REDRAWN in new.card()
    assert f"{new.manifest['bytes']:,} bytes" in new.card()
    with pytest.raises(UsageError, match="already"):
        export_notes.redraw_bundle(hum, new.folder)
