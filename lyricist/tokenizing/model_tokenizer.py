"""A model's tokenizer as its bundle holds it, and the form in which the model is spoken to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tokenizers import Tokenizer

from lyricist.bundle.prompt_form import PLAIN, PromptForm
from lyricist.errors import BuildError, is_panic
from lyricist.tokenizing.byte_level import byte_level_tokenizer
from lyricist.tokenizing.chat_template import form_of_template
from lyricist.tokenizing.sentencepiece_model import (
    sentencepiece_of_fields,
    sentencepiece_of_model,
)
from lyricist.tokenizing.tokenizer_json import tokenizer_of_json
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, TokenizerJson, TokenizerSource
from lyricist.tokenizing.whole_tokenizer import Spaces, WholeTokenizer

#: Markup that ends what a model says, whatever else its makers name.
_END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "</s>",
    "<end_of_turn>",
    "<eos>",
)


#: Somebody's prompt: letters that a vocabulary may lack, signs and spaces.
_ANY_TEXT = "A night bus, 2 a.m.\tÉlan Ω 漢字 🎵\u200b\ufffd"


@dataclass(frozen=True)
class ModelTokenizer:
    """What a bundle keeps of a tokenizer."""

    #: Adds no space before a text and no token around it.
    tokenizer: Tokenizer
    end_tokens: tuple[str, ...]
    prompt: PromptForm


def model_tokenizer(source: TokenizerSource, vocabulary_size: int) -> ModelTokenizer:
    """The tokenizer of a network with so many logits. BuildError, which names the file.

    The network may have more logits than there are tokens, where its makers rounded up.
    """
    try:
        whole = _whole(source, vocabulary_size)
        _check(whole.tokenizer, vocabulary_size)
        return ModelTokenizer(whole.tokenizer, _ends(source, whole), _prompt(source, whole))
    except BuildError as error:
        raise BuildError(f"{source.path}: {error}") from error


def _check(tokenizer: Tokenizer, vocabulary_size: int) -> None:
    size = 1 + max(tokenizer.get_vocab().values(), default=-1)
    if size > vocabulary_size:
        raise BuildError(f"The tokenizer has {size} tokens, and the network {vocabulary_size}.")
    if len(_encoded(tokenizer, "\n")) != 1:
        raise BuildError("The tokenizer has no single token for the end of a line.")
    _encoded(tokenizer, _ANY_TEXT)


def _encoded(tokenizer: Tokenizer, text: str) -> list[int]:
    """Its tokens; BuildError if it fails on them, as it would in the middle of a song."""
    try:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    except BaseException as error:
        if isinstance(error, Exception) or is_panic(error):
            raise BuildError(f"The tokenizer fails on {text!r}: {str(error)[:200]}.") from error
        raise
    return ids


def _whole(source: TokenizerSource, vocabulary_size: int) -> WholeTokenizer:
    found = source.vocabulary
    if isinstance(found, TokenizerJson):
        return tokenizer_of_json(found, vocabulary_size)
    if not isinstance(found, GgufVocabulary):
        return sentencepiece_of_model(found)
    match found.model:
        case "gpt2":
            return byte_level_tokenizer(found)
        case "llama":
            return sentencepiece_of_fields(found)
    raise BuildError(
        f"Its tokenizer is {found.model!r}; byte-level BPE ('gpt2') and SentencePiece ('llama') "
        "can be built."
    )


def _ends(source: TokenizerSource, whole: WholeTokenizer) -> tuple[str, ...]:
    by_id = (whole.tokenizer.id_to_token(index) for index in source.end_ids)
    special = _special(whole.tokenizer)
    usual = (token for token in _END_TOKENS if token in special)
    named = (token for token in source.ends if whole.tokenizer.token_to_id(token) is not None)
    return tuple(dict.fromkeys([*named, *filter(None, by_id), *usual]))


def _special(tokenizer: Tokenizer) -> list[str]:
    added = tokenizer.get_added_tokens_decoder().values()
    return [token.content for token in added if token.special]


def _prompt(source: TokenizerSource, whole: WholeTokenizer) -> PromptForm:
    form = PLAIN
    if source.chat_template:
        eos = source.ends[0] if source.ends else ""
        form = form_of_template(source.chat_template, source.bos, eos)
    adds_bos = whole.adds_bos if source.add_bos is None else source.add_bos
    if adds_bos and not form.before.startswith(source.bos):
        form = replace(form, before=source.bos + form.before)
    return spaced(form, whole.spaces, _special(whole.tokenizer))


def spaced(form: PromptForm, spaces: Spaces, markup: Sequence[str]) -> PromptForm:
    """The form with the spaces that its makers' tokenizer puts before texts.

    `markup`: the special tokens, after each of which a text begins.
    """
    if spaces is Spaces.NEVER:
        return form
    begins = True
    written: list[str] = []
    for part in (form.before, form.between, form.after):
        if written and begins:  # what the model is told stands here
            written[-1] += " "
            begins = False
        written.append("")
        for piece, is_markup in _pieces(part, markup):
            written[-1] += f" {piece}" if begins and not is_markup else piece
            begins = is_markup and spaces is Spaces.ALWAYS
    before, between, after = written
    return PromptForm(before, between, after, form.is_chat)


def _pieces(text: str, markup: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The text cut at its special tokens, and whether each piece is one; none is empty."""
    found = sorted((token for token in markup if token in text), key=len, reverse=True)
    start = at = 0
    while at < len(text):
        token = next((token for token in found if text.startswith(token, at)), "")
        if token and at > start:
            yield text[start:at], False
        if token:
            yield token, True
            start = at + len(token)
        at += len(token) or 1
    if text[start:]:
        yield text[start:], False
