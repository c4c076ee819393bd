"""Runs every benchmark of this folder, each in a process of its own, and prints its lines.

`python -m benchmarks [NAME…]`; FULL=1 asks for the large sizes.
"""

import subprocess
import sys
import time
from pathlib import Path


def names() -> list[str]:
    """The benchmarks, in the order of their names; a file that starts with `_` serves others."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or names():
        started = time.monotonic()
        print(f"== {name}", flush=True)
        result = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
        failed += result.returncode != 0
        print(f"   ({time.monotonic() - started:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
