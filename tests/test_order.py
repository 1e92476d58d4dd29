"""Which files begin when: the quick ones, the longest beside them, and short ones at last."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.conftest import pytest_collection_modifyitems
from tests.support.both_ends import FromBothEnds


class Worker:
    """A worker as the scheduler sees it, that notes the files that it is handed."""

    gateway = SimpleNamespace(id="gw")
    shutting_down = False

    def __init__(self, tests: list[str]) -> None:
        self._tests = tests
        self.given: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(self._tests[index].partition("::")[0] for index in self.given))


def test_one_worker_takes_the_first_files_and_the_others_the_last() -> None:
    tests = [f"{file}::test_{n}" for file in "abcdefgh" for n in range(9 if file == "d" else 3)]
    option = SimpleNamespace(loadscopereorder=True)
    config = SimpleNamespace(option=option, getvalue=lambda name: ["popen"] * 3)
    scheduler, workers = FromBothEnds(config), [Worker(tests) for _ in range(3)]
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, tests)

    scheduler.schedule()
    done = [0, 0, 0]
    while not all(worker.shutting_down for worker in workers):
        for number, worker in enumerate(workers):
            if done[number] < len(worker.given):
                scheduler.mark_test_complete(worker, worker.given[done[number]])
                done[number] += 1

    assert workers[0].files == ["a", "b", "c"]
    assert [worker.files for worker in workers[1:]] == [["h", "f", "d"], ["g", "e"]]


def test_a_file_stands_where_the_slowest_of_its_tests_belongs() -> None:
    names = [("a", "browser"), ("b", ""), ("c", ""), ("c", "long"), ("d", "processes"), ("b", "")]
    items = [item(f"{file}::{n}", file, marker) for n, (file, marker) in enumerate(names)]

    pytest_collection_modifyitems(items)

    assert [each.nodeid for each in items] == ["b::1", "b::5", "d::4", "a::0", "c::2", "c::3"]


def item(nodeid: str, file: str, marker: str) -> pytest.Item:
    found = SimpleNamespace(
        nodeid=nodeid, path=Path(file), get_closest_marker=lambda name: name == marker or None
    )
    return cast(pytest.Item, found)
