"""A clock that a test sets for all processes that are started with it; see stepped_clock.c.

The product knows nothing of it. Where there is no C compiler there is no such clock.
"""

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class SteppedClock:
    """Off by nothing at first. The files are made in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "clock"
        self._library = folder / "stepped_clock.so"
        self._offset.write_bytes(struct.pack("=q", 0))
        compiler = shutil.which("cc")
        command = [str(compiler), "-O1", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE)]
        #: whether there is such a clock here
        self.works = bool(compiler) and subprocess.run(command).returncode == 0

    @property
    def environ(self) -> dict[str, str]:
        """What a process is started with that is to have this clock."""
        return {"LD_PRELOAD": str(self._library), "STEPPED_CLOCK": str(self._offset)}

    def set(self, offset_s: int) -> None:
        """Put the time of day ahead of the true one by so much, at once and in every process."""
        with self._offset.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("=q", offset_s))
