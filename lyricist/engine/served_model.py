"""A SavedModel with the one signature that is needed of it: tokens in, logits out."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lyricist.arrays import FloatArray
from lyricist.errors import BundleError

SIGNATURE = "serving_default"
EXPECTED = (
    f"A model needs the signature {SIGNATURE!r} with one input of token ids, int32 or int64, "
    "(batch, length), and one output of logits, float32, (batch, length, vocabulary)"
)


class ServedModel:
    """A loaded SavedModel with that one signature."""

    def __init__(self, folder: Path) -> None:
        """Raises BundleError if there is no SavedModel in `folder` or its signature differs."""
        try:
            self._loaded = tf.saved_model.load(str(folder))  # its variables live as long as it
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise BundleError(f"TensorFlow cannot load {folder}: {error}") from error
        if SIGNATURE not in self._loaded.signatures:
            raise _unfit(folder, f"it has {sorted(self._loaded.signatures)}")
        self._call: Any = self._loaded.signatures[SIGNATURE]
        inputs: dict[str, Any] = self._call.structured_input_signature[1]
        outputs: dict[str, Any] = self._call.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1:
            raise _unfit(folder, f"it has inputs {sorted(inputs)} and outputs {sorted(outputs)}")
        self.input_name, given = next(iter(inputs.items()))
        self.output_name, taken = next(iter(outputs.items()))
        if given.dtype not in (tf.int32, tf.int64) or given.shape.rank != 2:
            raise _unfit(folder, f"its input is {given.dtype.name} {given.shape}")
        if taken.dtype != tf.float32 or taken.shape.rank not in (None, 3):
            raise _unfit(folder, f"its output is {taken.dtype.name} {taken.shape}")
        self._dtype = given.dtype
        #: The only length that the network takes; None: any.
        self.length: int | None = given.shape[1]
        #: None where the signature does not say.
        self.vocabulary_size: int | None = taken.shape[2] if taken.shape.rank else None

    def logits(self, tokens: npt.NDArray[np.int64]) -> FloatArray:
        """(batch, length) -> (batch, length, vocabulary)."""
        fed = tf.constant(tokens, self._dtype)
        logits: FloatArray = self._call(**{self.input_name: fed})[self.output_name].numpy()
        return logits


def _unfit(folder: Path, found: str) -> BundleError:
    return BundleError(f"{EXPECTED}. In {folder} {found}.")
