"""Files that set-up takes from npm by the lock (`make extras`).

They are no part of this repository: they lie in the environment that Huopan runs in, and what needs
one does without where it is not there.
"""

import sys
from pathlib import Path

FOLDER = Path(sys.prefix) / "share" / "huopan"
"""Where set-up puts them."""

FONT = FOLDER / "noto-sans-sc.ttf"
"""Noto Sans SC, in which documents are set."""

STREETS = FOLDER / "streets.csv"
"""The towns and streets of every county, as the statistics name them."""
