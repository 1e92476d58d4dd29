"""Words of several tokens: none where a vocabulary cannot spell."""

from tokenizers import Tokenizer, models

from lyricist.vocabulary.spelled_words import spelled_words


def test_a_vocabulary_without_letters_spells_no_words() -> None:
    tokenizer = Tokenizer(models.BPE(vocab={"\n": 0, "1": 1}, merges=[]))
    assert spelled_words([], lambda text: tokenizer.encode(text).ids) == []
