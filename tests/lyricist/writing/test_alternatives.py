"""Which other drafts would fit: they rhyme where their line does, and repeat nothing."""

from lyricist.language.words import split_words
from lyricist.lines.draft_writer import Line
from lyricist.writing.alternatives import alternatives
from lyricist.writing.take import Sung


def line_of(text: str) -> Line:
    """A line as it was written."""
    return Line(text, tuple(split_words(text)), 0, (), 5.0, 5.0, -1.0)


def sung(text: str, *others: str) -> Sung:
    """A written line with the other drafts of its place."""
    line = line_of(text)
    return Sung(line.words, line, [line_of(other) for other in others])


def offered(scheme: str, *lines: Sung) -> list[tuple[str, ...]]:
    """What is offered for the lines of one section."""
    [found] = alternatives([(scheme, lines)], explicit=False)
    return list(found)


def test_an_alternative_rhymes_with_the_partner_of_its_line() -> None:
    first = sung("Cats sleep in the light", "Dogs wait for the bite", "Dogs wait for the rain")
    assert offered("AABB", first, sung("All of the night")) == [("Dogs wait for the bite",), ()]


def test_a_line_that_rhymes_with_nothing_may_end_in_anything() -> None:
    lines = [sung("Cats sleep on the orange", "Dogs wait for rain"), sung("All of the night")]
    assert offered("AABB", *lines)[0] == ("Dogs wait for rain",)


def test_an_alternative_says_nothing_that_the_other_lines_say() -> None:
    others = [
        "Walk home in the night",  # an end word again
        "Under the heavy sky we write",  # four words in a row again
        "Rain on the kite",  # rain a third time
        "Sunny and bright",
    ]
    lines = [
        sung("Cats sleep in the light", *others),
        sung("All of the night"),
        sung("Under the heavy sky we drive"),
        sung("Rain is alive in the rain"),
    ]
    assert offered("AABB", *lines)[0] == ("Sunny and bright",)


def test_at_most_three_are_offered_and_those_first_that_are_unlike() -> None:
    others = [
        "The cats sleep in the white",
        "Dogs wait for the bite",
        "Birds fly past the kite",
        "Mice learn how to write",
    ]
    assert offered("AA", sung("The cats sleep in the light", *others), sung("Night"))[0] == (
        "Dogs wait for the bite",
        "Birds fly past the kite",
        "Mice learn how to write",
    )
    assert offered("AA", sung("The cats sleep in the light", *others[:2]), sung("Night"))[0] == (
        "Dogs wait for the bite",
        "The cats sleep in the white",
    )


def test_a_given_line_has_no_alternatives() -> None:
    assert offered("AABB", Sung(("given",)), sung("One", "Two"))[0] == ()


def test_what_a_section_says_may_not_be_said_in_another() -> None:
    first, second = sung("Cats sleep", "All of the night"), sung("Deep in the night")
    assert alternatives([("none", [first]), ("none", [second])], explicit=False) == [((),), ((),)]
