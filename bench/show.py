"""What a receipt of the suite says, or what changed between two of them beyond noise: see `python bench/show.py --help`."""

import sys

from antiphon.suite.show import main

if __name__ == "__main__":
    sys.exit(main())
