"""Run every benchmark that this machine allows, one after the other; each keeps its own records in results/.

    python bench/run.py [--quick] [--bundle hum] [--dry-run] [NAME ...]

A benchmark that cannot run here (no JACK, no soxr) says so and the rest go on. Exit code 1 if any failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from record import note

HERE = Path(__file__).resolve().parent
# name: (arguments with --quick, arguments without, whether it takes --bundle)
BENCHES = {
    "kernels": (["--quick"], [], False),
    "round_trip": (["--seconds", "2", "--rates", "48000", "--periods", "128"], [], False),
    "mic_to_reply": (["--blocks", "128", "--places", "4"], [], True),
    "trigger_to_voice": (["--blocks", "128", "--offsets", "6", "--live", "5"], ["--live", "20"], True),
    "step": (["--seconds", "5"], ["--seconds", "60"], True),
    "callback": (["--seconds", "8", "--periods", "128"], ["--seconds", "120"], True),
    "heard": (["--quick"], [], True),
    "packet_to_sound": (["--quick"], [], False),
    "in_scale": (["--quick", "--settings", "performer,c major,d rast,chord"], [], True),
    "on_grid": (["--quick"], [], True),
    "flood": (["--seconds", "8"], [], True),
    "provenance_cost": (["--seconds", "13"], [], True),
    "take_kill": (["--kills", "5"], [], False),
    "instrument_kill": (["--kills", "3"], [], True),
    "recovery": (["--kills", "3", "--losses", "1"], [], True),
    "mark": (["--quick"], [], True),
    "mark_false_alarms": (["--quick"], [], False),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; else all")
    parser.add_argument("--quick", action="store_true", help="a few minutes in all")
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in BENCHES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there is {', '.join(BENCHES)}")
    failed = []
    for name in args.names or BENCHES:
        quick, full, takes_bundle = BENCHES[name]
        command = [sys.executable, str(HERE / f"{name}.py"), *(quick if args.quick else full)]
        command += ["--bundle", args.bundle] if takes_bundle else []
        command += [("--dry" if name == "kernels" else "--dry-run")] if args.dry_run else []
        note(f"--- {name}")
        if subprocess.run(command).returncode:
            failed.append(name)
    if failed:
        note(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
