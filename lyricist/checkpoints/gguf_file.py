"""A model as llama.cpp stores it: a GGUF file, read through the `gguf` package."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import Architecture
from lyricist.checkpoints.gguf_layout import check_layout
from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, TokenizerSource

#: Larger than any network that a bundle could hold.
MOST_HEADS, MOST_WIDTH, MOST_CONTEXT = 1024, 1 << 18, 1 << 31


#: What numpy and the `gguf` package raise for a file that makes no sense to them.
_FAULTS = (OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


class GgufFile:
    """A Llama-architecture GGUF file; tensors are dequantized as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises BuildError if `path` is no readable GGUF file."""
        self.path = path
        with self._readable():
            check_layout(path)
            self._reader = gguf.GGUFReader(path)
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}

    def architecture(self, context_length: int) -> Architecture:
        """The network's numbers, for sequences of at most `context_length` positions."""
        kind = self.field("general.architecture", "")
        if kind != "llama":
            raise BuildError(f"{self.path} holds a {kind!r} network; only 'llama' can be built.")
        if self.field("llama.rope.scaling.type", "none") != "none":
            raise BuildError(f"{self.path} scales its rotary positions, which is not supported.")
        heads = self._whole("llama.attention.head_count", MOST_HEADS)
        width = self._whole("llama.embedding_length", MOST_WIDTH)
        trained_length = self._whole("llama.context_length", MOST_CONTEXT)
        found = Architecture(
            vocabulary_size=len(self._texts("tokenizer.ggml.tokens")),
            context_length=min(context_length, trained_length),
            # Each layer has tensors of its own.
            layers=self._whole("llama.block_count", len(self._tensors)),
            width=width,
            heads=heads,
            key_value_heads=self._whole("llama.attention.head_count_kv", heads, heads),
            head_size=self._whole("llama.attention.key_length", MOST_WIDTH, width // heads),
            feed_forward=self._whole("llama.feed_forward_length", MOST_WIDTH),
            rope_base=self._real("llama.rope.freq_base", 10_000.0),
            norm_epsilon=self._real("llama.attention.layer_norm_rms_epsilon"),
        )
        if found.heads % found.key_value_heads or found.head_size % 2:
            raise BuildError(f"{self.path} has heads that cannot be shared out or turned.")
        return found

    def tokenizer(self) -> TokenizerSource:
        """The tokenizer's parts, and how the model is spoken to."""
        tokens = tuple(self._texts("tokenizer.ggml.tokens"))
        model = str(self.field("tokenizer.ggml.model", ""))
        pairs = (merge.partition(" ") for merge in self._known("tokenizer.ggml.merges", str))
        vocabulary = GgufVocabulary(
            model=model,
            tokens=tokens,
            kinds=tuple(self._known("tokenizer.ggml.token_type", int)),
            merges=tuple((left, right) for left, _, right in pairs),
            cut=str(self.field("tokenizer.ggml.pre", "default")),
            scores=tuple(self._known("tokenizer.ggml.scores", float)),
            adds_space=bool(self.field("tokenizer.ggml.add_space_prefix", model == "llama")),
        )
        last = len(tokens) - 1
        adds_bos = self.field("tokenizer.ggml.add_bos_token", None)
        end = self._whole("tokenizer.ggml.eos_token_id", last, least=0)
        # SentencePiece's own place for it, where a file does not say.
        usual = min(1, last) if model == "llama" else end
        begin = self._whole("tokenizer.ggml.bos_token_id", last, default=usual, least=0)
        return TokenizerSource(
            path=self.path,
            vocabulary=vocabulary,
            chat_template=str(self.field("tokenizer.chat_template", "")),
            bos=tokens[begin],
            add_bos=None if adds_bos is None else bool(adds_bos),
            ends=(tokens[end],),
        )

    def field(self, key: str, default: Any) -> Any:
        """A metadata value, or `default` where the file has none."""
        found = self._reader.fields.get(key)
        with self._readable():
            return default if found is None else found.contents()

    def has_tensor(self, name: str) -> bool:
        return name in self._tensors

    def tensor(self, name: str, shape: tuple[int, ...]) -> FloatArray:
        """A tensor in float32, shaped (out, in) or (width,). BuildError if that is not `shape`."""
        found = self._tensors.get(name)
        if found is None:
            raise BuildError(f"{self.path} has no tensor {name}, which a Llama network needs.")
        try:
            with self._readable():
                values = gguf.dequantize(found.data, found.tensor_type)
        except NotImplementedError as error:
            raise BuildError(
                f"{self.path}: tensor {name} is stored as {found.tensor_type.name}, "
                "which cannot be read."
            ) from error
        if values.shape != shape:
            raise BuildError(f"{self.path}: {name} has shape {values.shape}, not {shape}.")
        if not np.isfinite(values).all():
            raise BuildError(f"{self.path}: {name} holds what is no number.")
        return np.asarray(values, dtype=np.float32)

    def _need(self, key: str) -> Any:
        value = self.field(key, None)
        if value is None:
            raise BuildError(f"{self.path} lacks the field {key}, which a Llama network needs.")
        return value

    def _whole(self, key: str, most: int, default: int | None = None, least: int = 1) -> int:
        value = self._need(key) if default is None else self.field(key, default)
        if not isinstance(value, int) or not least <= value <= most:
            raise BuildError(f"{self.path}: {key} is not a number from {least} to {most}.")
        return value

    def _real(self, key: str, default: float | None = None) -> float:
        value = self._need(key) if default is None else self.field(key, default)
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            raise BuildError(f"{self.path}: {key} is not a number above 0.")
        return float(value)

    def _list(self, key: str) -> list[Any]:
        value = self._need(key)
        if not isinstance(value, list):
            raise BuildError(f"{self.path}: {key} is not a list.")
        return value

    def _known(self, key: str, kind: type) -> list[Any]:
        """A list of values of one kind; an empty one where the file has none."""
        value = self.field(key, [])
        if not isinstance(value, list) or (value and not isinstance(value[0], kind)):
            raise BuildError(f"{self.path}: {key} is not a list of what belongs there.")
        return value

    def _texts(self, key: str) -> list[str]:
        value = self._list(key)
        if not value or not isinstance(value[0], str):  # all items of a list are of one type
            raise BuildError(f"{self.path}: {key} is not a list of texts.")
        return value

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            raise BuildError(f"{self.path} is not a readable GGUF file: {error}") from error
