"""`python -m antiphon` is the command `antiphon`."""

import sys

from .cli import main

sys.exit(main())
