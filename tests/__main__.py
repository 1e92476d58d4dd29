"""`make test`: every test in one run, in the order that tests/conftest.py gives them.

But for those that compute for minutes: `make simulate` runs them.
"""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-m", "not slow", *sys.argv[1:]]))
