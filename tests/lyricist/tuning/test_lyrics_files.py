"""Lyrics to learn from: two formats, and one sentence for whatever is wrong with a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyricist.errors import TuningError
from lyricist.songs import Section
from lyricist.tuning import lyrics_files
from lyricist.tuning.lyrics_files import MOST_LINES, read_lyrics
from lyricist.tuning.training_song import TrainingSong, frozen_prompt_near

LINES = ["My mother's soup pot has a dent", "From the apartment we used to rent"]


def row(**changed: Any) -> str:
    fields = {"prompt": "my mother's soup pot", "style": "folk", "title": "Dent", "lines": LINES}
    return json.dumps({**fields, **changed})


def written(folder: Path, text: str | bytes, name: str = "lyrics.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def fault(folder: Path, text: str | bytes) -> str:
    """The sentence about a file, its name left out."""
    path = written(folder, text)
    with pytest.raises(TuningError) as caught:
        read_lyrics([path])
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence.removeprefix(str(path))


def test_json_lines_give_prompt_style_title_and_sections(tmp_path: Path) -> None:
    sections = [{"name": "Verse 1", "lines": LINES}, {"name": "Chorus", "lines": [" Oh  pot "]}]
    plain = json.dumps({"prompt": " a  pot", "lines": LINES})
    rows = [row(), plain, json.dumps({"prompt": "a pan", "sections": sections}), *[row()] * 8]
    first, second, third, *_ = read_lyrics([written(tmp_path, "\n\n".join(rows))], "soul")
    verse = Section("Verse 1", tuple(LINES))
    assert first == TrainingSong("my mother's soup pot", "folk", "Dent", (verse,))
    assert second == TrainingSong("a pot", "soul", "", (verse,))
    assert third.sections == (verse, Section("Chorus", ("Oh pot",)))
    assert third.lines == (*LINES, "Oh pot")


def test_plain_text_has_songs_between_empty_lines(tmp_path: Path) -> None:
    text = (
        "\n\nTitle: The Dent\nThe pot is on the stove\nThe pot is bent\n[Chorus]\nOh pot\n \n\n"
        "The rain is on the roof\nThe roof is tin\n"
    )
    rest = "\n".join(f"\nThe stove is number {word}\n" for word in ("one", "two") * 4)
    first, second, *_ = read_lyrics([written(tmp_path, "\ufeff" + text + rest)], "rock")
    assert (first.title, first.style) == ("The Dent", "rock")
    assert first.sections == (
        Section("Verse 1", ("The pot is on the stove", "The pot is bent")),
        Section("Chorus", ("Oh pot",)),
    )
    assert first.prompt == "pot and stove and bent"
    assert (second.title, second.prompt) == ("", "rain and roof and tin")


def test_several_files_of_either_kind_are_one_corpus(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "\n".join([row()] * 6), "one.jsonl"),
        written(tmp_path, "The rain is on the roof\n\n" * 4, "two.txt"),
    ]
    assert len(read_lyrics(paths)) == 10


def test_an_empty_file_is_one_sentence(tmp_path: Path) -> None:
    assert fault(tmp_path, " \n\n") == " is empty."


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    assert fault(tmp_path, b"caf\xe9\n") == " is not text in UTF-8 (byte 3)."


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"nowhere cannot be read: No such file or directory\.$"):
        read_lyrics([tmp_path / "nowhere"])
    with pytest.raises(TuningError, match=r"cannot be read: Is a directory\.$"):
        read_lyrics([tmp_path])


def test_one_verse_is_too_few_to_learn_from(tmp_path: Path) -> None:
    few = " has one song, and a model needs at least 10 to learn from."
    assert fault(tmp_path, row()) == few
    assert fault(tmp_path, "\n".join(LINES)) == few
    assert fault(tmp_path, "\n".join([row()] * 9)).startswith(" has 9 songs")


def test_a_million_lines_are_refused_before_they_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = f" has more than {MOST_LINES:,} lines, which would take days; use fewer songs."
    assert fault(tmp_path, "la\n" * 1_000_000) == many
    monkeypatch.setattr(lyrics_files, "MOST_BYTES", 1 << 20)
    assert fault(tmp_path, "la la la\n" * 150_000) == " has more than 1 MB; use fewer songs."


def test_a_line_of_ten_thousand_characters_is_no_lyric(tmp_path: Path) -> None:
    long = ": line 2 has more than 200 characters in a line of lyrics."
    assert fault(tmp_path, f"{row()}\n{row(lines=['la ' * 3334])}") == long
    assert fault(tmp_path, "la\n" + "x" * 10_000) == long


def test_a_prompt_without_lyrics_is_one_sentence(tmp_path: Path) -> None:
    bare = ": line 1 has a prompt and no lyrics."
    assert fault(tmp_path, json.dumps({"prompt": "rain"})) == bare
    assert fault(tmp_path, row(lines=["", " "])) == bare
    assert fault(tmp_path, "Title: Rain\n\nTitle: Sun\n") == " has a title and no lyrics."


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"prompt": "rain"', "is not a song in JSON"),
        ('{"a": ' + '{"a": ' * 100_000, "is not a song in JSON"),
        (row(prompt=" "), "has no prompt"),
        (row(prompt=7), "has a prompt that is no text of at most 500 characters"),
        (row(title="x" * 501), "has a title that is no text of at most 500 characters"),
        (row(lines="la"), "has lines that are no list of texts"),
        (row(lines=[1]), "has lines that are no list of texts"),
        (row(sections=[LINES]), "has sections that are no list of names and lines"),
        (row(lines=["la"] * 401), "has a song of more than 400 lines"),
        (row(lines=["la\u0000la"]), "has characters that cannot be shown"),
        (row(style="polka"), "has a style that is none of rap, pop, country, rock, folk, soul"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, text: str, wanted: str) -> None:
    assert fault(tmp_path, f"{row()}\n{text}") == f": line 2 {wanted}."


def test_no_model_learns_from_a_prompt_that_models_are_compared_by(tmp_path: Path) -> None:
    told = fault(tmp_path, row(prompt="Graffiti in the city at night, and trains!"))
    assert "'graffiti, trains and the city at night'" in told
    assert frozen_prompt_near("X") == "x"
    assert frozen_prompt_near("pizza!") == "pizza"
    assert frozen_prompt_near("leftover pizza") is None
    assert frozen_prompt_near("my mother's soup pot") is None


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_songs_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("any"), content)
    try:
        told = f"{len(read_lyrics([path]))} songs"
    except TuningError as error:
        told = str(error)
    assert told
    assert "\n" not in told
