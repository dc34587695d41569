"""`python -m gatewayd` is `gatewayd`."""

from __future__ import annotations

import sys

from gatewayd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
