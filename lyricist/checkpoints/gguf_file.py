"""A model as llama.cpp stores it: a GGUF file, read through the `gguf` package."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from lyricist.arrays import FloatArray
from lyricist.checkpoints.checkpoint import Shape
from lyricist.checkpoints.config import MOST_LAYERS, Config
from lyricist.checkpoints.gguf_layout import check_layout
from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, TokenizerSource

#: config.json's name of a number -> GGUF's, after the name of the family.
_FIELDS = {
    "num_hidden_layers": "block_count",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "rope_theta": "rope.freq_base",
    "sliding_window": "attention.sliding_window",
    "attention_multiplier": "attention.scale",
    "embedding_multiplier": "embedding_scale",
    "residual_multiplier": "residual_scale",
    "logits_scaling": "logit_scale",
}
#: Hugging Face's names of the tensors that the families have, in a layer and outside of layers.
_LAYER_TENSORS = (
    *(f"self_attn.{each}" for each in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm")),
    *(f"mlp.{each}" for each in ("gate_proj", "up_proj", "down_proj")),
    *(f"{each}_layernorm" for each in ("input", "post_attention")),
    *(f"{each}_feedforward_layernorm" for each in ("pre", "post")),
)
_TENSORS = ("model.embed_tokens", "model.norm", "lm_head")
_ENDINGS = (".weight", ".bias")
_ROPE_FACTORS = "rope_freqs.weight"
#: Families of which llama.cpp rotates neighbouring rows (2i, 2i + 1) of queries and keys, and not
#: (i, i + half), and so stores the rows in another order.
_PAIRED = ("llama", "granite")
_PAIRED_TENSORS = ("q_proj.weight", "k_proj.weight")
#: Families of whose gains 1 is left out, and which llama.cpp stores whole.
_WHOLE_GAINS = ("gemma3",)
#: Rows of a matrix that are dequantized at once: some of the ways go over several large copies.
_ROWS_AT_ONCE = 4096
#: What numpy and the `gguf` package raise for a file that makes no sense to them.
_FAULTS = (OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


class GgufFile:
    """A `Checkpoint` in a GGUF file; tensors are dequantized as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises BuildError if `path` is no readable GGUF file."""
        self.path = path
        with self._readable():
            check_layout(path)
            self._reader = gguf.GGUFReader(path)
        self.kind = str(self.field("general.architecture", ""))
        self.licence = str(self.field("general.license", "unknown"))
        names = self._names()
        self._tensors = {
            names.get(tensor.name, tensor.name): tensor for tensor in self._reader.tensors
        }
        self._factors = self._tensors.pop(_ROPE_FACTORS, None)

    @cached_property
    def config(self) -> Config:
        """Its fields, under the names of config.json."""
        labels = {key: f"{self.kind}.{name}" for key, name in _FIELDS.items()}
        values = {key: _one(self.field(label, None)) for key, label in labels.items()}
        scaling = self.field(f"{self.kind}.rope.scaling.type", "none")
        if scaling != "none":
            factor = self.field(f"{self.kind}.rope.scaling.factor", None)
            values["rope_scaling"] = {"rope_type": scaling, "factor": factor}
        turning = self.field(f"{self.kind}.rope.dimension_count", None)
        if self._factors is not None:
            values["rope_factors"] = self._dequantized(self._factors, ...).tolist()
        values["rotary_dim"] = turning
        values["vocab_size"] = len(self._texts("tokenizer.ggml.tokens"))
        return Config(str(self.path), values, labels)

    def shapes(self) -> Mapping[str, Shape]:
        return {name: _shape(tensor) for name, tensor in self._tensors.items()}

    def tensor(self, name: str) -> FloatArray:
        found = self._tensors[name]
        values = np.empty(_shape(found), np.float32)
        for start in range(0, len(values), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            values[part] = self._dequantized(found, part)
        if not np.isfinite(values).all():
            raise BuildError(f"{self.path}: {name} holds what is no number.")
        if self.kind in _PAIRED and name.endswith(_PAIRED_TENSORS):
            return self._in_order(name, values)
        if self.kind in _WHOLE_GAINS and values.ndim == 1:
            values -= 1
        return values

    def rows(self, name: str, chosen: Sequence[int]) -> FloatArray:
        return self._dequantized(self._tensors[name], list(chosen))

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

    def _names(self) -> dict[str, str]:
        """The file's names of tensors -> Hugging Face's, of those that a family may have."""
        kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
        layers = self.field(f"{self.kind}.block_count", 0)
        if self.kind not in kinds or type(layers) is not int or not 0 <= layers <= MOST_LAYERS:
            return {}
        table = gguf.get_tensor_name_map(kinds[self.kind], layers)
        known = [
            f"model.layers.{layer}.{each}" for layer in range(layers) for each in _LAYER_TENSORS
        ]
        known = [each + ending for each in (*_TENSORS, *known) for ending in _ENDINGS]
        own = {each: table.get_name(each, try_suffixes=_ENDINGS) for each in known}
        return {name: each for each, name in own.items() if name}

    def _dequantized(self, tensor: gguf.ReaderTensor, part: Any) -> FloatArray:
        try:
            with self._readable():
                values = gguf.dequantize(tensor.data[part], tensor.tensor_type)
        except NotImplementedError as error:
            raise BuildError(
                f"{self.path}: tensor {tensor.name} is stored as {tensor.tensor_type.name}, "
                "which cannot be read."
            ) from error
        return np.asarray(values, np.float32)

    def _in_order(self, name: str, matrix: FloatArray) -> FloatArray:
        """The rows of queries or keys as Hugging Face has them: those that rotate together stand
        half a head apart."""
        key = "num_attention_heads" if "q_proj" in name else "num_key_value_heads"
        heads = self.config.whole(
            key, len(matrix), self.config.whole("num_attention_heads", 1 << 16)
        )
        if len(matrix) % (2 * heads):
            raise BuildError(f"{self.path}: {name} has rows that cannot be rotated.")
        pairs = matrix.reshape(heads, -1, 2, matrix.shape[1])
        return pairs.transpose(0, 2, 1, 3).reshape(matrix.shape)

    def _need(self, key: str) -> Any:
        value = self.field(key, None)
        if value is None:
            raise BuildError(f"{self.path} lacks the field {key}, which a model needs.")
        return value

    def _whole(self, key: str, most: int, default: int | None = None, least: int = 1) -> int:
        value = self._need(key) if default is None else self.field(key, default)
        if not isinstance(value, int) or not least <= value <= most:
            raise BuildError(f"{self.path}: {key} is not a number from {least} to {most}.")
        return value

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


def _one(value: Any) -> Any:
    """`value`; of a list with a number for each layer, that number, if all are alike."""
    if isinstance(value, list) and value and all(each == value[0] for each in value):
        return value[0]
    return value


def _shape(tensor: gguf.ReaderTensor) -> Shape:
    return tuple(int(size) for size in reversed(tensor.shape))
