"""GGUF files that say what is not so: refused in a sentence, before anything is made of it."""

import struct
from pathlib import Path

import pytest

from lyricist.building.recipes import default_recipe
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.checkpoints.gguf_layout import check_layout
from lyricist.errors import BuildError
from tests.support.cpu_limit import cpu_limit
from tests.support.gguf_files import write_gguf

#: Processor time: a thousand times what it takes to refuse a file, and far less than a hang.
LIMIT_S = 10.0
FIELDS, TENSORS = 16, 8  # where the head has these numbers
NAME = b"blk.0.attn_q.weight"


def put(content: bytes, at: int, form: str, value: int) -> bytes:
    new = struct.pack(form, value)
    return content[:at] + new + content[at + len(new) :]


@pytest.mark.parametrize("huge", [1 << 31, 1 << 40, 1 << 60])
@pytest.mark.parametrize(
    ("name", "before"),
    [
        (b"tokenizer.ggml.token_type", "<II"),  # a list: its type, its items' type, its length
        (b"tokenizer.ggml.tokens", "<II"),
        (b"general.name", "<I"),  # a text: its type, its length
        (NAME, "<I"),  # a tensor: how many dimensions, and the first of them
    ],
)
def test_a_length_that_the_file_does_not_have_is_refused_at_once(
    tmp_path: Path, name: bytes, before: str, huge: int
) -> None:
    path = write_gguf(tmp_path / "odd.gguf")
    content = path.read_bytes()
    at = content.index(name) + len(name) + struct.calcsize(before)
    path.write_bytes(put(content, at, "<Q", huge))
    with cpu_limit(LIMIT_S), pytest.raises(BuildError, match="is not a readable GGUF file"):
        GgufFile(path)


@pytest.mark.parametrize("place", [FIELDS, TENSORS])
@pytest.mark.parametrize("huge", [1 << 31, 1 << 63])
def test_a_number_of_parts_that_no_file_has_is_refused_at_once(
    tmp_path: Path, place: int, huge: int
) -> None:
    path = write_gguf(tmp_path / "odd.gguf")
    path.write_bytes(put(path.read_bytes(), place, "<Q", huge))
    with cpu_limit(LIMIT_S), pytest.raises(BuildError, match="it announces"):
        check_layout(path)


@pytest.mark.parametrize("text", [b"llama", b"gpt2", b"<|endoftext|>"])
def test_a_text_that_is_no_text_is_refused(tmp_path: Path, text: bytes) -> None:
    path = write_gguf(tmp_path / "odd.gguf")
    path.write_bytes(path.read_bytes().replace(text, b"\xff" * len(text)))
    with pytest.raises(BuildError):
        default_recipe(GgufFile(path), None)
