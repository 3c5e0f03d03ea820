"""What machine this is, as far as sound in real time is concerned: read from the system, never asked of anybody.

`root` is where /proc and /sys are looked for: tests give a folder of their own.
"""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class Machine:
    """Facts. None means that the system does not say."""

    cpu: str
    cores: int
    """That this process may use."""
    governors: tuple[str, ...]
    """Of all cores, each once; none where there is no frequency scaling (a virtual machine)."""
    kernel: str
    system: str
    virtual: str | None
    """Under which hypervisor it runs, "unknown" where only that is known; None on bare metal."""
    memory_mb: int | None
    load: float | None
    """Of the last minute, when the facts were taken."""
    realtime: bool
    """Whether this process may have SCHED_FIFO."""
    rtprio: int | None
    """Highest priority that the limits allow, 0 none."""
    memlock_mb: int | None
    """That may be locked into memory, -1 without a limit."""
    python: str
    onnxruntime: str | None
    providers: tuple[str, ...]

    def as_json(self) -> dict:
        """Give it as plain data."""
        return asdict(self)


def machine(root: Path = ROOT) -> Machine:
    """Look at everything once: some 10 ms, more where ONNX Runtime is not imported yet."""
    version, providers = _runtime()
    rtprio, memlock = limits()
    return Machine(
        cpu=_cpu(root), cores=cores(), governors=governors(root), kernel=platform.release(), system=_system(root), virtual=_virtual(root),
        memory_mb=_memory_mb(root), load=_load(), realtime=may_be_realtime(), rtprio=rtprio, memlock_mb=memlock,
        python=platform.python_version(), onnxruntime=version, providers=providers,
    )  # fmt: skip


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def governors(root: Path = ROOT) -> tuple[str, ...]:
    """What decides the cores' frequency, each once."""
    found = {text(path) for path in (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")}
    return tuple(sorted(found - {""}))


def may_be_realtime() -> bool:
    """Try it: neither being root nor a limit says for certain, least of all in a container."""
    try:
        before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, before, parameters)
    except (OSError, AttributeError):
        return False
    return True


def limits() -> tuple[int | None, int | None]:
    """The limits of realtime priority (-1: none) and of locked memory in MB (-1: none); None where the system has no such thing."""
    try:
        import resource
    except ImportError:
        return None, None
    priority = resource.getrlimit(resource.RLIMIT_RTPRIO)[0] if hasattr(resource, "RLIMIT_RTPRIO") else None
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return (-1 if priority == resource.RLIM_INFINITY else priority), (-1 if locked == resource.RLIM_INFINITY else locked >> 20)


def _cpu(root: Path) -> str:
    said = text(root / "proc/cpuinfo").splitlines()
    for name in ("model name", "Hardware", "cpu model"):
        for line in said:
            if line.startswith(name) and ":" in line:
                return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()


def _system(root: Path) -> str:
    for line in text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return f"{platform.system()} {platform.machine()}"


def _virtual(root: Path) -> str | None:
    flags = next((line for line in text(root / "proc/cpuinfo").splitlines() if line.startswith(("flags", "Features"))), "")
    named = text(root / "sys/hypervisor/type") or text(root / "sys/class/dmi/id/sys_vendor")
    known = {"qemu": "QEMU", "vmware": "VMware", "innotek": "VirtualBox", "xen": "Xen", "amazon": "Amazon EC2", "google": "Google", "microsoft": "Hyper-V"}
    name = next((known[key] for key in known if key in named.lower()), None)
    return name or ("unknown" if "hypervisor" in flags.split() else None)


def _memory_mb(root: Path) -> int | None:
    for line in text(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) >> 10
    return None


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None


def _runtime() -> tuple[str | None, tuple[str, ...]]:
    try:
        import onnxruntime
    except ImportError:
        return None, ()
    return onnxruntime.__version__, tuple(onnxruntime.get_available_providers())


def text(path: Path) -> str:
    """A file's text; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

