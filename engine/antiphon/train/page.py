"""The page an evaluation leaves behind: figures with pictures and players. Plain HTML, no server."""

from __future__ import annotations

import html
import math
from pathlib import Path
from urllib.parse import quote

import numpy as np
import soundfile

from ..latency import MODEL_RATE
from . import music, table

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;background:#fdfcf9;color:#222}
table{border-collapse:collapse}
td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:bottom}td+td{white-space:nowrap}
td:first-child,th:first-child{text-align:left}
.wide{overflow-x:auto;margin:.5rem 0 1rem}.small td,.small th{padding:.1rem .45rem;font-size:13px}
.met{color:#176b2c}.missed{color:#a11}.quiet{color:#777}img{max-width:100%}audio{width:20rem;vertical-align:middle}
figure{margin:1rem 0}input[type=range]{width:20rem}"""
_LOW_HZ, _HIGH_HZ, _RANGE_DB = 50, 16_000, 85
_ROWS = 480  # of a picture's spectrogram
_HIDDEN = ("clip", "finite", "prompt_voiced")
_TRUTH = (
    "What there is to reach: a recording that goes on for 4 s or more after its opening is judged as if it were an answer; for "
    "notes, two people who labelled the same clip; for pitch, the tracker itself where the pitch is known."
)
_SETS = {"clips": "recordings", "held": "own held-out set"}


def clip(out: Path, name: str, original: np.ndarray, made: np.ndarray, prompt: np.ndarray, voices: list[np.ndarray]) -> None:
    """Write the sounds and pictures of one clip, all mono at 48 kHz: original, resynthesis, prompt with each answer."""
    sound(out / f"{name}.original.flac", original)
    sound(out / f"{name}.resynthesis.flac", made)
    picture(out / f"{name}.original.png", original, None, f"{name}: original")
    picture(out / f"{name}.resynthesis.png", made, None, f"{name}: resynthesis")
    for seed, voice in enumerate(voices, 1):
        whole = np.concatenate([prompt, voice])
        sound(out / f"{name}.{seed}.flac", whole)
        picture(out / f"{name}.{seed}.png", whole, len(prompt), f"{name}: answer, seed {seed}")


def sound(path: Path, frames: np.ndarray) -> None:
    """Write (frames,) at 48 kHz as FLAC."""
    soundfile.write(path, np.clip(frames, -1, 1), MODEL_RATE, subtype="PCM_16")


def spectrogram(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level in dB on a log-frequency axis: s (columns,), Hz (_ROWS,), (_ROWS, columns).

    Low notes from a long window and the top from a short one: one window shows either steps for notes or smears for attacks.
    """
    hertz = np.geomspace(_LOW_HZ, _HIGH_HZ, _ROWS)
    hop = max(480, len(frames) // 2000)
    centres = np.arange(0, max(1, len(frames)), hop)
    levels = []
    for size in (16384, 4096, 1024):
        padded = np.pad(frames, size // 2 + hop)
        window = np.hanning(size)
        power = np.empty((len(hertz), len(centres)))
        where = hertz * size / MODEL_RATE
        for column, centre in enumerate(centres):
            spectrum = np.abs(np.fft.rfft(padded[centre + hop : centre + hop + size] * window)) * 2 / window.sum()
            power[:, column] = np.interp(where, np.arange(len(spectrum)), spectrum)
        levels.append(20 * np.log10(power + 1e-7))
    place = np.interp(np.log2(hertz), np.log2([150, 600, 2500]), [0, 1, 2])
    weights = [np.maximum(0, 1 - np.abs(place - number))[:, None] for number in range(3)]
    return centres / MODEL_RATE, hertz, sum(weight * level for weight, level in zip(weights, levels, strict=True))


def picture(path: Path, frames: np.ndarray, seam_frames: int | None, title: str) -> None:
    """Write a PNG: spectrogram 50 Hz .. 16 kHz, independent pitch track with the notes found in it, level, the seam as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    at, hertz, level = spectrogram(frames)
    line = music.track(frames, MODEL_RATE)
    figure, axes = plt.subplots(3, 1, figsize=(15, 9), height_ratios=(5, 3, 1), sharex=True, layout="constrained")
    top, middle, bottom = axes
    loudest = level.max()
    top.pcolormesh(at, hertz, level, vmin=loudest - _RANGE_DB, vmax=loudest, cmap="magma", shading="nearest", rasterized=True)
    top.set(yscale="log", ylim=(_LOW_HZ, _HIGH_HZ), ylabel="Hz", title=title)
    top.set_yticks([100, 200, 500, 1000, 2000, 5000, 10_000], ["100", "200", "500", "1k", "2k", "5k", "10k"])
    middle.plot(line.at, np.where(line.voiced, line.pitch, np.nan), color="tab:blue", linewidth=1.2)
    for note in music.notes(line):
        middle.plot([note.onset_s, note.end_s], [note.pitch] * 2, color="tab:orange", linewidth=4, alpha=0.5, solid_capstyle="butt")
    voiced = line.pitch[line.voiced]
    low, high = (np.percentile(voiced, [1, 99]) + (-2, 2)) if len(voiced) else (48, 72)
    middle.set(ylim=(low, high), ylabel="MIDI semitone")
    middle.grid(axis="y", linewidth=0.3)
    levels = music.levels_db(frames, MODEL_RATE)
    bottom.plot(np.arange(len(levels)) / 50, levels, color="black", linewidth=0.7)
    bottom.set(ylim=(-90, 0), ylabel="dB", xlabel="s", xlim=(0, len(frames) / MODEL_RATE))
    if seam_frames is not None:
        for axis, colour in zip(axes, ("lime", "green", "green"), strict=True):
            axis.axvline(seam_frames / MODEL_RATE, color=colour, linewidth=1)
    figure.savefig(path, dpi=60)
    plt.close(figure)


def index(out: Path, figures: dict) -> None:
    """Write index.html: what was asked and what came out, who fares worse, then every clip with its pictures and players."""
    title = f"Evaluation of {html.escape(str(figures['bundle']))}"
    held = any(known["held"] for known in figures["clips"].values())
    beside = ", and of held-out renders" if held else ""
    asked = (
        f"Version {_say(figures['version'])}, manifest {figures['sha256'][:12]}. At most {figures['prompt_s']:g} s of each "
        f"clip{beside}, answered for {figures['seconds']:g} s with {figures['seeds']} seeds. Judged by swift-f0 and ViSQOL; no "
        "figure settles music: listen, or use the <a href=kit.html>blind listening kit</a>."
    )
    names = list(figures["clips"])
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<h1>{title}</h1><p>{asked}</p>", _aims(figures["aims"], held), f"<p class=quiet>{_TRUTH}</p>",
        "<h2>Who fares worse</h2>", *_splits(figures["splits"]), _holds(figures["hold"]),
        "<h2>Clips</h2><p>", " · ".join(f'<a href="#{quote(name)}">{html.escape(name)}</a>' for name in names), "</p>",
        *(_clip(out, figures, name) for name in names), "<h2>The bundle's own figures</h2>", _tree(figures["bundle_figures"]),
    ]  # fmt: skip
    (out / "index.html").write_text("".join(parts), encoding="utf-8")


def _grid(head: list[str], rows: list[list[str]], small: bool = False) -> str:
    """A table of cells that are HTML already; a cell may be (class, content)."""
    cell = lambda one: f"<td class={one[0]}>{one[1]}</td>" if isinstance(one, tuple) else f"<td>{one}</td>"  # noqa: E731
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return f"<div class='wide{' small' * small}'><table><tr>{''.join(f'<th>{one}</th>' for one in head)}</tr>{body}</table></div>"


def _aims(aims: dict, held: bool) -> str:
    """The one table. What a recording's own continuation scores by the same judge is what there is to reach."""
    head = ["figure", "came out", "wanted", "of", "to reach", "ours there"]
    rows = []
    for name, row in aims.items():
        wanted = "–" if row["wanted"] is None else f"{'≤' if row.get('most') else '≥'} {row['wanted']:g}"
        worst = f"<br><span class=quiet>{html.escape(row['clip'])}</span>" if row.get("clip") else ""
        of = f"{row['how']} of {row['of']}{worst}"
        cells = [_label(name), (_colour(row), _say(row["figure"])), wanted, of, *_truth(row)]
        if held:
            other = {**row, **row["held"]} if "held" in row else None
            cells += [(_colour(other), _say(other["figure"])), str(other["of"]), *_truth(row["held"])] if other else [""] * 4
        rows.append(cells)
    return _grid(head + (["own held-out set", "of", "to reach", "ours there"] if held else []), rows, small=held)


def _label(name: str) -> str:
    return html.escape(table.LABELS.get(name, name))


def _truth(row: dict) -> list[str]:
    truth = row.get("truth")
    return [f"{_say(truth['figure'])} (of {truth['of']})", _say(truth["ours"])] if truth else ["", ""]


def _splits(splits: dict) -> list[str]:
    """A table a way of splitting and a set: groups beside each other, with how many clips each has."""
    found = []
    for key, ways in splits.items():
        for way, groups in ways.items():
            head = ["", *(f"{html.escape(group)} ({len(one['clips'])})" for group, one in groups.items())]
            names = next(iter(groups.values()))["rows"]
            rows = [[_label(name), *(_say(one["rows"][name][0]) for one in groups.values())] for name in names]
            said = [row for row in rows if any(cell != "–" for cell in row[1:])]
            table_of = _grid(head, said, small=True)
            found.append(f"<details {'open' * (key == 'clips')}><summary>{_SETS[key]}, by {way}</summary>{table_of}</details>")
    return found


def _holds(holds: list[dict]) -> str:
    """Every hold in tenths."""
    found = []
    for one in holds:
        said = ", ".join(f"{name} {'stays' if kept else '–' if kept is None else 'drifts'}" for name, kept in one["stays"].items())
        rows = [[name, *map(_say, values)] for name, values in one.items() if isinstance(values, list)]
        found.append(f"<h3>Hold of {one['seconds']:.0f} s, seed {one['seed']}, from {html.escape(one['clip'])}</h3><p>{said}</p>"
                     + _grid(["tenth", *map(str, range(1, 11))], rows, small=True))  # fmt: skip
    return "".join(["<h2>Holding</h2>", *found]) if found else ""


def _clip(out: Path, figures: dict, name: str) -> str:
    known = figures["clips"][name]
    answers = [one for one in figures["truth"] + figures["answers"] if one["clip"] == name]
    keys = [key for key in answers[0] if key not in _HIDDEN] if answers else []
    label = lambda key, value: "the recording itself" if key == "seed" and value == 0 else _say(value)  # noqa: E731
    said = lambda part: ", ".join(f"{key} {_say(value)}" for key, value in figures[part].get(name, {}).items())  # noqa: E731
    rows = [[label(key, one[key]) for key in keys] for one in answers]
    what = ["original", "resynthesis", *(str(one["seed"]) for one in answers if one["seed"])]
    kind = f"{known['class']}, {known['range']}, {known['family']}, {known['seconds']:g} s"
    return (
        f'<h3 id="{html.escape(name, quote=True)}">{html.escape(name)}</h3><p>{kind}<br>'
        f"heard: {said('hearing')}<br>resynthesis: {said('resynthesis')}</p>"
        + _grid([key.replace("_", " ") for key in keys], rows, small=True)
        + "".join(_player(name, one) for one in what if (out / f"{name}.{one}.flac").is_file())
    )


def _player(name: str, what: str) -> str:
    name = quote(name)
    said = f"answer, seed {what}" if what.isdigit() else what
    return (f'<figure><figcaption>{said} <audio controls preload=none src="{name}.{what}.flac"></audio></figcaption>'
            f'<a href="{name}.{what}.png"><img loading=lazy src="{name}.{what}.png"></a></figure>')  # fmt: skip


def _tree(content: dict) -> str:
    """Nested tables as a nested list."""
    say = lambda value: _tree(value) if isinstance(value, dict) else f": {_say(value)}"  # noqa: E731
    inside = (f"<li>{html.escape(str(key))}{say(value)}" for key, value in content.items())
    return f"<ul>{''.join(inside)}</ul>"


def _colour(row: dict) -> str:
    return {True: "met", False: "missed", None: "quiet"}[table.met(row)]


def _say(value) -> str:
    if isinstance(value, float):
        return "–" if not math.isfinite(value) else f"{value:g}" if value.is_integer() else f"{value:.3g}"
    return "–" if value is None else html.escape(str(value))
