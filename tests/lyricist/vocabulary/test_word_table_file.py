"""A stored word table is the very one that is derived; out of date, it is not used."""

import json
import logging
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.bundle import sources
from lyricist.bundle.manifest import MANIFEST, MODEL, WORD_TABLE, Bundle, read_bundle, record_file
from lyricist.errors import BundleError
from lyricist.language.rhyme import sounds
from lyricist.language.safety import Tier, banned_forms
from lyricist.songs import SongRequest
from lyricist.vocabulary import word_table_file
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table import WordTable, derive_word_table
from lyricist.vocabulary.word_table_file import read_word_table, word_table_of, write_word_table
from lyricist.writing.writer import Writer


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


def assert_same(found: WordTable, wanted: WordTable) -> None:
    for field in fields(WordTable):
        one, other = getattr(found, field.name), getattr(wanted, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype, field.name
            np.testing.assert_array_equal(one, other, field.name)
        else:
            assert list(one) == list(other), field.name


def test_the_stored_table_is_the_derived_one_bit_for_bit(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    vocabulary = Vocabulary(bundle)
    found = read_word_table(bundle.folder / WORD_TABLE, bundle.files["tokenizer.json"].sha256)
    assert found is not None
    assert_same(found, derive_word_table(vocabulary.texts))


def test_any_texts_come_back_as_they_were(tmp_path: Path) -> None:
    texts = (
        "",
        "\x00",
        " \x00",
        '"',
        "\n",
        " café",
        " 🎤",
        "\u2028",
        " rhyme",
        " time",
        "Time",
        "s",
    )
    table = derive_word_table(texts)
    write_word_table(tmp_path / WORD_TABLE, table, "vocabulary")
    found = read_word_table(tmp_path / WORD_TABLE, "vocabulary")
    assert found is not None
    assert_same(found, table)


def test_an_empty_vocabulary_has_no_rhymes(tmp_path: Path) -> None:
    table = derive_word_table(("\n", ","))
    write_word_table(tmp_path / WORD_TABLE, table, "vocabulary")
    found = read_word_table(tmp_path / WORD_TABLE, "vocabulary")
    assert found is not None
    assert_same(found, table)
    assert Lexicon(found, lambda text: [("\n", ",").index(text)]).classes == 0


def test_the_table_of_another_vocabulary_is_not_used(tmp_path: Path) -> None:
    write_word_table(tmp_path / WORD_TABLE, derive_word_table((" rhyme",)), "vocabulary")
    assert read_word_table(tmp_path / WORD_TABLE, "another") is None


@pytest.mark.parametrize("source", ["language/rhyme.py", "language/data/weak_ends.txt"])
def test_a_table_of_other_code_or_word_lists_is_not_used(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_word_table(tmp_path / WORD_TABLE, derive_word_table((" rhyme",)), "vocabulary")
    package = Path(shutil.copytree(sources.PACKAGE, tmp_path / "lyricist"))
    monkeypatch.setattr(sources, "PACKAGE", package)
    sources.sources_digest.cache_clear()
    assert read_word_table(tmp_path / WORD_TABLE, "vocabulary") is not None
    with (package / source).open("a") as file:
        file.write("\n# another rule\n")
    sources.sources_digest.cache_clear()
    assert read_word_table(tmp_path / WORD_TABLE, "vocabulary") is None
    monkeypatch.undo()
    sources.sources_digest.cache_clear()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"words"])
def test_a_file_that_is_no_table_is_not_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / WORD_TABLE).write_bytes(content)
    assert read_word_table(tmp_path / WORD_TABLE, "vocabulary") is None


def without_words(folder: Path) -> Bundle:
    (folder / WORD_TABLE).unlink()
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"][WORD_TABLE]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return read_bundle(folder)


def test_a_bundle_without_a_table_derives_it_and_says_so_once(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = without_words(copy)
    vocabulary = Vocabulary(bundle)
    with caplog.at_level(logging.WARNING):
        assert_same(word_table_of(bundle, vocabulary), derive_word_table(vocabulary.texts))
    assert [record.message for record in caplog.records] == [
        f"{bundle.folder / WORD_TABLE} is missing or of another version: every start takes longer "
        "until the model is built again"
    ]


def test_a_song_is_the_same_with_a_stored_and_a_derived_table(
    tiny_bundle: Path, copy: Path
) -> None:
    without_words(copy)
    request = SongRequest("the sea", lines=4, seed=3)
    songs = [
        Writer.open(folder, threads=1).write([request], lambda _index, _lines: True)
        for folder in (tiny_bundle, copy)
    ]
    assert songs[0] == songs[1]


def test_a_damaged_table_is_refused_like_any_file(copy: Path) -> None:
    data = bytearray((copy / WORD_TABLE).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / WORD_TABLE).write_bytes(data)
    with pytest.raises(BundleError, match=r"words\.npz is damaged .*SHA-256"):
        Writer.open(copy)


def test_a_stale_table_is_renewed_without_building_the_network(
    copy: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = read_bundle(tiny_bundle)
    bundle = read_bundle(copy)
    monkeypatch.setattr(word_table_file, "made_by", lambda _vocabulary: "older code")
    write_word_table(copy / WORD_TABLE, derive_word_table((" old",)), "")
    monkeypatch.undo()
    record = {
        "bytes": (copy / WORD_TABLE).stat().st_size,
        "sha256": record_file(copy / WORD_TABLE).sha256,
    }
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["files"][WORD_TABLE] = record
    (copy / MANIFEST).write_text(json.dumps(manifest))
    monkeypatch.setattr("lyricist.building.pipeline._fill", None)
    assert build_bundle(copy, BuildOptions(preset="tiny")) is True
    assert read_bundle(copy).files == wanted.files
    assert read_bundle(copy).digest == bundle.digest
    assert build_bundle(copy, BuildOptions(preset="tiny")) is False
    assert (copy / MODEL).read_bytes() == (tiny_bundle / MODEL).read_bytes()


def test_a_lexicon_answers_by_the_rhyme_table(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    vocabulary = Vocabulary(bundle)
    lexicon = Lexicon(word_table_of(bundle, vocabulary), vocabulary.encode)
    night = vocabulary.encode(" night")[0]
    rhymes = {lexicon.words[token] for token in lexicon.rhymes_of(night).tolist()}
    assert {"light", "right"} <= rhymes
    assert not {"night", "nights", "knight", "tonight"} & rhymes
    for end in lexicon.end_words[::50].tolist():
        own = sounds(lexicon.words[end])[0]
        assert lexicon.sound_of(end) == own
        heard = [lexicon.sound_of(int(token)) for token in lexicon.rhymes_of(end)]
        assert all(sound.tail == own.tail for sound in heard)
        near = [lexicon.sound_of(int(token)) for token in lexicon.slants_of(end)]
        assert all(sound.slant == own.slant and sound.tail != own.tail for sound in near)


def test_slurs_and_profanity_are_told_apart(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    table = word_table_of(bundle, Vocabulary(bundle))
    for token in range(len(table.texts)):
        level = banned_forms().get(table.words[token])
        is_word = bool(table.starts[token] or table.firsts[token])
        assert table.slurs[token] == (is_word and level is Tier.SLUR)
        assert table.profane[token] == (is_word and level in (Tier.MILD, Tier.STRONG))
