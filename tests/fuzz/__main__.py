"""`make fuzz`: many cases for every property. `python -m tests.fuzz --cases 5000 -k gguf`."""

import argparse
import os
import sys

import pytest

from tests.fuzz import CASES

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="how many for each property")
    asked, rest = parser.parse_known_args()
    os.environ[CASES] = str(asked.cases)
    # No limit for a whole property: each of its cases has one.
    sys.exit(pytest.main(["-q", "tests/fuzz", "--timeout=0", *rest]))
