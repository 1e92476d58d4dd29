"""Whether a regular expression is linear: its positions as an automaton, and what is ambiguous.

A matcher that backtracks tries every way to read a text. There are too many of them in two cases,
both of them found here: a loop that can read the same text in two ways (2 to the n of them), and
two loops, one after the other, that can read the same text (n squared; the search for a start is
such a loop too). After Weber and Seidl, "On the degree of ambiguity of finite automata", 1991.
Looking around and back references are taken for more than they can match, so that what is called
linear is; bounded repetition counts as three.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import permutations
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as op
from re import _parser as parser
from typing import Any

#: Stands for all that a pattern does not name.
SAMPLES = "aZ5_ \t\n.,;:!?*'-’éß²٣字\0😀"
MOST_COPIES = 3
Chars = frozenset[str]


@dataclass
class Piece:
    """A part of a pattern: where it may begin and end; `bare` if it may read nothing at all."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    bare: bool = True
    #: Ends behind which there are conditions, such as $.
    held: frozenset[int] = frozenset()
    #: There are some where nothing is read.
    conditional: bool = False


@dataclass
class Automaton:
    """Position 0 is the search for a start; every other one reads a character of `reads`."""

    reads: list[Chars]
    follow: list[list[int]]
    accepting: frozenset[int]
    #: Faults that are seen while it is built.
    faults: list[str]

    def steps(self, state: int) -> Iterator[tuple[int, Chars]]:
        """Each way on from `state`, and what it reads."""
        return ((after, self.reads[after]) for after in self.follow[state])


class _Builder:
    def __init__(self, pattern: str, flags: int) -> None:
        self.tree = parser.parse(pattern, flags)
        self.flags = self.tree.state.flags
        self.alphabet = frozenset({*SAMPLES, *_named(self.tree)})
        self.reads: list[Chars] = [self.alphabet]
        self.follow: list[list[int]] = [[]]
        self.faults: list[str] = []
        self.groups: dict[int, Any] = {}

    def build(self, *, anchored: bool) -> Automaton:
        whole = self._sequence(self.tree)
        self.follow[0] += whole.first
        if not anchored and not _begins_fixed(self.tree):
            self.follow[0].append(0)
        return Automaton(self.reads, self.follow, frozenset(whole.last) - whole.held, self.faults)

    def _sequence(self, items: Iterable[Any]) -> Piece:
        whole = Piece()
        for kind, value in items:
            whole = self._then(whole, self._piece(kind, value))
        return whole

    def _then(self, before: Piece, after: Piece) -> Piece:
        self._connect(before.last, after.first)
        held = before.held | frozenset(before.last if after.conditional else ())
        return Piece(
            before.first + (after.first if before.bare else []),
            after.last + (before.last if after.bare else []),
            before.bare and after.bare,
            after.held | (held if after.bare else frozenset()),
            before.conditional or after.conditional,
        )

    def _connect(self, ends: list[int], starts: list[int]) -> None:
        for end in ends:
            self.follow[end] += starts

    def _piece(self, kind: Any, value: Any) -> Piece:
        if kind in (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY):
            return self._character(kind, value)
        if kind is op.SUBPATTERN:
            self.groups[value[0]] = value[3]
            return self._sequence(value[3])
        if kind is op.ATOMIC_GROUP:
            return self._sequence(value)
        if kind is op.BRANCH:
            return self._one_of([self._sequence(part) for part in value[1]])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            return self._repeated(*value)
        if kind is op.GROUPREF:
            return self._sequence(self.groups[value])
        if kind in (op.ASSERT, op.ASSERT_NOT):
            if _has_loop(value[1]):
                self.faults.append("a loop that looks around is run at every place")
            return Piece(conditional=value[0] > 0)
        if kind is op.AT:
            return Piece(conditional=True)
        raise NotImplementedError(f"{kind} in a pattern")

    def _one_of(self, parts: list[Piece]) -> Piece:
        if sum(part.bare for part in parts) > 1:
            self.faults.append("there are two ways to read nothing")
        return Piece(
            [at for part in parts for at in part.first],
            [at for part in parts for at in part.last],
            any(part.bare for part in parts),
            frozenset().union(*(part.held for part in parts)),
            any(part.bare and part.conditional for part in parts),
        )

    def _character(self, kind: Any, value: Any) -> Piece:
        self.reads.append(frozenset(filter(_test(kind, value, self.flags), self.alphabet)))
        self.follow.append([])
        at = len(self.reads) - 1
        return Piece([at], [at], bare=False)

    def _repeated(self, least: int, most: Any, body: Any) -> Piece:
        whole = Piece()
        for _ in range(min(least, MOST_COPIES)):
            whole = self._then(whole, self._sequence(body))
        if most is op.MAXREPEAT:
            loop = self._sequence(body)
            self._connect(loop.last, loop.first)
            return self._then(whole, Piece(loop.first, loop.last, held=loop.held))
        for _ in range(min(most - least, MOST_COPIES)):
            part = self._sequence(body)
            whole = self._then(whole, Piece(part.first, part.last, held=part.held))
        return whole


def automaton(pattern: str, flags: int = 0, *, anchored: bool = False) -> Automaton:
    """The automaton of `pattern`; `anchored` if it is only ever matched from a given place."""
    return _Builder(pattern, flags).build(anchored=anchored)


def faults(machine: Automaton) -> list[str]:
    """Why a text of length n may take more than n steps; empty if the pattern is linear."""
    loops = [state for state in range(len(machine.reads)) if state in _after(machine, state)]
    twice = [
        f"a loop reads the same text in two ways, at position {state}"
        for state in loops
        if _reads_twice(machine, state)
    ]
    shared = [
        f"two loops read the same text, at positions {first} and {second}"
        for first, second in permutations(loops, 2)
        if _share_a_word(machine, first, second)
    ]
    return machine.faults + twice + shared


def _after(machine: Automaton, state: int) -> set[int]:
    found: set[int] = set()
    waiting = [state]
    while waiting:
        new = set(machine.follow[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def _reads_twice(machine: Automaton, state: int) -> bool:
    """Whether some text leads from `state` back to it in two ways."""
    here = {at for at in _after(machine, state) if state in _after(machine, at)}
    if any(len(set(ways)) < len(ways) for ways in _ways_within(machine, here)):
        return True
    start = (state, state)
    seen, waiting = {(start, False)}, [(start, False)]
    while waiting:
        (one, other), parted = waiting.pop()
        for after, reads in machine.steps(one):
            for beside, also in machine.steps(other):
                if not {after, beside} <= here or not reads & also:
                    continue
                new = ((after, beside), parted or after != beside)
                if new == (start, True):
                    return True
                if new not in seen:
                    seen.add(new)
                    waiting.append(new)
    return False


def _ways_within(machine: Automaton, here: set[int]) -> Iterator[list[int]]:
    return ([after for after in machine.follow[at] if after in here] for at in here)


def _share_a_word(machine: Automaton, first: int, second: int) -> bool:
    """Whether some text can be read by `first`, by `second`, and on the way from one to the other.

    Where `first` is the search for a start, a loop in which a match can end is none: the search
    goes on behind it.
    """
    ended = machine.accepting if first == 0 else frozenset()
    if second not in _after(machine, first) or second in ended:
        return False
    start, goal = (first, first, second), (first, second, second)
    seen, waiting = {start}, [start]
    while waiting:
        for new in _together(machine, waiting.pop()):
            if new in seen or new[0] not in _after(machine, first) or new[2] in ended:
                continue
            if new == goal:
                return True
            seen.add(new)
            waiting.append(new)
    return False


def _together(machine: Automaton, states: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
    for one, reads in machine.steps(states[0]):
        for two, also in machine.steps(states[1]):
            if not (both := reads & also):
                continue
            for three, too in machine.steps(states[2]):
                if both & too:
                    yield one, two, three


def _named(items: Any) -> Iterator[str]:
    """The characters that a pattern names, and their neighbours."""
    # By identity: a repetition is a tuple too, and its count may equal an operation's number.
    if isinstance(items, tuple) and any(
        items[:1] and items[0] is named for named in (op.LITERAL, op.NOT_LITERAL, op.RANGE)
    ):
        for number in items[1] if items[0] is op.RANGE else items[1:]:
            near = (chr(at) for at in range(number - 1, number + 2) if 0 <= at < 0x110000)
            yield from (form[0] for one in near for form in (one, one.lower(), one.upper()))
    elif isinstance(items, (tuple, list, parser.SubPattern)):
        for item in items:
            yield from _named(item)


def _has_loop(items: Any) -> bool:
    return "MAXREPEAT" in repr(items)


def _begins_fixed(items: Any) -> bool:
    kind, value = items[0] if len(items) else (None, None)
    return kind is op.AT and value in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)


def _test(kind: Any, value: Any, flags: int) -> Callable[[str], bool]:
    """Whether a character is read by one item of a parsed pattern; `re` itself is asked."""
    tree = parser.SubPattern(parser.State(), [(kind, value)])
    tree.state.flags = flags
    tree.state.str = ""
    read = compiler.compile(tree, flags)
    return lambda character: read.fullmatch(character) is not None
