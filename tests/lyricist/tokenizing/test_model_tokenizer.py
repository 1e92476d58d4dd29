"""What a bundle keeps of a tokenizer: tokens, ends, and the form in which a model is told."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lyricist.building.release import packaged_gguf
from lyricist.bundle.prompt_form import CHAT_ML, PLAIN, PromptForm
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.errors import BuildError
from lyricist.tokenizing.model_tokenizer import model_tokenizer, spaced
from lyricist.tokenizing.tokenizer_source import (
    GgufVocabulary,
    PieceKind,
    TokenizerJson,
    TokenizerSource,
)
from lyricist.tokenizing.whole_tokenizer import Spaces

DATA = Path(__file__).parent / "data"
LLAMA = TokenizerSource(
    Path("folder"),
    TokenizerJson((DATA / "llama-bpe.json").read_bytes()),
    bos="<s>",
    ends=("</s>",),
)
SIZE = 601
#: Of the tokenizer.json in the default bundle since it is built at all.
DEFAULT_SHA256 = "2225e8fb36485529d3c826106f8bec359b719a6bcc3f5d6314a834c7be153905"
TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[model]"
PIECES = ("<unk>", "<s>", "</s>", "<0x0A>", "▁", "a")
KINDS = (PieceKind.UNKNOWN, *[PieceKind.CONTROL] * 2, PieceKind.BYTE, *[PieceKind.NORMAL] * 2)
LLAMA_2 = GgufVocabulary("llama", PIECES, KINDS, scores=(0.0,) * 6, adds_space=True)

#: Tokenizers that are read without a word, and fail on a text: one of them in Rust.
WITHOUT_UNKNOWN = {"type": "Unigram", "unk_id": None, "vocab": [["a", -1.0], ["\n", -1.0]]}
PANICKING = {"type": "Precompiled", "precompiled_charsmap": "CAAAAAAAAAAAAAAA"}


def changed(**parts: object) -> TokenizerSource:
    """Llama's tokenizer with other parts."""
    assert isinstance(LLAMA.vocabulary, TokenizerJson)
    own = {"normalizer": None, "pre_tokenizer": None, "added_tokens": [], **parts}
    content = json.dumps({**json.loads(LLAMA.vocabulary.content), **own}).encode()
    return replace(LLAMA, vocabulary=TokenizerJson(content))


def test_the_default_models_tokenizer_is_what_its_songs_were_written_with() -> None:
    made = model_tokenizer(GgufFile(packaged_gguf()).tokenizer(), 49_152)
    digest = hashlib.sha256(made.tokenizer.to_str().encode()).hexdigest()
    assert digest == DEFAULT_SHA256
    assert made.end_tokens == ("<|im_end|>", "<|endoftext|>")
    assert made.prompt == CHAT_ML


@pytest.mark.parametrize(
    ("add_bos", "template", "before"),
    [
        (None, "", "<s>"),  # the tokenizer itself puts it before every text
        (False, "", ""),
        (None, TEMPLATE, "<s>[system]"),
        (True, "{{ bos_token }}" + TEMPLATE, "<s>[system]"),
        (False, "{{ bos_token }}" + TEMPLATE, "<s>[system]"),
    ],
)
def test_the_first_token_comes_once_where_it_is_wanted(
    add_bos: bool | None, template: str, before: str
) -> None:
    made = model_tokenizer(replace(LLAMA, add_bos=add_bos, chat_template=template), SIZE)
    assert made.prompt.before == before
    assert made.prompt.is_chat is bool(template)


def test_a_model_ends_where_its_makers_say_and_where_their_markup_says() -> None:
    fields = LLAMA.vocabulary
    assert model_tokenizer(LLAMA, SIZE).end_tokens == ("</s>",)
    source = replace(LLAMA, vocabulary=fields, ends=("nowhere",), end_ids=(5, 99_999))
    made = model_tokenizer(source, SIZE)
    assert made.end_tokens == (made.tokenizer.id_to_token(5), "</s>")


def test_llama_2_begins_a_text_with_a_space_that_its_songs_do_not_have() -> None:
    source = TokenizerSource(Path("file"), LLAMA_2, bos="<s>")
    made = model_tokenizer(source, len(PIECES))
    assert made.prompt == PromptForm("<s> ", is_chat=False)
    assert made.tokenizer.encode("<s> a").tokens == ["<s>", "▁", "a"]
    assert made.tokenizer.encode("a\n").tokens == ["a", "<0x0A>"]


@pytest.mark.parametrize(
    ("spaces", "form", "found"),
    [
        (Spaces.NEVER, CHAT_ML, CHAT_ML),
        (Spaces.FIRST, PromptForm("<s>[I]", "\n", "[/I]"), PromptForm("<s>[I]", "\n", "[/I]")),
        (Spaces.FIRST, PromptForm("[I]", "\n", "[/I]"), PromptForm(" [I]", "\n", "[/I]")),
        (Spaces.ALWAYS, PromptForm("<s>[I]", "\n", "[/I]"), PromptForm("<s> [I]", "\n", "[/I]")),
        (Spaces.ALWAYS, PromptForm("<s>", "</s>\n", "</s>"), PromptForm("<s> ", "</s> \n", "</s>")),
        (Spaces.ALWAYS, PLAIN, replace(PLAIN, before=" ")),
    ],
)
def test_the_spaces_of_its_makers_tokenizer_are_in_the_form(
    spaces: Spaces, form: PromptForm, found: PromptForm
) -> None:
    assert spaced(form, spaces, ["<s>", "</s>"]) == found


@pytest.mark.parametrize(
    ("source", "size", "sentence"),
    [
        (LLAMA, SIZE - 1, "folder: The tokenizer has 601 tokens, and the network 600"),
        (
            TokenizerSource(Path("file"), GgufVocabulary("gpt2", ("a",), (PieceKind.NORMAL,))),
            9,
            "no single token for the end of a line",
        ),
        (
            TokenizerSource(Path("f"), GgufVocabulary("bert", ("a",), (1,))),
            9,
            "tokenizer is 'bert'",
        ),
        (replace(LLAMA, chat_template="{% if %}"), SIZE, "folder: The chat template cannot be"),
        (changed(model=WITHOUT_UNKNOWN), SIZE, r"fails on 'A night bus.*: Encountered an unknown"),
        (changed(normalizer=PANICKING), SIZE, r"fails on '\\n': index out of bounds"),
    ],
)
def test_a_tokenizer_that_does_not_fit_its_model_is_refused(
    source: TokenizerSource, size: int, sentence: str
) -> None:
    with pytest.raises(BuildError, match=sentence):
        model_tokenizer(source, size)
