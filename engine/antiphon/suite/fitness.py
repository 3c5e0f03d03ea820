"""What a system does to sound in real time: rights, frequencies, sleep, batteries, other programs, and what to do about each.

Only what can be told for certain from files, without root, and what matters on stage. All is read below `root`: tests give a
folder of their own. Control thread; some 20 ms. Where a file is missing (another system, a container) nothing is said of it.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .machine import ROOT, Machine, text

GOOD, NOTE, BAD = "good", "note", "bad"
_LOCKED_MB = 64
_MEMORY_MB, _MEMORY_LEAST_MB = 1024, 256
_OTHERS_MOST = 0.25  # of all cores: beyond it a model that has one of two to itself is met by somebody now and then
_SLEEP_MOST = 0.25  # of a block that a core may take to wake up
_CAP_IPC_LOCK = 14
SOUND_SERVERS = ("jackd", "jackdbus", "pipewire", "pipewire-pulse", "pulseaudio", "wireplumber")
_CPUS = "/sys/devices/system/cpu/cpu*"


@dataclass(frozen=True)
class Check:
    """One thing looked at: `mend` is what to do about it, `command` how, word for word; both empty where all is well."""

    name: str
    verdict: str
    found: str
    mend: str = ""
    command: str = ""


@dataclass(frozen=True)
class Moment:
    """What all programs had used of the processor by now, in clock ticks; two of them say what went on in between."""

    cpu: tuple[int, ...] = ()
    """user, nice, system, idle, iowait, irq, softirq, steal: of all cores together."""
    swapped_in: int = 0
    ticks: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    """For each process its name, its parent, its ticks."""

    @classmethod
    def take(cls, root: Path = ROOT) -> Moment:
        """Look now."""
        first = next((line for line in text(root / "proc/stat").splitlines() if line.startswith("cpu ")), "cpu")
        swapped = next((line for line in text(root / "proc/vmstat").splitlines() if line.startswith("pswpin ")), "pswpin 0")
        ticks = {}
        for path in (root / "proc").glob("[0-9]*/stat"):
            name, _, rest = text(path).partition("(")[2].rpartition(")")  # a name may have both in it
            numbers = rest.split()
            if len(numbers) > 12:
                ticks[int(path.parent.name)] = (name, int(numbers[1]), int(numbers[11]) + int(numbers[12]))
        return cls(tuple(map(int, first.split()[1:9])), int(swapped.split()[1]), ticks)

    @property
    def names(self) -> set[str]:
        """Which programs run."""
        return {name for name, _, _ in self.ticks.values()}

    def since(self, before: Moment) -> tuple[int, ...]:
        """Ticks of all cores by what they were for; the last is time that another virtual machine had."""
        return tuple(now - then for now, then in zip(self.cpu, before.cpu, strict=False))

    def others(self, before: Moment, own: int) -> dict[str, float]:
        """Share of all cores that each other program took, most first; not `own`, what it started, nor the servers of sound."""
        total = sum(self.since(before))
        ours, size = {own}, 0
        while size != len(ours):
            size = len(ours)
            ours |= {pid for pid, (_, parent, _) in self.ticks.items() if parent in ours}
        used: Counter[str] = Counter()
        for pid, (name, _, ticks) in self.ticks.items():
            if pid not in ours and name not in SOUND_SERVERS:
                used[name] += ticks - before.ticks.get(pid, (name, 0, 0))[2]
        return {name: ticks / total for name, ticks in used.most_common() if ticks > 0 and total > 0}


def rights(facts: Machine, root: Path = ROOT) -> list[Check]:
    """Whether sound may go first, and stay in memory."""
    if facts.rtprio is None:
        return []
    mend, command = _let(root)
    found = "granted" if facts.realtime else f"not granted (rtprio {'unlimited' if facts.rtprio < 0 else facts.rtprio})"
    checks = [_check("realtime rights", GOOD if facts.realtime else NOTE, found, mend, command)]
    if facts.memlock_mb is not None:
        unlimited = facts.memlock_mb < 0 or _has_capability(root, _CAP_IPC_LOCK)
        enough = unlimited or facts.memlock_mb >= _LOCKED_MB
        found = "unlimited" if unlimited else f"{facts.memlock_mb} MiB"
        found += "" if enough else f"; {_LOCKED_MB} keep page faults out of the sound"
        checks.append(_check("locked memory", GOOD if enough else NOTE, found, mend, command))
    return checks


def processor(facts: Machine, running: set[str], root: Path = ROOT) -> list[Check]:
    """Cores, what decides their frequency, and where the current comes from."""
    cores = f"{facts.cores} core{'s' * (facts.cores != 1)}"
    few = "one core has to do for sound, model and everything else; close other programs"
    checks = [_check("processor", GOOD if facts.cores >= 2 else NOTE, cores, few)]
    if facts.governors:
        well = facts.governors == ("performance",)
        keeper = any(name.startswith("power-profiles") for name in running)  # the kernel keeps 15 letters of a name
        command = "powerprofilesctl set performance" if keeper else f"echo performance | sudo tee {_CPUS}/cpufreq/scaling_governor"
        mend = "a core that is slowed down is late at first; for tonight:"
        checks.append(_check("governor", GOOD if well else NOTE, ", ".join(facts.governors), mend, command))
    # A mouse has one too; its scope says so.
    supplies = [path for path in (root / "sys/class/power_supply").glob("*") if text(path / "scope") != "Device"]
    if any(text(path / "type") == "Battery" for path in supplies):
        empties = any(text(path / "type") == "Battery" and text(path / "status") == "Discharging" for path in supplies)
        checks.append(
            _check(
                "power",
                NOTE if empties else GOOD,
                "on battery" if empties else "mains",
                "on battery a machine saves power where sound needs it; plug it in",
            )
        )
    return checks


def usb(root: Path = ROOT) -> list[Check]:
    """Whether a sound card or a pedal on USB may be put to sleep: by default none is, power savers change that."""
    folder = root / "sys/bus/usb/devices"
    devices = {path.name.partition(":")[0] for path in folder.glob("*:*") if text(path / "bInterfaceClass") == "01"}
    sleepy = sorted(name for name in devices if text(folder / name / "power/control") == "auto")
    if not sleepy:
        return []
    names = ", ".join(text(folder / name / "product") or name for name in sleepy)
    controls = " ".join(f"/sys/bus/usb/devices/{name}/power/control" for name in sleepy)
    return [
        _check(
            "USB", NOTE, f"{names} may be put to sleep", "it may wake up too late; for tonight:", f"echo on | sudo tee {controls}"
        )
    ]


def meanwhile(facts: Machine, before: Moment, after: Moment, root: Path = ROOT, own: int | None = None) -> list[Check]:
    """What other programs and other machines took between two moments, and how much memory is left."""
    checks = []
    spent = after.since(before)
    if sum(spent) > 0:
        others = after.others(before, os.getpid() if own is None else own)
        took = sum(others.values())
        most = ", ".join(f"{name} {share:.0%}" for name, share in list(others.items())[:2] if share >= 0.05)
        loud = took > _OTHERS_MOST
        found = f"{took:.0%} of the processor" + (f" ({most})" if loud else "")
        checks.append(_check("other programs", NOTE if loud else GOOD, found, f"close {next(iter(others), '')} before you play"))
    if facts.virtual:
        name = "virtual" if facts.virtual == "unknown" else facts.virtual
        taken = f", {spent[7] / sum(spent):.1%} of its time went to others" if len(spent) > 7 and sum(spent) > 0 else ""
        mend = "what else its host does can hold sound up at any time; play on a machine itself"
        checks.append(_check("virtual machine", NOTE, name + taken, mend))
    return checks + _memory(after.swapped_in - before.swapped_in, root)


def when_strained(facts: Machine, block_us: float, root: Path = ROOT) -> list[Check]:
    """What may be behind blocks that come late: how deep the cores sleep, and a kernel that does not give way.

    Most machines play well as they are, so this is only said of one that was seen to be late.
    """
    checks = []
    deep = [
        path
        for path in (root / "sys/devices/system/cpu/cpu0/cpuidle").glob("state*")
        if _number(path / "latency") > _SLEEP_MOST * block_us
    ]
    deep = sorted((path for path in deep if text(path / "disable") == "0"), key=lambda path: path.name)
    if deep:
        worst = max(_number(path / "latency") for path in deep)
        states = f"[{''.join(path.name[5:] for path in deep)}]" if len(deep) > 1 else deep[0].name[5:]
        command = f"echo 1 | sudo tee {_CPUS}/cpuidle/state{states}/disable"
        mend = f"a block lasts {block_us:.0f}; keep them awake until the next start:"
        checks.append(_check("sleep of the cores", NOTE, f"up to {worst:.0f} us to wake up", mend, command))
    version, line = text(root / "proc/version"), text(root / "proc/cmdline").split()
    gives_way = "PREEMPT_RT" in version or "preempt=full" in line or "threadirqs" in line
    if version and not gives_way and not facts.virtual:
        flags = "preempt=full threadirqs" if "PREEMPT_DYNAMIC" in version else "threadirqs"
        command = f"sudo sed -i 's/^GRUB_CMDLINE_LINUX_DEFAULT=\"/&{flags} /' /etc/default/grub && sudo update-grub"
        has_grub = (root / "etc/default/grub").is_file()
        mend = "let sound interrupt it, from the next start on:" if has_grub else f"begin it with {flags} on its command line"
        checks.append(_check("kernel", NOTE, f"{facts.kernel} does not always give way", mend, command if has_grub else ""))
    return checks


def why_no_card(running: set[str], root: Path = ROOT, may_open=os.access) -> tuple[str, str]:
    """What to do, and the command, where no sound device opens: somebody holds it, it may not be opened, or there is none."""
    held = holders(root)
    if any(name.startswith(("pipewire", "wireplumber")) for name in held):
        return "PipeWire holds the card; play through it:", "pw-jack antiphon play"
    if "pulseaudio" in held:
        return "PulseAudio holds the card; let it go meanwhile:", "pasuspender -- antiphon play"
    if held:
        return f"{held[0]} holds the card; end it, then try again", ""
    cards = sorted((root / "dev/snd").glob("pcm*"))
    if cards and not any(may_open(card, os.R_OK | os.W_OK) for card in cards):
        return "the card may not be opened by you; join its group, then log in again:", "sudo usermod -aG audio $USER"
    if not cards and not running & {"jackd", "jackdbus", "pipewire"}:
        return "the system knows no sound card: connect one, or start JACK or PipeWire; `antiphon devices` lists them", ""
    return "connect one, or start JACK or PipeWire; `antiphon devices` lists them", ""


def goes_first(pid: int, root: Path = ROOT) -> bool | None:
    """Whether a process has a thread with realtime scheduling; None where the system does not say."""
    policies = [text(path).rpartition(")")[2].split()[38:39] for path in (root / f"proc/{pid}/task").glob("*/stat")]
    return any(policy in (["1"], ["2"]) for policy in policies) if any(policies) else None


def holders(root: Path = ROOT) -> list[str]:
    """Which programs have a sound card open."""
    found = []
    for path in sorted((root / "proc/asound").glob("card*/pcm*/sub*/status")):
        thread = _field(path, "owner_pid")
        process = _field(root / "proc" / thread / "status", "Tgid") or thread if thread else ""
        name = text(root / "proc" / process / "comm") if process else ""
        found += [name] if name and name not in found else []
    return found


def _memory(swapped_in: int, root: Path) -> list[Check]:
    names = ("MemAvailable", "SwapTotal", "SwapFree")
    left, swap, free = (int((_field(root / "proc/meminfo", name) or "-1").split()[0]) // 1024 for name in names)
    if left < 0:
        return []
    short, moving = left < _MEMORY_MB, swapped_in > 100
    verdict = BAD if left < _MEMORY_LEAST_MB else NOTE if short or moving else GOOD
    found = f"{left / 1024:.1f} GiB free" + (", pages came back from swap while this ran" if moving else "")
    fits = 0 < swap - free < left - _MEMORY_MB
    mend = (
        "fetch back what lies in swap, then nothing waits for a disk:"
        if fits
        else "close other programs: memory that lies in swap comes late"
    )
    return [_check("memory", verdict, found, mend, "sudo swapoff -a" if fits else "")]


def _let(root: Path) -> tuple[str, str]:
    """How to be let sound go first."""
    if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists():
        return "start the container with:", "docker run --cap-add=sys_nice --ulimit rtprio=95 --ulimit memlock=-1 ..."
    line = next(
        (line.split(":") for line in text(root / "etc/group").splitlines() if line.startswith("audio:")), ["", "", "-1", ""]
    )
    member = int(line[2]) in os.getgroups() if line[2].lstrip("-").isdigit() else False
    command = "printf '@audio - %s\\n' 'rtprio 95' 'memlock unlimited' | sudo tee /etc/security/limits.d/antiphon.conf"
    return "allow it, then log in again:", command + ("" if member else "; sudo usermod -aG audio $USER")


def _has_capability(root: Path, number: int) -> bool:
    return bool(int(_field(root / "proc/self/status", "CapEff") or "0", 16) >> number & 1)


def _check(name: str, verdict: str, found: str, mend: str = "", command: str = "") -> Check:
    return Check(name, verdict, found) if verdict == GOOD else Check(name, verdict, found, mend, command)


def _field(path: Path, name: str) -> str:
    """What stands after `name:` in a file of such lines; empty where there is none."""
    for line in text(path).splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == name:
            return value.strip()
    return ""


def _number(path: Path) -> float:
    read = text(path)
    return float(read) if read.isdigit() else 0.0
