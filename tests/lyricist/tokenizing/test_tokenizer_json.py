"""A tokenizer.json is taken as it is, but for what it does at the ends of a text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_json import (
    MOST_JSON_BYTES,
    read_tokenizer,
    tokenizer_of_json,
    written,
)
from lyricist.tokenizing.tokenizer_source import TokenizerJson
from lyricist.tokenizing.whole_tokenizer import Spaces, WholeTokenizer
from tests.support.hard_texts import hard_texts

DATA = Path(__file__).parent / "data"
LLAMA = (DATA / "llama-bpe.json").read_bytes()
SIZE = 601


def read(fields: dict[str, Any], size: int = 1000) -> WholeTokenizer:
    return tokenizer_of_json(TokenizerJson(json.dumps(fields).encode()), size)


def spaced(pre: pre_tokenizers.PreTokenizer | None) -> dict[str, Any]:
    """A tokenizer that begins every text with a space: by `pre`, or as Llama 2's does."""
    vocabulary = {token: index for index, token in enumerate(["<unk>", "▁", "a", "b", "▁a"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("▁", "a")], unk_token="<unk>"))
    if pre is None:
        steps = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        tokenizer.normalizer = normalizers.Sequence(steps)
    else:
        tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    fields: dict[str, Any] = json.loads(tokenizer.to_str())
    return fields


@pytest.mark.parametrize("name", ["gpt-2", "qwen2", "llama-bpe", "tekken"])
def test_its_tokens_are_those_that_its_makers_meant(name: str) -> None:
    content = (DATA / f"{name}.json").read_bytes()
    original = Tokenizer.from_str(content.decode())
    whole = tokenizer_of_json(TokenizerJson(content), SIZE)
    for text in hard_texts(300):
        meant = original.encode(text, add_special_tokens=False).ids
        assert whole.tokenizer.encode(text).ids == meant
    assert whole.spaces is Spaces.NEVER
    assert whole.adds_bos is (name in ("llama-bpe", "tekken"))


@pytest.mark.parametrize(
    ("pre", "spaces"),
    [
        (None, Spaces.ALWAYS),
        (pre_tokenizers.Metaspace(prepend_scheme="always", split=False), Spaces.ALWAYS),
        (pre_tokenizers.Metaspace(prepend_scheme="first", split=False), Spaces.FIRST),
        (pre_tokenizers.Metaspace(prepend_scheme="never", split=False), Spaces.NEVER),
    ],
)
def test_a_space_before_a_text_is_told_of_and_not_added(
    pre: pre_tokenizers.PreTokenizer | None, spaces: Spaces
) -> None:
    fields = spaced(pre)
    original, whole = Tokenizer.from_str(json.dumps(fields)), read(fields)
    assert whole.spaces is spaces
    assert whole.tokenizer.encode("ab").tokens == ["a", "b"], "as in the middle of a text"
    before = "" if spaces is Spaces.NEVER else " "
    assert whole.tokenizer.encode(f"{before}ab ab").ids == original.encode("ab ab").ids
    assert whole.tokenizer.decode(whole.tokenizer.encode(" ab").ids) == " ab"


def test_texts_are_neither_filled_up_nor_cut_off() -> None:
    fields = json.loads(LLAMA)
    tokenizer = Tokenizer.from_str(json.dumps(fields))
    tokenizer.enable_padding(length=50)
    tokenizer.enable_truncation(60)
    whole = read(json.loads(tokenizer.to_str()))
    assert 1 < len(whole.tokenizer.encode("the river").ids) < 10
    assert len(whole.tokenizer.encode("the river " * 50).ids) > 60


def test_tokens_that_were_added_beyond_the_network_are_left_out() -> None:
    fields = json.loads(LLAMA)
    image = {**fields["added_tokens"][0], "id": SIZE, "content": "<image>"}
    fields["added_tokens"].append(image)
    whole = read(fields, SIZE)
    assert whole.tokenizer.token_to_id("<image>") is None
    assert read(fields, SIZE + 1).tokenizer.token_to_id("<image>") == SIZE


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is no tokenizer"),
        (b"[]", "is no tokenizer"),
        (b'{"model": {"type": "WordPiece"}}', "of kind 'WordPiece'"),
        (b'{"model": {"type": "BPE"}}', "is no tokenizer"),
        (b'{"added_tokens": [{}], "model": {"type": "BPE", "vocab": {}}}', "is no tokenizer"),
        (b"[" * 100_000, "is no tokenizer"),
        (b" " * (MOST_JSON_BYTES + 1), "larger than 64 MB"),
    ],
)
def test_what_is_no_tokenizer_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        tokenizer_of_json(TokenizerJson(content), SIZE)


def test_one_that_the_tokenizers_package_did_not_foresee_is_refused() -> None:
    fields = json.loads(LLAMA)
    fields["model"]["continuing_subword_prefix"] = "longer than a token"
    with pytest.raises(BuildError, match="is no tokenizer"):
        read(fields)


@settings(max_examples=150, deadline=2000)
@given(data=st.data())
def test_a_damaged_tokenizer_json_is_read_or_refused(data: st.DataObject) -> None:
    # Nearly all that is not the vocabulary stands at the two ends.
    ends = [st.integers(0, 1500), st.integers(len(LLAMA) - 200, len(LLAMA) - 1)]
    at = data.draw(st.one_of(ends))
    odd = st.sampled_from([b"null", b"{}", b"-1", b'""'])
    piece = data.draw(st.one_of(st.binary(max_size=4), odd))
    changed = LLAMA[:at] + piece + LLAMA[at + data.draw(st.integers(0, 8)) :]
    try:
        whole = tokenizer_of_json(TokenizerJson(changed), SIZE)
    except BuildError:
        return
    whole.tokenizer.encode("the river waits\n")


def test_merges_that_are_many_are_written_shorter_and_mean_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = read_tokenizer(LLAMA)
    assert written(whole) == whole.to_str(), "a bundle that there is stays what it is"
    monkeypatch.setattr("lyricist.tokenizing.tokenizer_json.MANY_MERGES", 1)
    short = written(whole)
    assert len(short) < len(whole.to_str())
    again = read_tokenizer(short.encode())
    assert all(again.encode(text).ids == whole.encode(text).ids for text in hard_texts(100))
    spaced_merge = Tokenizer(models.BPE({"a": 0, " b": 1, "a b": 2}, [("a", " b")]))
    assert written(spaced_merge) == spaced_merge.to_str()
