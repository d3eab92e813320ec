"""`python -m bench [--only NAME]`: every bench in turn, or one."""

import argparse
import importlib

BENCHES = {
    "matching": "bench.matching",
    "orders": "bench.orders",
    "search": "bench.search",
    "selections": "bench.selections",
}
"""Name → module with a `run()` that prints its figures."""


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHES), help="one bench instead of all")
    only = parser.parse_args().only
    for name, module in BENCHES.items():
        if only in (None, name):
            print(f"== {name}")
            importlib.import_module(module).run()


if __name__ == "__main__":
    main()
