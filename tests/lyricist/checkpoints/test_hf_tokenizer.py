"""The files of a Hugging Face folder say together what its tokenizer is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lyricist.checkpoints.hf_tokenizer import MOST_SETTINGS_BYTES, hf_tokenizer
from lyricist.errors import BuildError
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tokenizing.tokenizer_source import SentencePieceModel, TokenizerJson
from tests.support.sentencepiece_models import trained

DATA = Path(__file__).parents[1] / "tokenizing" / "data"
OLD = "{% for m in messages %}old {{ m.content }}{% endfor %}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(DATA / "llama-bpe.json", tmp_path / "tokenizer.json")
    settings = {
        "bos_token": {"content": "<s>", "lstrip": False},
        "eos_token": "</s>",
        "chat_template": OLD,
    }
    write(tmp_path, "tokenizer_config.json", settings)
    return tmp_path


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def test_tokens_are_named_by_text_or_by_an_object(folder: Path) -> None:
    source = hf_tokenizer(folder)
    assert isinstance(source.vocabulary, TokenizerJson)
    assert (source.bos, source.ends, source.add_bos) == ("<s>", ("</s>",), None)
    assert model_tokenizer(source, 601).prompt.before == "<s>old "


def test_a_song_ends_where_generation_ends(folder: Path) -> None:
    write(folder, "generation_config.json", {"eos_token_id": [1, 9]})
    assert hf_tokenizer(folder).end_ids == (1, 9)
    write(folder, "generation_config.json", {"eos_token_id": 1})
    assert hf_tokenizer(folder).end_ids == (1,)


def test_an_id_that_no_vocabulary_has_ends_no_song(folder: Path) -> None:
    write(folder, "generation_config.json", {"eos_token_id": [1 << 40, -1, True, 3]})
    source = hf_tokenizer(folder)
    assert source.end_ids == (3,)
    assert model_tokenizer(source, 601).end_tokens


def test_the_template_in_a_file_of_its_own_is_the_newer_one(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("new", encoding="utf-8")
    assert hf_tokenizer(folder).chat_template == "new"


def test_of_several_templates_the_default_one_is_taken(folder: Path) -> None:
    found = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]
    write(folder, "tokenizer_config.json", {"chat_template": found})
    assert hf_tokenizer(folder).chat_template == "d"
    write(folder, "tokenizer_config.json", {"chat_template": found[:1]})
    assert hf_tokenizer(folder).chat_template == ""


def test_without_a_tokenizer_json_the_sentencepiece_model_is_read(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").write_bytes(trained("bpe", prefix=True))
    added = {"700": {"content": "<|im_end|>", "special": True}}
    write(folder, "tokenizer_config.json", {"added_tokens_decoder": added, "add_bos_token": True})
    source = hf_tokenizer(folder)
    assert isinstance(source.vocabulary, SentencePieceModel)
    assert source.vocabulary.added == {700: ("<|im_end|>", True)}
    assert source.add_bos is True
    assert "<|im_end|>" in model_tokenizer(source, 701).end_tokens


def test_a_folder_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BuildError, match=r"neither a tokenizer\.json nor a tokenizer\.model"):
        hf_tokenizer(folder)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no settings"),
        ('{"bos_token": 5}', "settings are damaged"),
        ('{"chat_template": [{}]}', "settings are damaged"),
        ("[" * 100_000, "is no JSON"),
        (" " * (MOST_SETTINGS_BYTES + 1), "larger than 16 MB"),
    ],
)
def test_settings_that_make_no_sense_are_refused(folder: Path, content: str, sentence: str) -> None:
    (folder / "tokenizer_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(BuildError, match=sentence):
        hf_tokenizer(folder)
