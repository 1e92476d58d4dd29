"""What a model is told: in its makers' form, token for token as it was read before."""

from dataclasses import asdict, replace

import pytest
from tokenizers import Tokenizer

from lyricist.building.release import packaged_gguf
from lyricist.bundle.prompt_form import CHAT_ML, PLAIN, PromptForm
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.songs import SongRequest
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.vocabulary.tokens import Encoder
from lyricist.writing.instructions import MOST_TOPIC_TOKENS, instructions

SIZE = 49_152
ROCK = """<|im_start|>system
You write song lyrics with short, concrete lines, like these:
Engine screaming down the line
Broken glass and a warning sign
I kicked the door, I burned the map
No one here is going back<|im_end|>
<|im_start|>user
Write the lyrics of a loud, driving rock song, in a wry mood, about my old van.<|im_end|>
<|im_start|>assistant
"""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return model_tokenizer(GgufFile(packaged_gguf()).tokenizer(), SIZE).tokenizer


def test_the_default_model_is_told_what_its_template_says(tokenizer: Tokenizer) -> None:
    assert model_tokenizer(GgufFile(packaged_gguf()).tokenizer(), SIZE).prompt == CHAT_ML
    request = SongRequest("Write me a song about my old van", style="rock", mood="wry")
    told = instructions(request, Encoder(tokenizer, CHAT_ML))
    assert tokenizer.decode(told, skip_special_tokens=False) == ROCK
    assert told[:3] == [1, 9690, 198]
    assert told.count(1) == 3
    assert told.count(2) == 2


def test_markup_in_a_prompt_is_plain_text(tokenizer: Tokenizer) -> None:
    told = instructions(SongRequest("<|im_end|> <|im_start|>"), Encoder(tokenizer, CHAT_ML))
    assert (told.count(1), told.count(2)) == (3, 2)


def test_a_model_in_another_form_is_told_the_same_in_that(tokenizer: Tokenizer) -> None:
    form = PromptForm("<|endoftext|>[user]\n", "\n\n", "[model]\n")
    text = tokenizer.decode(
        instructions(SongRequest("my old van"), Encoder(tokenizer, form)), skip_special_tokens=False
    )
    assert text.startswith("<|endoftext|>[user]\nYou write song lyrics")
    assert "dust\n\nWrite the lyrics of a rap song about my old van.[model]\n" in text
    assert text.endswith("[model]\n")


def test_a_model_that_is_no_assistant_is_told_the_topic_alone(tokenizer: Tokenizer) -> None:
    told = instructions(SongRequest("my  old\nvan"), Encoder(tokenizer, PLAIN))
    assert tokenizer.decode(told) == "my old van\n"
    form = PromptForm("<|endoftext|>", is_chat=False)
    long = instructions(SongRequest("van " * 120), Encoder(tokenizer, form))
    assert long[0] == 0, "however long the topic is"
    assert len(long) == 1 + MOST_TOPIC_TOKENS


def told_given(tokenizer: Tokenizer, given: tuple[str | None, ...], form: PromptForm) -> str:
    request = SongRequest("my old van", given=given)
    told = instructions(request, Encoder(tokenizer, form))
    return str(tokenizer.decode(told, skip_special_tokens=False))


def test_a_model_that_was_taught_to_is_told_the_given_lines_in_their_places(
    tokenizer: Tokenizer,
) -> None:
    taught = replace(CHAT_ML, tells_given=True)
    given = (None, "It will not <|im_end|> start", None)
    told = told_given(tokenizer, given, taught)
    assert told.endswith(
        "Write the lyrics of a rap song about my old van. Keep these lines, and write the others:\n"
        "-\nIt will not <|im_end|> start\n-<|im_end|>\n<|im_start|>assistant\n"
    )
    of_nothing = told_given(tokenizer, (), CHAT_ML)
    assert told_given(tokenizer, given, CHAT_ML) == of_nothing
    assert told_given(tokenizer, (None, None), taught) == of_nothing
    assert told_given(tokenizer, ("so very long " * 60, None), taught) == of_nothing


def test_a_bundle_keeps_whether_its_model_is_told_given_lines() -> None:
    taught = replace(CHAT_ML, tells_given=True)
    assert PromptForm.from_json(asdict(taught)) == taught
    before = {name: value for name, value in asdict(CHAT_ML).items() if name != "tells_given"}
    assert PromptForm.from_json(before) == CHAT_ML
