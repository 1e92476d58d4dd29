"""How long a bundle takes on this machine: from a process's start, and for songs written together.

Knows nothing of what that costs: whoever asks reckons with it.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lyricist.bundle.manifest import Bundle, read_bundle
from lyricist.memory import peak_memory_bytes
from lyricist.songs import Song, SongRequest
from lyricist.writing.writer import Writer

#: Songs that are written together, and how many lines each has.
STREAMS, LINES = (1, 2, 4, 8), 8
PROMPT = "a slow train at night"


@dataclass(frozen=True)
class Speed:
    """What was measured of a bundle."""

    digest: str
    date: str
    machine: str
    threads: int
    #: from the process's start to the first line of the first song
    first_line_s: float
    #: by the number of songs that are written together, until each of them has one more line
    seconds_per_line: dict[str, float]
    #: the most memory that was used, the bundle's files counted once
    peak_mib: float
    bundle_bytes: int

    def as_json(self) -> str:
        """The same as a JSON object."""
        return json.dumps(asdict(self), indent=2)


@dataclass(frozen=True)
class Pace:
    """How one song is written on this machine."""

    seconds_a_line: float
    #: Of this process at its highest, the bundle's files counted once.
    memory_bytes: int


def pace_of(folder: Path) -> Pace:
    """Load the bundle in `folder` and write a song. BundleError, or what kept it from writing."""
    bundle_bytes = _bytes_of(read_bundle(folder))
    return Pace(_line_s(Writer.open(folder), 1), peak_memory_bytes(bundle_bytes))


def measure_speed(
    folder: Path, threads: int, begun: float, on_progress: Callable[[str, float], None]
) -> Speed:
    """Load the bundle in `folder` and write songs with it; `begun`: when this process was started.

    Raises LyricistError or OSError if it cannot be loaded, LyricistError if it cannot write.
    """
    bundle = read_bundle(folder)
    on_progress("Loading", 0.0)
    writer = Writer.open(folder, threads)
    firsts: list[float] = []

    def note(_index: int, _lines: Sequence[str]) -> bool:
        firsts.append(time.time())
        return False  # one line is enough

    writer.write([_request(0)], note)
    per_line: dict[str, float] = {}
    for done, songs in enumerate(STREAMS):
        on_progress(f"{songs} at a time", (2**done - 1) / (2 ** len(STREAMS) - 1))
        per_line[str(songs)] = round(_line_s(writer, songs), 4)
    on_progress("Done", 1.0)
    return Speed(
        digest=bundle.digest,
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{len(os.sched_getaffinity(0))} cores of {platform.machine()}",
        threads=threads,
        first_line_s=round((firsts or [time.time()])[0] - begun, 3),
        seconds_per_line=per_line,
        peak_mib=round(peak_memory_bytes(_bytes_of(bundle)) / 2**20, 1),
        bundle_bytes=_bytes_of(bundle),
    )


def _line_s(writer: Writer, songs: int) -> float:
    started = time.perf_counter()
    for song in writer.write([_request(seed) for seed in range(songs)], lambda *_: True):
        if not isinstance(song, Song):
            raise song
    return (time.perf_counter() - started) / LINES


def _request(seed: int) -> SongRequest:
    return SongRequest(prompt=PROMPT, lines=LINES, seed=seed)


def _bytes_of(bundle: Bundle) -> int:
    return sum(each.bytes for each in bundle.files.values())
