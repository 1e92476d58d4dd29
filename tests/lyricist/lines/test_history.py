"""What saying a word again costs: quick answers, the same as those of counting from scratch."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lyricist.language.words import phrases, split_words, stem, word_list
from lyricist.lines.history import FORBIDDEN, MOST_STOCK_PHRASES, MOST_USES, History, WordCosts

Lines = list[list[str]]
#: Few words, so that they come again: forms of one, small ones, shortened ones, a leak.
WORDS = st.sampled_from(
    ["dream", "dreams", "dreaming", "rain", "road", "the", "and", "you", "i'm", "river's"]
) | st.just(min(word_list("leaks")))
STOCK = st.sampled_from(sorted(phrases("stock_phrases"))).map(list)
LINES = st.lists(st.lists(WORDS, max_size=8) | STOCK, max_size=8)


def times(lines: Lines, gram: Sequence[str]) -> int:
    size = len(gram)
    return sum(line[at : at + size] == list(gram) for line in lines for at in range(len(line)))


def is_plainly_forbidden(lines: Lines, shown: Lines, words: list[str], word: str) -> bool:
    said = [each for line in lines for each in line]
    if len(words) >= 3 and times(lines + shown, [*words[-3:], word]):
        return True
    for phrase in phrases("stock_phrases"):
        ends_so = [*words, word][-len(phrase) :] == list(phrase)
        if ends_so and times(lines, phrase) >= MOST_STOCK_PHRASES:
            return True
    if word in word_list("function_words"):
        return words[-1:] == [word]
    is_worn = said.count(word) >= MOST_USES or [*map(stem, said)].count(stem(word)) >= 3
    return word in words or is_worn or word in word_list("leaks")


def plain_cost(lines: Lines, shown: Lines, words: list[str], word: str) -> float:
    if is_plainly_forbidden(lines, shown, words, word):
        return FORBIDDEN
    said = [each for line in lines for each in line]
    cost = 0.0
    if words:
        cost -= 2.5 * times(lines, [words[-1], word])
        if len(words) > 1 and times(lines + shown, [*words[-2:], word]):
            cost -= 4.0
    else:
        cost -= 1.2 * sum(line[:1] == [word] for line in lines)
    if word in words and word not in {"the", "a", "an", "and", "i", "my", "to", "of"}:
        cost -= 1.5
    if word not in word_list("function_words") and any(word in line for line in shown):
        cost -= 1.5
    if "'" in word:
        cost -= 0.35 * said.count(word)
    return cost


@given(lines=LINES, shown=LINES, words=st.lists(WORDS, max_size=6) | STOCK)
def test_costs_are_those_of_counting_all_lines_again(
    lines: Lines, shown: Lines, words: list[str]
) -> None:
    history = History()
    asked = {*words, *(word for line in lines + shown for word in line)}
    for line in shown:
        history.add_example(line)
    for known in range(len(lines) + 1):
        for before in (words, words[:-1]):
            for word in asked:
                expected = plain_cost(lines[:known], shown, before, word)
                assert WordCosts(history, before).of(word) == expected, (before, word)
        history.add(lines[known] if known < len(lines) else [])


def test_words_refused_later_cost_more_at_once() -> None:
    history = History()
    before = WordCosts(history, []).of("rain")
    history.add_example(["rain"])
    assert WordCosts(history, []).of("rain") < before


def test_a_stock_phrase_said_often_enough_is_not_begun_again() -> None:
    history, phrase = History(), ["the", "sound", "of"]
    for _ in range(MOST_STOCK_PHRASES - 1):
        history.add(phrase)
    assert WordCosts(history, phrase[:-1]).of(phrase[-1]) > FORBIDDEN
    history.add(phrase)
    assert WordCosts(history, phrase[:-1]).of(phrase[-1]) == FORBIDDEN
    assert WordCosts(history, ["sound"]).of(phrase[-1]) > FORBIDDEN


def test_a_copy_knows_what_was_said_before_and_then_goes_its_own_way() -> None:
    history = History()
    history.add(["the", "river", "runs"])
    copied = history.copy()
    before = WordCosts(copied, ["the"]).of("river")
    assert before == WordCosts(history, ["the"]).of("river") < 0
    copied.add(["the", "river", "bends"])
    assert copied.is_refused([], "river")
    assert not history.is_refused([], "river"), "what one of them says, the other has not said"
    history.add(["my", "rivers"])
    assert history.uses["rivers"] == 1
    assert copied.uses["rivers"] == 0


def test_an_example_with_some_words_changed_is_a_copy_and_a_line_of_its_words_is_none() -> None:
    history = History()
    history.add_example(split_words("coffee going cold by the window pane"))
    for other in (history, history.copy()):
        assert other.copies_an_example(split_words("coffee goes cold by the windows pane"))
        assert not other.copies_an_example(split_words("the coffee by the window is for me"))
        assert not other.copies_an_example(split_words("cold coffee and a kiss"))
