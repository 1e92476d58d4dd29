"""What stands in for the model: a writer whose songs are quick, slow, broken, deadly or endless.

What a prompt does to its worker is in the prompt. The studio around the writer is the real one.
"""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from lyricist.errors import BundleAway, LyricistError
from lyricist.songs import Section, Song, SongRequest
from tests.simulation.faults import Faults
from tests.simulation.runtime import FOREVER, Crash

#: An honest prompt, and those that stand for what attackers and bad luck bring.
HONEST, KILLER, HANGER, HOPELESS, SLOW = "rain", "killer", "hanger", "hopeless", "slow"
LINES = 4
#: The longest time between two tokens of a worker that does not hang.
TOKEN_S = 2.0


class Unwritable(LyricistError):
    """The model cannot write this song."""


class PlayedWriter:
    """`lyricist.writing.writer.Writer` as the studio uses it. Each line names worker and song."""

    model_name, model_digest, model_licence, most_lanes = "played", "sha256:0", "", 1

    def __init__(self, faults: Faults) -> None:
        self._faults, self._world = faults, faults.world
        self._calls = itertools.count()

    @classmethod
    def opener(cls, faults: Faults) -> type:
        """What the studio calls `Writer`."""

        class Opener:
            @staticmethod
            def open(_folder: Path, _threads: int | None = None) -> "PlayedWriter":
                faults.world.pause(faults.random.choice((0.2, 3.0, 12.0)))
                if faults.strikes("model_faults", 3):
                    raise BundleAway("The storage is away.")
                return cls(faults)

        return Opener

    def write(
        self,
        requests: Sequence[SongRequest],
        on_lines: Callable[[int, Sequence[str]], bool],
        should_stop: Callable[[], bool],
        on_song: Callable[[int, Song | LyricistError], None],
    ) -> None:
        """All of them side by side, a line of each in turn, as the real one does."""
        number = next(self._calls)
        shown: dict[int, list[str]] = {index: [] for index in range(len(requests))}
        while shown:
            for index in sorted(shown):
                if not self._go_on(requests[index], len(shown[index]), should_stop):
                    del shown[index]
                    on_song(index, Unwritable("This song cannot be written."))
                    continue
                if should_stop():
                    for rest, lines in shown.items():
                        on_song(rest, self._song(requests[rest], lines, finished=False))
                    return
                tag = f"{self._world.process.name}/{number}.{index}"
                shown[index].append(f"{tag} line {len(shown[index])}")
                wanted = on_lines(index, shown[index])
                if not wanted or len(shown[index]) >= requests[index].lines:
                    lines = shown.pop(index)
                    on_song(index, self._song(requests[index], lines, finished=wanted))

    def _go_on(self, request: SongRequest, line: int, should_stop: Callable[[], bool]) -> bool:
        """Write a line, with what its prompt does to the worker; False: it cannot be written."""
        world, rng = self._world, self._faults.random
        if request.prompt == HOPELESS and line >= 1:
            return False
        if request.prompt == KILLER and line >= 1:
            world.process.kill()
            raise Crash
        if request.prompt == HANGER and line >= 1:
            world.note("hangs")
            world.pause(FOREVER)
        takes_s = rng.choice((3.0, 8.0) if request.prompt == SLOW else (0.1, 0.3, 1.0))
        if self._faults.strikes("slow_songs"):
            takes_s = self._faults.weather.settings.lease_s * rng.choice((1.1, 3))
        while takes_s > 0 and not should_stop():
            world.pause(min(takes_s, TOKEN_S))
            takes_s -= TOKEN_S
        return not self._faults.strikes("model_faults")

    def _song(self, request: SongRequest, lines: list[str], *, finished: bool) -> Song:
        sections = (Section("Verse", tuple(lines)),)
        return Song("A title", sections, request.rhyme_scheme, None, 10, finished)
