"""Child processes of a benchmark: the command of one of our modules, and a silent child."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from versequeue.child_process import ChildProcess


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules in this Python."""
    return [sys.executable, "-m", name, *arguments]


def silent(command: Sequence[str]) -> ChildProcess:
    """A child for the length of a block, whose words nobody reads."""
    return ChildProcess(command, log=Path(os.devnull))
