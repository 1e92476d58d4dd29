"""What the page knows of verse agrees with the lyricist, which decides it."""

from typing import Any

import pytest

from lyricist.language.schemes import PATTERNS, parts, rhyme_groups
from tests.support.page_api import Opener

pytestmark = pytest.mark.browser
#: Structures of one's own, each of which names its parts in another way.
PARTS = (
    "verse 4 ABAB, chorus 2, chorus",
    "intro 1, verse 2, pre-chorus 2, chorus 4 AABB, bridge 3 A-A, chorus, verse 5, outro 2",
    "bridge 2, chorus 2, bridge 2, verse 4",
)


def ask(open_page: Opener, expression: str, argument: Any) -> Any:
    page, _ = open_page()
    return page.evaluate(
        'given => Promise.all([import("/lyric.js"), import("/shape.js")])'
        f".then(([lyric, shape]) => {expression})",
        argument,
    )


def test_lines_are_shared_out_as_the_lyricist_does(open_page: Opener) -> None:
    asked = [[shape, lines] for shape in ("verse", "song") for lines in range(4, 65)]
    asked += [[shape, sum(part.lines for part in parts(shape, 0))] for shape in PARTS]
    found = ask(
        open_page,
        "given.map(([structure, lines]) => shape.sectionsFrom(Array(lines).fill('x').join('\\n'),"
        " { structure, lines }).map(({ name, total }) => [name, total]))",
        asked,
    )
    for (shape, lines), sections in zip(asked, found, strict=True):
        expected = [[part.name, part.lines] for part in parts(str(shape), int(str(lines)))]
        assert sections == expected, (shape, lines)


def test_lines_rhyme_as_the_lyricist_means_them(open_page: Opener) -> None:
    asked = [[scheme, lines] for scheme in PATTERNS for lines in range(1, 65)]
    asked += [[letters, len(letters)] for letters in ("ABA-BxX", "----", "AAbbA", "ABCD", "A")]
    found = ask(open_page, "given.map(([scheme, lines]) => lyric.rhymes(scheme, lines))", asked)
    for (scheme, lines), rhymes in zip(asked, found, strict=True):
        expected = rhyme_groups(str(scheme), int(str(lines)))
        assert _pairs(rhymes or [None] * len(expected)) == _pairs(expected), (scheme, lines)


def test_a_part_with_a_scheme_of_its_own_is_marked_by_that(open_page: Opener) -> None:
    letters = ask(
        open_page,
        "{ const box = document.createElement('div');"
        " lyric.draw(box, shape.sectionsFrom('a\\nb\\nc\\nd\\ne\\nf', given), 'AABB', 0);"
        " return [...box.querySelectorAll('i')].map(one => one.textContent); }",
        {"structure": "verse 4 A-BA, chorus 2", "lines": 6},
    )
    assert letters == ["A", "", "", "A", "B", "B"]


def last_word(open_page: Opener, line: str) -> Any:
    """What stands before the marked word, the word, and what follows, as the page draws them."""
    return ask(
        open_page,
        "{ const box = document.createElement('div');"
        " lyric.draw(box, [{ name: '', lines: [given, 'x'] }], 'AABB', 0);"
        " return [...box.querySelector('.words').childNodes].map(node => node.textContent); }",
        line,
    )


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("I'm runnin', you know -", ["I'm runnin', you ", "know", " -"]),
        ("oh I'm runnin'!", ["oh I'm ", "runnin'", "!"]),
        ("one - two’s — ", ["one - ", "two’s", " — "]),
        ("été", ["été"]),
    ],
)
def test_the_last_word_of_a_line_is_marked(open_page: Opener, line: str, parts: list[str]) -> None:
    assert last_word(open_page, line) == parts


@pytest.mark.parametrize("line", ["'" * 50_000 + "a.b'", "-a" * 30_000 + ".'" * 30_000])
def test_a_line_of_quotes_is_drawn_too(open_page: Opener, line: str) -> None:
    assert "".join(last_word(open_page, line)) == line


def _pairs(groups: Any) -> set[tuple[int, int]]:
    same = enumerate(groups)
    known = [(place, group) for place, group in same if group is not None]
    return {(i, j) for i, one in known for j, other in known if i < j and one == other}
