"""`make test`: every test in one run, three files at a time, handed out as tests/conftest.py says.

Most of a test of processes is waiting for them: three files keep two cores busy. Those that compute
for minutes are left to `make simulate`.
"""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-n", "3", "--dist", "loadfile", "-m", "not slow", *sys.argv[1:]]))
