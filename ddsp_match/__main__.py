"""``python -m ddsp_match``: the same as the ``ddsp-match`` command."""

from __future__ import annotations

import sys

from ddsp_match.cli import main

if __name__ == "__main__":
    sys.exit(main())
