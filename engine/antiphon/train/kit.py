"""A kit for listening blind: a page, and sounds whose names and lengths tell nothing. Plain HTML, no server."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ..latency import MODEL_RATE
from . import page

FOLDER = "kit"
LONGER_S = 3.0
"""A recording that goes on for so long after the common opening is a version of itself, its hidden reference."""
_LOW_HZ = 3500  # the hidden anchor of MUSHRA (ITU-R BS.1534)


def versions(original: np.ndarray, prompt: np.ndarray, voices: list[np.ndarray]) -> dict[str, np.ndarray]:
    """What of a clip is rated, by name: its first two answers, the first one dull, and the performer going on; equally long.

    All (frames,) at 48 kHz; `original` begins with `prompt`, `voices` follow it.
    """
    made = [np.concatenate([prompt, voice]) for voice in voices[:2]]
    found = dict(zip(("answer", "other answer"), made, strict=False)) | {"anchor": _dull(made[0])}
    if len(original) > len(prompt) + LONGER_S * MODEL_RATE:
        found["reference"] = original
    frames = min(map(len, found.values()))
    return {version: sound[:frames] for version, sound in found.items()}


def _dull(sound: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / MODEL_RATE) > _LOW_HZ] = 0
    return np.fft.irfft(spectrum, len(sound))


def clip(out: Path, number: int, name: str, sounds: dict[str, np.ndarray], opening_s: float) -> dict:
    """Write a clip's versions as kit/NN-LETTER.flac and return what the page must know of them.

    Which letter is which hangs on a hash of number and version: the same in every kit, and nothing that can be guessed.
    """
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    shuffled = sorted(sounds, key=lambda version: hashlib.sha256(f"{number} {version}".encode()).digest())
    files = {f"{FOLDER}/{number:02}-{chr(ord('a') + place)}.flac": version for place, version in enumerate(shuffled)}
    for file, version in files.items():
        page.sound(out / file, sounds[version])
    return {"clip": name, "opening": round(opening_s, 1), "versions": [[version, file] for file, version in files.items()]}


def write(out: Path, trials: list[dict]) -> None:
    """Write kit.html: of each trial the versions in random order without names, a slider for each, the ratings as CSV."""
    text = _PAGE.replace("STYLE", page.STYLE).replace("TRIALS", json.dumps(trials).replace("<", "\\u003c"))
    (out / "kit.html").write_text(text, encoding="utf-8")


_PAGE = """<!doctype html><meta charset=utf-8><title>Listening blind</title><style>STYLE</style>
<h1>Listening blind</h1>
<p>Every version of a clip begins with the same seconds of a performer; then somebody, or something, goes on. How gladly would you
hear more of it? 0: stop; 50: it will do; 100: go on all evening. Use headphones, listen as often as you like, rate all versions of
a clip against each other. Versions are shuffled; what they are is in the ratings file only, and nothing is sent anywhere.</p>
<p>Listener: <input id=who placeholder="a name or number"> <button id=save>Save ratings as CSV</button> <span id=left></span></p><main></main>
<script>
const trials = TRIALS, ratings = [], main = document.querySelector("main");
const shuffled = list => list.map(x => [Math.random(), x]).sort((a, b) => a[0] - b[0]).map(x => x[1]);
let total = 0;
shuffled(trials).forEach((trial, place) => {
  main.insertAdjacentHTML("beforeend", `<h2>Clip ${place + 1}</h2><p>The first ${trial.opening} s are the same in all.</p>`);
  shuffled(trial.versions).forEach(([version, file], at) => {
    total += 1;
    const row = document.createElement("p"), letter = String.fromCharCode(65 + at);
    row.innerHTML = `${letter} <audio controls preload=none></audio> <input type=range min=0 max=100 value=50> <output>not rated</output>`;
    row.querySelector("audio").src = file;
    const slider = row.querySelector("input");
    slider.oninput = () => {
      const known = ratings.find(r => r.clip === trial.clip && r.version === version);
      if (known) known.rating = slider.value;
      else ratings.push({clip: trial.clip, version, file, place: place + 1, letter, rating: slider.value});
      row.querySelector("output").textContent = slider.value;
      document.getElementById("left").textContent = `${total - ratings.length} not rated yet`;
    };
    main.append(row);
  });
});
const quote = text => '"' + String(text).replaceAll('"', '""') + '"';
document.getElementById("save").onclick = () => {
  const who = document.getElementById("who").value, lines = ["listener,clip,version,file,place,letter,rating"];
  for (const r of ratings) lines.push([who, r.clip, r.version, r.file, r.place, r.letter, r.rating].map(quote).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\\n") + "\\n"], {type: "text/csv"}));
  link.download = "ratings.csv";
  link.click();
};
</script>
"""
