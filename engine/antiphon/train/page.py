"""The page an evaluation leaves behind: figures with pictures and players. Plain HTML, no server."""

from __future__ import annotations

import html
import math
from pathlib import Path
from urllib.parse import quote

import numpy as np
import soundfile

from ..latency import MODEL_RATE
from . import music

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;background:#fdfcf9;color:#222}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}
.met{color:#176b2c}.missed{color:#a11}img{max-width:100%}audio{width:16rem;vertical-align:middle}figure{margin:1rem 0}input[type=range]{width:20rem}"""


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


def picture(path: Path, frames: np.ndarray, seam_frames: int | None, title: str) -> None:
    """Write a PNG: log-frequency spectrogram 50 Hz .. 12 kHz, independent pitch track, level, the seam as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(15, 8), height_ratios=(5, 1), sharex=True, layout="constrained")
    spectrum, freqs, times, _ = top.specgram(frames, NFFT=4096, noverlap=3072, Fs=MODEL_RATE, scale="linear")
    top.clear()
    level = 10 * np.log10(spectrum + 1e-14)
    top.pcolormesh(times, freqs[1:], level[1:], vmin=level.max() - 85, vmax=level.max(), cmap="magma", shading="nearest", rasterized=True)
    top.set(yscale="log", ylim=(50, 12000), ylabel="Hz", title=title)
    line = music.track(frames, MODEL_RATE)
    top.plot(line.at, np.where(line.voiced, 440 * 2 ** ((line.pitch - 69) / 12), np.nan), color="cyan", linewidth=1)
    levels = music.levels_db(frames, MODEL_RATE)
    bottom.plot(np.arange(len(levels)) / 50, levels, color="black", linewidth=0.7)
    bottom.set(ylim=(-90, 0), ylabel="dB", xlabel="s")
    if seam_frames is not None:
        for axis in (top, bottom):
            axis.axvline(seam_frames / MODEL_RATE, color="lime", linewidth=1)
    figure.savefig(path, dpi=60)
    plt.close(figure)


def index(out: Path, figures: dict) -> None:
    """Write index.html: what was asked and what came out, then every clip with its pictures and players."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td class={_met(row)}>{_say(row['figure'])}</td><td>{row['wanted']}</td>"
        f"<td>{row['how']} of {row['of']}</td></tr>"
        for name, row in figures["aims"].items()
    )
    clips = []
    for name, quality in figures["resynthesis"].items():
        answers = [one for one in figures["answers"] if one["clip"] == name]
        said = ", ".join(f"{key} {_say(value)}" for key, value in quality.items())
        parts = [f"<h2>{html.escape(name)}</h2><p>resynthesis: {said}</p>", _player(name, "original"), _player(name, "resynthesis")]
        keys = [key for key in answers[0] if key not in ("clip", "finite")] if answers else []
        parts.append("<table><tr>" + "".join(f"<th>{key}</th>" for key in keys) + "</tr>" + "".join(
            "<tr>" + "".join(f"<td>{_say(one[key])}</td>" for key in keys) + "</tr>" for one in answers) + "</table>")
        parts += [_player(name, str(one["seed"])) for one in answers]
        clips.append("".join(parts))
    (out / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>Evaluation of {html.escape(str(figures['bundle']))}</title><style>{STYLE}</style>"
        f"<h1>Evaluation of {html.escape(str(figures['bundle']))}</h1><p>At most {figures['prompt_s']:g} s of each clip, answered for "
        f"{figures['seconds']:g} s with {figures['seeds']} seeds. Judged by swift-f0 and ViSQOL; no figure settles music: "
        f"listen, or use the <a href=kit.html>blind listening kit</a>.</p>"
        f"<table><tr><th>figure</th><th>came out</th><th>wanted</th><th></th></tr>{rows}</table>{''.join(clips)}",
        encoding="utf-8",
    )


def _player(name: str, what: str) -> str:
    name = quote(name)
    return f'<figure><figcaption>{what} <audio controls preload=none src="{name}.{what}.flac"></audio></figcaption><img loading=lazy src="{name}.{what}.png"></figure>'


def _met(row: dict) -> str:
    return "met" if row["figure"] >= row["wanted"] else "missed"


def _say(value) -> str:
    return "–" if isinstance(value, float) and math.isnan(value) else f"{value:.3g}" if isinstance(value, float) else html.escape(str(value))
