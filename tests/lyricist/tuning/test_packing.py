"""Songs as rows of tokens: each is read as if alone, and only its own words are learned."""

from dataclasses import replace

import numpy as np
import pytest

from lyricist.building.release import packaged_gguf
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.songs import Section, SongRequest
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tuning.packing import TARGETS_STEP, batches_of
from lyricist.tuning.texts import Text, texts_of
from lyricist.tuning.training_song import TrainingSong
from lyricist.vocabulary.tokens import Encoder
from lyricist.writing.instructions import instructions


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    file = GgufFile(packaged_gguf())
    made = model_tokenizer(file.tokenizer(), 1 << 20)
    return Encoder(made.tokenizer, made.prompt)


def song(prompt: str, *lines: str, title: str = "The Dent", style: str = "folk") -> TrainingSong:
    return TrainingSong(prompt, style, title, (Section("Verse 1", lines),))


def text(encoder: Encoder, ids: tuple[int, ...]) -> str:
    return str(encoder._tokenizer.decode(list(ids), skip_special_tokens=False))


def test_a_text_is_what_the_writer_reads_and_only_title_and_lines_are_learned(
    encoder: Encoder,
) -> None:
    songs = [song("a pot", "The pot is bent", "It came and went"), song("rain", "Rain again")]
    first, other = texts_of(songs, encoder, 300, 0)
    request = instructions(SongRequest("a pot", style="folk"), encoder)
    assert [*first.prefix, *first.tokens][: len(request)] == request
    assert first.prefix == other.prefix
    assert text(encoder, first.prefix).endswith(
        "Write the lyrics of a quiet folk song that tells a story about "
    )
    assert text(encoder, first.tokens).endswith(
        'a pot.<|im_end|>\n<|im_start|>assistant\nTitle: "The Dent"\n\n[Verse 1]\nThe pot is bent\n'
        "It came and went\n"
    )
    learned = tuple(np.array(first.tokens)[np.array(first.learned)].tolist())
    assert text(encoder, learned) == ' "The Dent"\nThe pot is bent\nIt came and went\n'


def test_of_some_songs_lines_are_given_and_only_the_others_are_learned(encoder: Encoder) -> None:
    told = Encoder(encoder._tokenizer, replace(encoder.prompt, tells_given=True))
    lines = [f"The pot is number {at}" for at in range(4)]
    texts = texts_of([song("a pot", *lines) for _ in range(200)], told, 300, 5)
    assert texts == texts_of([song("a pot", *lines) for _ in range(200)], told, 300, 5)
    with_given = 0
    for found in texts:
        whole = text(encoder, found.tokens)
        learned = text(encoder, tuple(np.array(found.tokens)[np.array(found.learned)].tolist()))
        asked, written = whole.split("<|im_start|>assistant\n")
        assert all(line in written for line in lines)
        for line in lines:
            assert (line in asked) != (line in learned), "told or learned"
        with_given += "Keep these lines" in asked
    assert 40 < with_given < 90


def test_a_title_that_nobody_gave_is_not_learned(encoder: Encoder) -> None:
    (found,) = texts_of([song("a pot", "The pot is bent", title="")], encoder, 300, 0)
    learned = tuple(np.array(found.tokens)[np.array(found.learned)].tolist())
    assert 'Title: "a pot"' in text(encoder, found.tokens)
    assert text(encoder, learned) == "The pot is bent\n"


def test_a_long_song_goes_on_in_texts_that_begin_with_its_request(encoder: Encoder) -> None:
    lines = [f"The pot is on the stove and number {at}" for at in range(60)]
    texts = texts_of([song("a pot", *lines)], encoder, 200, 0)
    assert len(texts) > 3
    assert all(len(each.prefix) + len(each.tokens) <= 200 for each in texts)
    learned = [
        token
        for each in texts
        for token, is_own in zip(each.tokens, each.learned, strict=True)
        if is_own
    ]
    assert text(encoder, tuple(learned)) == ' "The Dent"\n' + "".join(f"{line}\n" for line in lines)


def test_texts_in_one_row_see_their_prefix_and_themselves_and_never_each_other() -> None:
    one, two = Text((1, 2), (3, 4, 5), (False, True, True)), Text((1, 2), (6, 7), (False, True))
    other = Text((9,), (8, 8, 8, 8), (False, False, True, True))
    (batch,) = batches_of([one, other, two], rows=2, length=8)
    assert batch.tokens.tolist() == [[1, 2, 3, 4, 5, 6, 7, 0], [9, 8, 8, 8, 8, 0, 0, 0]]
    assert batch.positions.tolist()[0][:7] == [0, 1, 2, 3, 4, 2, 3], "each follows the prefix"
    seen = ["".join(".x"[int(is_seen)] for is_seen in row) for row in batch.visible[0]]
    assert seen == [
        "x.......",
        "xx......",
        "xxx.....",
        "xxxx....",
        "xxxxx...",
        "xx...x..",
        "xx...xx.",
        ".......x",
    ]
    pairs = batch.weights > 0
    assert batch.targets[pairs].tolist() == [2, 3, 5, 10, 11]
    assert batch.next_tokens[pairs].tolist() == [4, 5, 7, 8, 8]
    assert len(batch.targets) == TARGETS_STEP
    assert batch.used == 12


def test_every_text_is_in_some_row_and_all_batches_have_one_shape() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 30, 50).tolist()
    texts = [
        Text((at % 3,), (7,) * length, (False,) + (True,) * (length - 1))
        for at, length in enumerate(lengths)
    ]
    batches = batches_of(texts, rows=3, length=32)
    assert {batch.tokens.shape for batch in batches} == {(3, 32)}
    assert sum(batch.weights.sum() for batch in batches) == sum(lengths) - 50
    assert sum(batch.used for batch in batches) / (len(batches) * 3 * 32) > 0.75
