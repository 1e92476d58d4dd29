"""A line that a stranger sends, word by word: as it stands there, and nothing kept of it."""

from lyricist.language.meter import line_stresses, scanned, stresses
from lyricist.language.rhyme import sounds
from lyricist.language.words import split_words


def test_a_line_is_told_word_by_word_as_it_is_stressed() -> None:
    assert scanned("The Window, hums (again) — runnin’!") == (
        ("The", "?"),
        ("Window", "/x"),
        ("hums", "/"),
        ("again", "x/"),
        ("runnin’", "/x"),
    )
    line = "And all the little stations that we pass"
    assert "".join(signs for _, signs in scanned(line)) == line_stresses(split_words(line))


def test_what_strangers_say_is_not_remembered() -> None:
    kept = (stresses.cache_info().currsize, sounds.cache_info().currsize)
    assert scanned("quuxly été 東京 9") == (("quuxly", "??"), ("été", "?"), ("東京", ""))
    assert (stresses.cache_info().currsize, sounds.cache_info().currsize) == kept
