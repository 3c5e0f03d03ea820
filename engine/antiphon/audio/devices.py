"""Which sound devices there are, and which one a person means."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..errors import DeviceError, nearest

NO_PORTAUDIO = "PortAudio is not installed, so no sound device can be opened; sudo apt install libportaudio2"
NO_SOUNDDEVICE = "the package sounddevice is not installed, so no sound device can be opened; pip install sounddevice"


@dataclass(frozen=True)
class Device:
    """One device as PortAudio lists it; `index` is valid until the list is read anew."""

    index: int
    name: str
    host: str
    in_channels: int
    out_channels: int
    samplerate: int
    default_input: bool
    default_output: bool

    def __str__(self) -> str:
        return f"{self.index} {self.name!r} ({self.host}, {self.in_channels} in, {self.out_channels} out)"


def load_sounddevice():
    """Import sounddevice, which starts PortAudio; raise DeviceError that says what to install."""
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(NO_PORTAUDIO) from error
    except ImportError as error:
        raise DeviceError(NO_SOUNDDEVICE) from error
    except Exception as error:  # sounddevice raises its own type when PortAudio cannot start
        raise DeviceError(f"PortAudio does not start: {error}; is another program holding the device?") from error
    return sounddevice


def list_devices(sounddevice=None) -> list[Device]:
    """List all devices; an empty list where there are none. Raises DeviceError where PortAudio is missing."""
    sounddevice = sounddevice or load_sounddevice()
    try:
        hosts, found = sounddevice.query_hostapis(), sounddevice.query_devices()
        default_in, default_out = (_default(sounddevice, kind) for kind in ("input", "output"))
    except Exception as error:
        raise DeviceError(f"PortAudio does not list its devices: {error}") from error
    return [
        Device(
            index=index,
            name=str(entry["name"]),
            host=str(hosts[entry["hostapi"]]["name"]),
            in_channels=int(entry["max_input_channels"]),
            out_channels=int(entry["max_output_channels"]),
            samplerate=round(entry["default_samplerate"]),
            default_input=index == default_in,
            default_output=index == default_out,
        )
        for index, entry in enumerate(found)
    ]


def choose(devices: list[Device], wanted: str | int | None, kind: str) -> Device:
    """Find the one device that `wanted` means for `kind`, "input" or "output".

    `wanted` is an index, an exact name ("name" or "name, host"), or a part of a name that only one device has; None
    is the system's default. Raises DeviceError with the candidates where several fit and the nearest where none does.
    """
    able = [d for d in devices if (d.in_channels if kind == "input" else d.out_channels) > 0]
    if not able:
        without = "--input none plays without a microphone" if kind == "input" and devices else "--driver dummy plays without one"
        raise DeviceError(f"no sound device with an {kind}; `antiphon devices` lists what there is, {without}")
    if wanted is None:
        default = [d for d in able if (d.default_input if kind == "input" else d.default_output)]
        return (default or able)[0]
    text = str(wanted).strip()
    if text.lstrip("-").isdigit():
        return _by_index(devices, able, int(text), kind)
    folded = text.lower()
    full = [d for d in able if folded == f"{d.name}, {d.host}".lower()]
    exact = [d for d in able if folded == d.name.lower()]
    part = [d for d in able if folded in f"{d.name}, {d.host}".lower()]
    for fitting in (full, exact, part):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise DeviceError(
                f"{kind} device {text!r} is ambiguous; write the index or 'name, host' of one of: {_shown(fitting)}"
            )
    near = nearest(text, [d.name for d in able])
    candidates = [d for d in able if d.name in near] or able
    raise DeviceError(f"no {kind} device {text!r}; there is: {_shown(candidates)}")


def as_json(devices: list[Device]) -> list[dict]:
    """Give the list as plain dicts."""
    return [asdict(device) for device in devices]


def _by_index(devices: list[Device], able: list[Device], index: int, kind: str) -> Device:
    for device in able:
        if device.index == index:
            return device
    if 0 <= index < len(devices):
        without = ", or --input none" if kind == "input" else ""
        raise DeviceError(f"device {devices[index]} has no {kind}; there is: {_shown(able)}{without}")
    raise DeviceError(f"no device {index}; there is: {_shown(able)}")


def _shown(devices: list[Device]) -> str:
    most = 8
    more = f" … and {len(devices) - most} more" if len(devices) > most else ""
    return "; ".join(str(d) for d in devices[:most]) + more


def _default(sounddevice, kind: str) -> int:
    try:
        return int(sounddevice.query_devices(kind=kind)["index"])
    except Exception:  # no default of this kind is not an error, only a fact
        return -1
