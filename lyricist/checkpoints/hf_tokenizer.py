"""The tokenizer of a Hugging Face folder: which of its files say what, and what they say."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyricist.checkpoints.config import MOST_TOKENS
from lyricist.errors import BuildError
from lyricist.tokenizing.sentencepiece_model import MOST_MODEL_BYTES
from lyricist.tokenizing.tokenizer_json import MOST_JSON_BYTES
from lyricist.tokenizing.tokenizer_source import (
    SentencePieceModel,
    TokenizerJson,
    TokenizerSource,
)

#: Gemma's settings list 6,000 added tokens in 1.2 MB.
MOST_SETTINGS_BYTES = 16 << 20
_FAULTS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def hf_tokenizer(folder: Path) -> TokenizerSource:
    """What the files in `folder` say of the tokenizer; BuildError if that is nothing or nonsense.

    tokenizer.json is read where there is one, else tokenizer.model.
    """
    settings = _settings(folder / "tokenizer_config.json")
    try:
        return TokenizerSource(
            path=folder,
            vocabulary=_vocabulary(folder, settings),
            chat_template=_chat_template(folder, settings),
            bos=_text(settings.get("bos_token")),
            add_bos=_flag(settings.get("add_bos_token")),
            ends=tuple(filter(None, [_text(settings.get("eos_token"))])),
            end_ids=_end_ids(folder),
        )
    except _FAULTS as error:
        raise BuildError(f"{folder}: its tokenizer's settings are damaged ({error}).") from error


def _vocabulary(folder: Path, settings: Mapping[str, Any]) -> TokenizerJson | SentencePieceModel:
    content = _bytes(folder / "tokenizer.json", MOST_JSON_BYTES)
    if content is not None:
        return TokenizerJson(content)
    content = _bytes(folder / "tokenizer.model", MOST_MODEL_BYTES)
    if content is None:
        raise BuildError(f"{folder} has neither a tokenizer.json nor a tokenizer.model.")
    added = settings.get("added_tokens_decoder") or {}
    return SentencePieceModel(
        content, {int(i): (_text(token), bool(token["special"])) for i, token in added.items()}
    )


def _chat_template(folder: Path, settings: Mapping[str, Any]) -> str:
    """Beside the settings in newer folders, among them in older ones; there perhaps one of many."""
    content = _bytes(folder / "chat_template.jinja", MOST_SETTINGS_BYTES)
    if content is not None:
        return content.decode()
    found = settings.get("chat_template") or _settings(folder / "chat_template.json").get(
        "chat_template"
    )
    if isinstance(found, list):
        found = {each["name"]: each["template"] for each in found}.get("default")
    return _text(found)


def _end_ids(folder: Path) -> tuple[int, ...]:
    found = _settings(folder / "generation_config.json").get("eos_token_id")
    ids = found if isinstance(found, list) else [found]
    return tuple(index for index in ids if type(index) is int and 0 <= index < MOST_TOKENS)


def _text(token: Any) -> str:
    """A token as settings write it: its text, or an object that holds the text; "" for none."""
    text = token.get("content") if isinstance(token, dict) else token
    if text is not None and not isinstance(text, str):
        raise TypeError("a token's text is no text")
    return text or ""


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _settings(path: Path) -> dict[str, Any]:
    """A file of settings; empty if there is none."""
    content = _bytes(path, MOST_SETTINGS_BYTES)
    if content is None:
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BuildError(f"{path} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BuildError(f"{path} holds no settings.")
    return found


def _bytes(path: Path, most: int) -> bytes | None:
    """What is in a file; None if there is none, BuildError if it has more than `most` bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > most:
        raise BuildError(f"{path} is larger than {most >> 20} MB.")
    return content
