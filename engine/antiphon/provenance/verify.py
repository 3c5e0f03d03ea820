"""What can be said of a file: whether it was made with Antiphon, where, in which take, and what it says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ..errors import UsageError
from ..home import home
from . import keys as own_keys
from .code import Payload
from .detect import CHANCE, Detector, Finding, Found, join
from .sounds import Sound, open_sound

_MOST_CHANNELS = 8
_SHORT_S = 5.0
_TELLING_S = 10.0
_SPANS = 12


@dataclass
class Report:
    """All that `verify` says. `channel`: what was looked at. `key_names`: of each key id, whose it is, in words.

    `credentials` is what C2PA says, None where that cannot be read here. `undecided` are lines.
    """

    sound: Sound
    finding: Finding
    channel: str
    key_names: dict[str, str]
    takes: dict[str, dict | None] = field(default_factory=dict)
    credentials: object | None = None
    undecided: list[str] = field(default_factory=list)

    @property
    def marked(self) -> bool:
        return self.finding.marked

    def spans(self) -> list[dict]:
        """Give the seconds' labels as runs: from, to (seconds) and label."""
        found, at = [], 0
        for label, run in groupby(self.finding.labels):
            count = len(list(run))
            found.append({"from": at, "to": min(at + count, round(self.finding.seconds, 3)), "label": label})
            at += count
        return found

    def as_json(self) -> dict:
        """Give it as one document."""
        return {
            "file": str(self.sound.path),
            "seconds": round(self.finding.seconds, 3),
            "samplerate": self.sound.samplerate,
            "channels": self.sound.channels,
            "decoder": self.sound.decoder,
            "looked_at": self.channel,
            "marked": self.marked,
            "p_value": self.finding.p_value,
            "threshold": CHANCE,
            "parts": [
                {"from": round(p.first, 2), "to": round(p.last, 2), "z": round(p.z, 1), "layer": p.layer,
                 "speed": round(p.speed, 6), "tempo": round(p.tempo, 4), "pitch": round(p.pitch, 4),
                 "pattern_s": round(p.pattern_s, 4)}
                for p in self.finding.parts
            ],
            "seconds_are": self.finding.labels,
            "where": self.spans(),
            "payloads": [self._payload(one) for one in self.finding.payloads],
            "credentials": self.credentials.as_json() if self.credentials is not None else None,
            "undecided": self.undecided,
        }

    def _payload(self, one: Found) -> dict:
        return {
            "payload": one.payload.hex, "take": f"{one.payload.take:06x}", "started": one.payload.started,
            "key": one.key_id, "key_is": self.key_names.get(one.key_id, one.key_id),
            "from": round(one.first, 2), "to": round(one.last, 2), "z": round(one.z, 1), "found": self.takes.get(one.payload.hex),
        }

    def lines(self) -> list[str]:
        """Say it in plain words."""
        path, finding = self.sound.path, self.finding
        if not self.marked:
            said = [f"{path}: no mark of Antiphon was found"]
        else:
            said = [f"{path}: made with Antiphon (the chance that a sound without a mark looks like this is at most "
                    f"{finding.p_value:.0e})"]
            spans = [span for span in self.spans() if span["to"] - span["from"] >= 0.5]
            said += [f"  {_clock(span['from'])} to {_clock(span['to'])}: {_WORDS[span['label']]}" for span in spans[:_SPANS]]
            if len(spans) > _SPANS:
                said.append(f"  and {len(spans) - _SPANS} more changes; --json has every second")
            said += [f"  since it was made: {words}" for words in dict.fromkeys(_changes(p) for p in finding.parts) if words]
        for one in finding.payloads:
            when = f", begun {one.payload.started}" if one.payload.started else ""
            said.append(f"  take {one.payload.take:06x}{when}, marked by {self.key_names.get(one.key_id, one.key_id)}, "
                        f"{_clock(one.first)} to {_clock(one.last)}")
            take = self.takes.get(one.payload.hex)
            if take:
                said.append(f"  it points to {take.get('folder', '?')}")
                said += [f"  {line}" for line in _nearest(take.get("answers") or ())]
        if self.credentials is not None:
            said += [f"  {line}" for line in self.credentials.lines()]
        return said + [f"  undecided: {line}" for line in self.undecided]


_WORDS = {
    "performed": "sound without a mark: a performer, or another source", "generated": "the voice that Antiphon generated",
    "both": "the voice with other sound", "silence": "silence", "undecided": "could be either",
}


def verify(path: str | Path, key_file: str | Path | None = None, public_only: bool = False) -> Report:
    """Look at a file. Raises UsageError for what is no sound.

    The mean of the channels is looked at; where it has no mark, each of up to 8 channels by itself, for the noise at its own
    speed only. `key_file`: an exported file of keys, tried beside the installation's; `public_only`: no keys at all.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; of a take, ask: antiphon take verify {path}")
    sound = open_sound(path)
    keys, names = _keys(key_file, public_only)
    finding = _look(sound, Detector(keys), None)
    if not finding.seconds:
        raise UsageError(f"{path}: holds no sound (0 frames)")
    channel = "the mean of its channels" if sound.channels > 1 else "its only channel"
    channels = min(sound.channels, _MOST_CHANNELS)
    if channels > 1:  # half of the chance of a false alarm is for the mean, half for the channels
        finding.p_value = min(1.0, finding.p_value * 2)
    if not finding.marked and sound.apart():
        for index in range(channels):
            alone = _look(sound, Detector(keys, deep=False), index)
            alone.p_value = min(1.0, alone.p_value * 2 * channels)
            if alone.marked:
                finding, channel = alone, f"channel {index + 1} alone"
                break
    report = Report(sound, finding, channel, names, credentials=_credentials(path))
    report.takes = {one.payload.hex: find_take(one.payload) for one in finding.payloads}
    report.undecided = _undecided(report, keys, public_only)
    return report


def find_take(payload: Payload) -> dict | None:
    """Look up what a payload points to in the player's list, takes.jsonl: {"payload", "folder", "started", ...}, the newest; or None."""
    found = None
    try:
        with open(home() / "takes.jsonl", encoding="utf-8", errors="replace") as file:
            for line in file:
                if payload.hex in line:
                    entry = _entry(line)
                    if entry and entry.get("payload") == payload.hex:
                        found = entry
    except OSError:
        return None
    return found


def _entry(line: str) -> dict | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _look(sound: Sound, detector: Detector, channel: int | None) -> Finding:
    finding = Finding(0.0)
    for stretch in sound.stretches(channel):
        join(finding, detector.stretch(stretch))
    return finding


def _keys(key_file: str | Path | None, public_only: bool) -> tuple[list[tuple[str, bytes]], dict[str, str]]:
    """Give the keys to try, and of each whose it is."""
    if public_only:
        return [], {}
    found: dict[str, tuple[bytes, str]] = {}
    for key in own_keys.read(key_file) if key_file else []:
        found[key.id] = (key.secret, f"a key of {key_file}")
    for key in own_keys.known():
        foreign = key.path is not None and key.path.name.startswith("other-")
        found.setdefault(key.id, (key.secret, "a key brought from elsewhere" if foreign else "this installation"))
    return [(name, secret) for name, (secret, _) in found.items()], {name: words for name, (_, words) in found.items()}


def _credentials(path: Path) -> object | None:
    try:
        from . import credentials
    except ImportError:
        return None
    return credentials.read(path)


def _undecided(report: Report, keys: list, public_only: bool) -> list[str]:
    finding, said = report.finding, []
    heard = sum(label != "silence" for label in finding.labels)
    if not heard:
        return ["there is only silence, and silence carries no mark"]
    if not finding.marked:
        if heard < _SHORT_S:
            said.append(f"only {heard} s are not silent; a mark needs about {_SHORT_S:.0f}")
        said.append("that no mark was found does not prove that nobody and nothing else made it, nor that a mark was not removed")
        return said
    if public_only:
        said.append("which take: keys were not to be used")
    elif not keys:
        said.append("which take: there is no key here; only who has the installation's key can read that")
    elif not finding.payloads:
        said.append("which take: it was marked by an installation whose key is not here, or too little of the payload is left "
                    f"(it takes about {_TELLING_S:.0f} s of clear voice)")
    unclear = sum(label == "undecided" for label in finding.labels)
    if unclear and any(part.layer == "bands" for part in finding.parts):
        said.append(f"who is heard in {unclear} s: the sound was stretched, moved in pitch or damaged; half of the mark is lost")
    elif unclear:
        said.append(f"who is heard in {unclear} s")
    return said


def _nearest(answers) -> list[str]:
    """Say of answers, as the take's log has them, what they were nearest to."""
    said = []
    for number, answer in enumerate(answers[:_SPANS], 1):
        shares = [(share["name"], share["share"]) if isinstance(share, dict) else share for share in answer.get("shares", ())]
        told = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares)
        said += [f"answer {number}: {told}"] if told else []
    return said + ([f"and {len(answers) - _SPANS} more answers"] if len(answers) > _SPANS else [])


def _changes(part) -> str:
    said = []
    if abs(part.speed - 1) > 2e-4:
        said.append(f"played {100 * abs(part.speed - 1):.2f} % {'faster' if part.speed > 1 else 'slower'}")
    if abs(part.tempo - 1) > 1e-3:
        said.append(f"stretched to {100 * part.tempo:.1f} % of its length")
    if abs(part.pitch - 1) > 1e-3:
        said.append(f"moved in pitch by {100 * (part.pitch - 1):+.1f} %")
    return ", ".join(said)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
