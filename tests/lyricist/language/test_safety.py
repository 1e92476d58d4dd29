"""What is kept out of lyrics. The words themselves are spelled in ROT13, as in the lists."""

import codecs

import pytest

from lyricist.language.safety import Tier, banned_forms, is_allowed, mask, offences, tier
from lyricist.language.words import word_list
from tests.support.cpu_limit import cpu_limit


def plain(text: str) -> str:
    return codecs.decode(text, "rot13")


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe", "oh my God", "kill the beat", "class, pass and assassin", "he'll, who're",
        "cocktails in the cockpit", "a spicy dish with cumin", "Shiitake titles", "rapper, grape",
        "I a m s o", "Dickens", "cockney peacocks", "don't", "",
    ],
)  # fmt: skip
def test_innocent_words_pass_even_if_a_bad_one_is_inside(text: str) -> None:
    assert offences(text, explicit=False) == []
    assert mask(text, explicit=False) == text


@pytest.mark.parametrize(
    "spelled",
    [
        "shpx",
        "SHPXVA'",
        "shhhhpx",
        "fu1g",
        "$uvg",
        "n55",
        "s*px",
        "o1gpurf",
        "shpxref",
        "fuvg-gnyx",
    ],
)
def test_profanity_is_seen_through_its_spellings(spelled: str) -> None:
    text = plain(spelled)
    assert not is_allowed(text, explicit=False)
    assert is_allowed(text, explicit=True)


@pytest.mark.parametrize("spelled", ["s h p x", "s.h.p.x", "s-h-p-x", "s_h_p_x", "s.- h__p x"])
def test_a_spelled_out_word_is_one_word(spelled: str) -> None:
    text = plain(spelled)
    assert offences(f"oh {text} it", explicit=False) == [text]


@pytest.mark.parametrize("beside", ["'{}", "{}'s", "a{}", "{}a"])
def test_letters_that_belong_to_a_word_spell_nothing_out(beside: str) -> None:
    text = beside.format(plain("f u v g"))
    assert offences(text, explicit=False) == []


@pytest.mark.parametrize("starred", ["s*px", "s**x", "sh*xf"])
def test_a_star_stands_for_any_letter_and_a_plural_is_as_bad(starred: str) -> None:
    text = plain(starred)
    assert offences(f"oh {text} it", explicit=False) == [text]


@pytest.mark.parametrize("run", ["_", "a_", "a ", "_'", "a-'", "*a", "a*-", "i", "''", "é_", "５ "])
@pytest.mark.parametrize("end", ["", "'", "bb", "*", "\0"])
def test_masking_ends_soon_whatever_is_repeated(run: str, end: str) -> None:
    for text in (run * 250 + end, f"{run * 80} {end}" * 4, run * 20_000 + end):
        with cpu_limit(10):
            masked = mask(text, explicit=False)
        assert len(masked) == len(text)


def test_slurs_are_refused_in_explicit_lyrics_too() -> None:
    slurs = [plain(word) for word in word_list("banned_slur")]
    assert slurs
    for slur in slurs:
        assert tier(slur) is Tier.SLUR
        assert not is_allowed(slur, explicit=True)
        assert not is_allowed(slur + "s", explicit=True) or slur.endswith("y")


def test_a_mask_keeps_the_first_letter_of_profanity_and_nothing_of_a_slur() -> None:
    assert mask(plain("bu fuvg, gung"), explicit=False) == "oh s***, that"
    slur = plain(sorted(word_list("banned_slur"))[0])
    assert mask(f"a {slur}!", explicit=True) == f"a {'*' * len(slur)}!"


def test_a_masked_text_has_nothing_left_to_mask() -> None:
    for form, level in banned_forms().items():
        text = f"you {form} now"
        assert offences(mask(text, explicit=False), explicit=False) == [], (level, form)


def test_profanity_that_was_asked_for_stays() -> None:
    text = plain("jung gur uryy")
    assert mask(text, explicit=True) == text
    assert mask(text, explicit=False) != text
