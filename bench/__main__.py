"""`python -m bench [--only NAME]`: every bench in turn, or one; figures beside their limits.

Exit code 1 when a figure does not reach its aim.
"""

import argparse
import importlib
import os
import sys
import time

from bench import figures

BENCHES = {
    "imports": "bench.imports",
    "matching": "bench.matching",
    "orders": "bench.orders",
    "pulls": "bench.pulls",
    "search": "bench.search",
    "selections": "bench.selections",
    "sheets": "bench.sheets",
    "submitting": "bench.submitting",
}
"""Name → module with a `run()` that prints its figures."""


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHES), help="one bench instead of all")
    only = parser.parse_args().only
    for name, module in BENCHES.items():
        if only in (None, name):
            print(f"== {name}, load {os.getloadavg()[0]:.1f}")
            began = time.monotonic()
            importlib.import_module(module).run()
            print(f"{name} took {time.monotonic() - began:,.0f} s")
    if figures.BOARD:
        print(f"\n{figures.table()}")
    sys.exit(0 if all(figure.reached for figure in figures.BOARD) else 1)


if __name__ == "__main__":
    main()
