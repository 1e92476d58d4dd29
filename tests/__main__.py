"""`make test`: every test in one run, in the order that tests/conftest.py gives them."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", *sys.argv[1:]]))
