"""Every row of the parameter table through every surface and back: the table, as the manual may have it.

    python bench/surfaces.py [--json]

The same walk is a test (tests/surfaces/test_surfaces.py); here it is printed. It needs no device, model or network.
"""

from __future__ import annotations

import argparse
import json
import sys

from record import ROOT

sys.path[:0] = [str(ROOT / "tests/surfaces"), str(ROOT / "tests/unit")]

import walk  # noqa: E402  (it is where the tests are)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    walked = walk.table()
    print(json.dumps(walked, indent=2) if args.json else walk.as_markdown(walked))


if __name__ == "__main__":
    main()
