"""The page of a receipt: one file that needs nothing else, its text escaped, its pictures XML with a title and a description."""

import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from antiphon.errors import UsageError
from antiphon.suite import catalogue, plots, receipt, table
from antiphon.suite.figures import Goal
from antiphon.suite.listing import number
from antiphon.suite.page import page, write_page
from suite_receipts import END, HEAD, bursty, figure, nothing, rich, tally, text, value

ROOT = Path(__file__).resolve().parents[2]
RECEIPT = ROOT / "bench/results/suite.jsonl"
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br", "link", "img", "input", "hr", "col"}


class Tree(HTMLParser):
    """Holds that every element is closed where it should be, and gathers what a page has."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.links, self.words, self.outside = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        told = dict(attributes)
        assert len(told) == len(attributes)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if "href" in told else []
        self.outside += [told[name] for name in ("src", "srcset", "data", "action") if name in told]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style",):
            self.words.append(data)


def made(*lines, head=HEAD, end=END):
    return page(receipt.parse(text(*lines, head=head, end=end)))


def pictures(html):
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


@pytest.fixture(scope="module")
def html():
    return made(*rich(np.random.default_rng(1)))


def test_the_page_is_one_file_that_needs_nothing_else(html):
    """No script, no picture, font or sheet from elsewhere; links go to the page itself, and to what is there."""
    tree = Tree(html)
    assert "script" not in tree.tags
    assert tree.outside == []
    assert not re.search(r"@import|url\(", html)
    assert [link for link in tree.links if not link.startswith("#") or link[1:] not in tree.ids] == []
    assert len(set(tree.ids)) == len(tree.ids)


def test_what_a_receipt_says_is_text(html):
    """Names with < > & and quotes are seen as they are, in tables and in pictures, and make no element."""
    tree = Tree(html)
    assert 'full <b>"&' in tree.words
    assert any("there is none <here>" in word for word in tree.words)
    assert not {"b>", "here", "i>"} & set(tree.tags)
    assert any('full <b>"&' in picture.findtext(f"{SVG}title") for picture in pictures(html))


@pytest.mark.parametrize("place", ["cpu", "kernel", "python"])
def test_a_machine_that_calls_itself_markup_is_only_named(place):
    """A device named <b>"& does not make the page bold."""
    odd = HEAD | {"machine": HEAD["machine"] | {place: '<b>"&'}, "command": ["<script>alert(1)</script>"]}
    tree = Tree(made(figure("f", [1.0, 2.0]), head=odd))
    assert "script" not in tree.tags
    assert any('<b>"&' in word for word in tree.words)


def test_every_picture_is_told_to_those_who_do_not_see_it(html):
    """Each SVG is well-formed, an image with a title and a description, whose ids are its own."""
    found = pictures(html)
    assert len(found) >= 8
    for picture in found:
        assert picture.get("role") == "img"
        named = [picture.find(f"{SVG}{tag}") for tag in ("title", "desc")]
        assert picture.get("aria-labelledby").split() == [element.get("id") for element in named]
        assert all(element.text.strip() for element in named)


def test_no_picture_leaves_its_frame(html):
    """All that is drawn is finite and lies inside the picture's own bounds."""
    for picture in pictures(html):
        width, height = map(float, picture.get("viewBox").split()[2:])
        for path in picture.iter(f"{SVG}path"):
            assert not re.search("nan|inf", path.get("d"))
            for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d")):
                assert -1 <= float(x) <= width + 1
                assert -1 <= float(y) <= height + 1
        for rect in picture.iter(f"{SVG}rect"):
            assert 0 <= float(rect.get("x")) <= float(rect.get("x")) + float(rect.get("width")) <= width
        for label in picture.iter(f"{SVG}text"):
            assert -1 <= float(label.get("x")) <= width + 1
            assert 0 <= float(label.get("y")) <= height + 1


def test_missed_goals_stand_first(html):
    """The table of goals begins with what was missed; above it stands how many were met."""
    goals = html[html.index("id='goals'") :]
    states = re.findall(r"class='(met|missed)'>", goals[: goals.index("</table>")])
    assert states == ["missed", "missed", "met"]
    assert "1<small> of 3</small>" in html


def test_a_goal_of_what_was_not_measured_is_missed():
    """It stands among the missed, with nothing found, and its link goes to why there is nothing; in the terminal, too."""
    lines = [figure("f", [1.0, 2.0], goal=Goal("max", "<=", 3.0)), nothing("gone", Goal("p99", "<=", 30.0, "a wish"))]
    told = made(*lines, lines[1])
    Tree(told)
    goals = told[told.index("id='goals'") :]
    assert re.findall(r"class='(met|missed)'>", goals[: goals.index("</table>")]) == ["missed", "missed", "met"]
    assert "nothing was measured" in goals
    assert len(set(Tree(told).ids)) == len(Tree(told).ids)
    assert [link for link in Tree(told).links if link[1:] not in Tree(told).ids] == []
    text_of = table.as_text(receipt.parse(text(*lines)))
    assert text_of.splitlines() == ["1 of 2 goals met (1 of them on so few events that it says little), missed:", "  b: gone: p99 ≤ 30, nothing was measured (a wish)"]


def test_many_goals_that_were_met_unfold():
    """What was missed is seen at once; of more than a dozen that were met their number is."""
    lines = [figure(f"f{k}", [1.0, 2.0], goal=Goal("max", "<=", 3.0 if k else 1.0)) for k in range(20)]
    told = made(*lines)
    goals = told[told.index("id='goals'") :]
    assert goals.index("missed</span>") < goals.index("<details") < goals.index("19 met") < goals.index("met</span>")
    Tree(told)


def test_what_is_of_too_few_events_is_pale():
    """The 99th percentile of 30 events is their largest, and looks it."""
    assert made(figure("f", np.arange(30.0))).count("<td class='n few'>") == 2
    assert made(figure("f", np.arange(3000.0))).count("<td class='n few'>") == 0


def test_figures_stand_in_tables_with_their_statistics(html):
    """Each figure has a row with a heading, in a table with column headings; nothing of it is only in a picture."""
    rows = [
        row
        for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL)
        if "full &lt;b&gt;" in row and f"id='b-{zlib.crc32(b'full <b>' + bytes([34, 38])):08x}'" in row
    ]
    line = receipt.parse(text(*rich(np.random.default_rng(1)))).figure("b", 'full <b>"&')
    assert len(rows) == 1
    assert "scope='row'" in rows[0]
    for name in ("p50", "p99", "p99.9"):
        assert f">{number(line[name])}<" in rows[0]
    assert html.count("scope='col'") >= 20


def test_every_late_step_is_marked():
    """A flag and a line for each mark, and their times in words."""
    marks = [[float(t), "late"] for t in range(1, 38)]
    html = made({"kind": "timeline", "bench": "b", "name": "n", "unit": "ms", "t_s": [0, 50], "values": [1, 2], "marks": marks})
    for picture in pictures(html):
        flags = next(path for path in picture.iter(f"{SVG}path") if path.get("class") == "flag")
        assert flags.get("d").count("M") == 37
    assert "37.00 s late" in html


def test_a_peak_of_one_point_is_seen():
    """A course of 2,000 points in fewer columns keeps its highest and its lowest value."""
    values = np.ones(2000)
    values[777], values[1234] = 9, 0.1
    path = plots._course(np.linspace(0, 300, 2000), values)
    assert " 9.0" in path
    assert " 0.1" in path


def test_a_waterfall_is_a_sum():
    """Each term begins where the one before it ended; the last two bars are the sum and what was measured."""
    line = {
        "kind": "waterfall",
        "name": "w",
        "terms": [["a", 100], ["b", 0], ["c", 300]],
        "samplerate": 48000,
        "measured_frames": 410.0,
    }
    bars = [(float(r.get("x")), float(r.get("width"))) for r in ElementTree.fromstring(plots.waterfall(line)).iter(f"{SVG}rect")]
    assert len(bars) == 5
    assert bars[2][0] == pytest.approx(bars[0][0] + bars[0][1], abs=0.2)
    assert bars[3] == pytest.approx((bars[0][0], bars[0][1] + bars[2][1]), abs=0.2)
    assert bars[4][1] / bars[3][1] == pytest.approx(410 / 400, abs=0.01)


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 9,
        [0.0] * 9,
        [-3.0] * 9,
        [-1.0, 0.0, 1.0] * 9,
        [1e-9, 1e9] * 9,
        [-1e6, 1e-3, 1e6] * 9,
        [5.0, 5.000001] * 9,
        list(range(2000)),
        [0.0] * 2000 + [1e5],
        [-20.0, -19.9] * 900,
    ],
)
def test_any_values_can_be_drawn(values):
    """Zero, negative, all alike or twelve decades apart: a picture with bars for all of them, whatever the control and the goal."""
    line = figure("f", values, goal=[Goal("p99", "<=", 3.0), Goal("max", ">=", -1e12), Goal("p50", "==", 0.0)])
    for control in (None, figure("c", [2.0, 3.0] * 9), figure("c", [-2.0, 0.0] * 9)):
        picture = ElementTree.fromstring(plots.histogram(line, control))
        own = next(path for path in picture.iter(f"{SVG}path") if path.get("class") == "own")
        assert "H" in own.get("d")
        assert not re.search("nan|inf", own.get("d"))


def test_a_histogram_has_all_events():
    """Shares of the bars add up to one, of exact and of rounded events."""
    for count in (500, 5000):
        line = figure("f", bursty(np.random.default_rng(1), count=count))
        values, counts = plots._events(line)
        axis = plots.Axis.over(values, 48, 446)
        inside = np.histogram(values, plots._edges(axis, 72, exact=count == 500), weights=counts)[0].sum()
        assert inside == pytest.approx(counts.sum())


def test_a_log_axis_has_round_numbers_inside_it():
    """Between two and seven of them, in order, whatever it spans."""
    for low, high in ((1, 2), (0.9, 1.1), (3, 4000), (1e-6, 1e6), (639.9, 640.1), (1, 9.99)):
        ticks = plots.Axis(low, high, 0, 400).ticks(7)
        assert 2 <= len(ticks) <= 8
        assert ticks == sorted(ticks)
        assert low <= ticks[0] <= ticks[-1] <= high


def test_a_page_stays_small():
    """With eighty figures of 30,000 events beside their controls and ten timelines it is below 1.5 MB."""
    random = np.random.default_rng(1)
    one, empty = figure("f", bursty(random, count=30000), control="c"), figure("c", bursty(random, count=30000, middle=1))
    course = {
        "kind": "timeline",
        "unit": "ms",
        "t_s": np.linspace(0, 600, 2000).tolist(),
        "values": random.random(2000).tolist(),
        "marks": [[float(t), "late"] for t in random.uniform(0, 600, 500)],
    }
    lines = [one | {"bench": f"b{k // 8}", "name": f"f{k}"} for k in range(80)] + [empty | {"bench": f"b{k}"} for k in range(10)]
    lines += [course | {"bench": f"b{k}", "name": "t"} for k in range(10)]
    assert len(made(*lines)) < 1_500_000


def test_the_same_receipt_makes_the_same_page(html):
    """To the byte: a page in the history changes only where its receipt did."""
    assert made(*rich(np.random.default_rng(1))) == html


def test_a_broken_or_empty_receipt_makes_a_page_of_what_there_is(tmp_path):
    """Interrupted, cut off, without a figure, with lines of which half is missing: said at the top, and no traceback."""
    assert "broken off" in made(figure("f", [1.0, 2.0]), end=None)
    assert "interrupted" in made(figure("f", [1.0, 2.0]), end=END | {"interrupted": True})
    Tree(made())
    odd = [
        {"kind": "figure", "bench": "b", "name": "x"},
        {"kind": "timeline", "bench": "b", "name": "x", "t_s": [1], "values": []},
        {"kind": "waterfall", "bench": "b", "name": "x", "terms": [["a"]], "samplerate": 0},
        figure("x", [1.0] * 9) | {"events": {}},
        {"kind": "skip", "bench": "b", "name": "", "why": "why not"},
    ]
    told = made(*odd, head={"kind": "receipt", "version": 1})
    assert "3 lines unreadable" in told
    assert "why not" in told
    Tree(told)
    for content in ("", "{}", "<html>"):
        (tmp_path / "bad").write_text(content)
        with pytest.raises(UsageError):
            write_page(tmp_path / "bad", tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


def test_a_page_that_cannot_be_written_is_told(tmp_path):
    """One line with the place, no traceback; lines may be given as well as a file."""
    lines = text(figure("f", [1.0, 2.0])).splitlines()
    assert write_page(lines, tmp_path / "x.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(UsageError, match="cannot be written"):
        write_page(lines, tmp_path / "none" / "x.html")


# README's table


def answers():
    """Lines that answer some of the table's questions."""
    exact = figure("exact", [20.0, 22.0, 28.5], bench="mic_to_reply", unit="ms", control="through, exact")
    exact["means"] = "every change that shows: 3 of 4"
    return [
        exact,
        figure("live", np.arange(1.0, 102.0), bench="mic_to_reply", unit="ms"),
        figure("through, exact", [28.5, 28.5], bench="mic_to_reply", unit="ms"),
        tally("ISR", 2999, 3000, bench="step", control="ISR, only counting"),
        tally("ISR, only counting", 3000, 3000, bench="step"),
        value("voice, 48000 Hz, 128", 2083, bench="round_trip")
        | {"settings": {"printed": 2083.0, "samplerate": 48000, "blocksize": 128}},
    ]


def test_the_table_answers_what_the_receipt_can():
    """A row for each question that is answered, in their order, with the control beside it; the others are left out."""
    lines = table.markdown(receipt.parse(text(*answers(), figure("other", [1.0]))))
    assert lines[0].count("Test CPU") == 1
    assert "Test CPU" not in "".join(lines[1:])
    assert lines[4:] == [
        "| your sound to the reply, to the frame | 22 ms | – | 28.5 ms | 3 | 28.5 ms (max) |",
        "| your sound to the reply, live | 51 ms | 100 ms | 101 ms | 101 |  |",
        "| round trip of the voice through the device | 2,083 frames = 43.4 ms (printed sum: 2,083) |  |  |  |  |",
        "| steps in time (ISR) | 2,999 of 3,000 (99.97 %) |  |  |  | 3,000 of 3,000 (100 %) |",
        "",
        "Your sound to the reply, to the frame: every change that shows: 3 of 4.",
    ]
    assert {line.count("|") for line in lines[2:-2]} == {7}
    assert len(table.markdown(receipt.parse(text(figure("other", [1.0]))))) == 1


def test_the_terminal_has_the_same_rows_and_what_was_missed():
    """After a run: the answers, how many goals were met, and those that were not, each in a line."""
    missed = tally("late", 2, 10, goal=Goal("happened", "==", 0, "none of ours"))
    told = table.as_text(receipt.parse(text(*answers(), missed))).splitlines()
    assert told[1].split() == [
        "your",
        "sound",
        "to",
        "the",
        "reply,",
        "to",
        "the",
        "frame",
        "22",
        "ms",
        "–",
        "28.5",
        "ms",
        "3",
        "28.5",
        "ms",
        "(max)",
    ]
    assert told[-2:] == ["0 of 1 goals met, missed:", "  b: late: happened = 0, found 2 (none of ours)"]
    assert table.as_text(receipt.parse(text(figure("other", [1.0])))) == ""


def test_an_answer_without_an_event_is_a_row_that_says_so():
    """What had a goal and no event is not left out of the table."""
    gone = nothing("exact", Goal("p99", "<=", 30.0), bench="mic_to_reply")
    told = receipt.parse(text(gone, figure("exact", [1.0], bench="trigger_to_voice")))
    assert table.markdown(told)[4] == "| your sound to the reply, to the frame | nothing was measured |  |  |  |  |"
    assert table.as_text(told).splitlines()[1].endswith("nothing was measured")


def test_every_question_is_about_a_benchmark_that_there_is():
    """No row asks a benchmark that the suite does not have."""
    assert {question.bench for question in table.QUESTIONS} <= set(catalogue.NAMES)


@pytest.mark.skipif(not RECEIPT.exists(), reason="no receipt of the suite is kept in bench/results yet")
def test_the_readme_has_the_table_of_the_receipt_that_is_kept():
    """README's latency table is that of bench/results/suite.jsonl, as bench/show.py prints it with --markdown."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = readme.index(table.BEGIN) + len(table.BEGIN)
    kept = readme[begin : readme.index(table.END, begin)].strip("\n")
    assert kept == "\n".join(table.markdown(receipt.read(RECEIPT)))
    assert len(kept.splitlines()) > 8
