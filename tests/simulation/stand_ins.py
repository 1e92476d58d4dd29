"""Puts a world's time, threads and network in the place of the real ones, in the product's modules.

Found by what they are, not by where: whatever module of these rooms uses `threading` gets the
world's. Constants are made small wherever they were imported to.
"""

import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from tests.simulation.runtime import World
from tests.simulation.threads import (
    SimCondition,
    SimEvent,
    SimExecutor,
    SimSemaphore,
    SimThread,
)
from versequeue.clock import utc_now

ROOMS = (
    "versequeue.service",
    "versequeue.rules",
    "versequeue.local",
    "versequeue.webhooks.notifier",
    "versequeue.webhooks.receivers",
    "versequeue.functions",
    "versequeue.backends.firestore",
    "versequeue.backends.google_calls",
    "versequeue.backends.sqlite_queue",
    "versequeue.config",
    "worker_fn",
)
Place = tuple[Any, str]


def time_and_threads(world: World) -> list[tuple[object, object]]:
    """What is real, and what stands in for it."""
    return [
        (threading, threads_of(world)),
        (time, SimpleNamespace(monotonic=world.monotonic, sleep=world.pause, time=world.monotonic)),
        (random, world.random),
        (utc_now, world.clock),
        (time.monotonic, world.monotonic),
        (time.time, world.monotonic),
        (time.sleep, world.pause),
        (random.random, world.random.random),
        (ThreadPoolExecutor, partial(SimExecutor, world)),
    ]


def threads_of(world: World) -> SimpleNamespace:
    """`threading` in a world."""
    return SimpleNamespace(
        Thread=partial(SimThread, world),
        Event=partial(SimEvent, world),
        Lock=partial(SimSemaphore, world),
        RLock=partial(SimSemaphore, world),
        Semaphore=partial(SimSemaphore, world),
        BoundedSemaphore=partial(SimSemaphore, world),
        Condition=partial(SimCondition, world),
        local=threading.local,
        get_ident=threading.get_ident,
    )


@contextmanager
def replaced(pairs: list[tuple[object, object]], constants: dict[str, Any]) -> Iterator[None]:
    """Each real thing is its stand-in, in all rooms and in the defaults of their functions."""
    kept: list[tuple[Any, str, Any]] = []

    def put(place: Any, name: str, value: Any) -> None:
        kept.append((place, name, getattr(place, name)))
        setattr(place, name, value)

    try:
        for real, stand_in in pairs:
            for place, name in places_of(_Same(real)):
                value: Any = stand_in
                if name.startswith("__"):
                    value = _with(getattr(place, name), real, stand_in)
                put(place, name, value)
        for name, value in constants.items():
            for module in modules():
                if hasattr(module, name):
                    put(module, name, value)
        yield
    finally:
        for place, name, value in reversed(kept):
            setattr(place, name, value)


@contextmanager
def put(places: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Each (module, name) holds the value beside it while the block runs, and then the old one."""
    kept = [(place, name, getattr(place, name)) for place, name, _ in places]
    for place, name, value in places:
        setattr(place, name, value)
    try:
        yield
    finally:
        for place, name, value in reversed(kept):
            setattr(place, name, value)


class _Same:
    """Equal only to the very same thing, for the cache."""

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.thing is self.thing


@cache
def modules() -> tuple[ModuleType, ...]:
    """The product's modules that a world runs, all of which have been imported by now."""
    return tuple(sys.modules[name] for name in sorted(sys.modules) if name.startswith(ROOMS))


@cache
def places_of(wanted: _Same) -> list[Place]:
    """Where it stands: names of modules, and defaults of functions and methods."""
    thing = wanted.thing
    found: list[Place] = []
    for module in modules():
        found += [(module, name) for name, value in vars(module).items() if value is thing]
        for function in functions_of(module):
            if any(value is thing for value in function.__defaults__ or ()):
                found.append((function, "__defaults__"))
            if any(value is thing for value in (function.__kwdefaults__ or {}).values()):
                found.append((function, "__kwdefaults__"))
    return found


def functions_of(module: ModuleType) -> list[FunctionType]:
    """The functions and methods that are written in a module."""
    own = [
        value
        for value in vars(module).values()
        if getattr(value, "__module__", "") == module.__name__
    ]
    methods = [each for value in own if isinstance(value, type) for each in vars(value).values()]
    return [value for value in (*own, *methods) if isinstance(value, FunctionType)]


def _with(defaults: Any, real: object, stand_in: object) -> Any:
    if isinstance(defaults, dict):
        return {name: stand_in if value is real else value for name, value in defaults.items()}
    return tuple(stand_in if value is real else value for value in defaults)
