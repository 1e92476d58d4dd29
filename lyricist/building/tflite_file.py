"""Turns a converted graph whose weights are inputs into one whose weights are int8 constants.

The converter never sees the weights: constants cost it minutes and gigabytes, and would be stored
once per use. They are quantized here, one at a time, and stand behind the flatbuffer, where
TFLite's `Buffer.offset` finds them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from lyricist.arrays import FloatArray

#: Kernels read weights fastest from whole cache lines.
ALIGNMENT_BYTES = 64
FILE_IDENTIFIER = b"TFL3"
#: The first version of the operator that may be fed floats with int8 weights per channel.
HYBRID_PER_CHANNEL_VERSION = 9
#: Stands for an offset that is not known yet, and takes as many bytes as any.
UNKNOWN_OFFSET = 1 << 40
#: Rows that are quantized at once, and bytes that are copied at once.
ROWS_AT_ONCE, BYTES_AT_ONCE = 4096, 1 << 22


@dataclass(frozen=True)
class QuantizedMatrix:
    """int8 values (rows, columns) and one scale per row; value times scale is the float."""

    values: npt.NDArray[np.int8]
    scales: FloatArray


def quantize_rows(matrix: FloatArray) -> QuantizedMatrix:
    """Symmetric int8 with one scale per row: the nearest multiple of max(|row|) / 127."""
    scales = np.maximum(matrix.max(axis=1), -matrix.min(axis=1)) / np.float32(127)
    scales[scales == 0] = 1
    values = np.empty(matrix.shape, np.int8)
    for start in range(0, len(matrix), ROWS_AT_ONCE):  # the matrix may be most of the memory
        part = slice(start, start + ROWS_AT_ONCE)
        values[part] = np.rint(matrix[part] / scales[part, np.newaxis])
    return QuantizedMatrix(values, scales.astype(np.float32))


@dataclass(frozen=True)
class Stored:
    """An array that will stand in the file, behind the flatbuffer."""

    bytes: int
    buffer: Any
    #: The buffer's number, by which tensors name it.
    index: int

    @property
    def offset(self) -> int:
        """Where the array stands in the file, in bytes; known after `WeightBinder.write`."""
        return int(self.buffer.offset)


class WeightBinder:
    """Gives a graph's weight inputs their values, then writes the file.

    The values wait in a file of their own, since all of them may be more than fits into memory.
    """

    def __init__(self, graph: bytes, waiting: BinaryIO) -> None:
        """`graph`: a .tflite flatbuffer, not quantized, of one signature, whose names are taken.
        `waiting`: a new file, to be written to and read."""
        self._model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(graph, 0))
        self._graph = self._model.subgraphs[0]
        signature = self._model.signatureDefs[0]
        for entry in (*signature.inputs, *signature.outputs):
            self._graph.tensors[entry.tensorIndex].name = entry.name
        self._input_index = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
        self._bound: set[int] = set()
        self._stored: list[Stored] = []
        self._waiting = waiting
        self._move_small_constants()

    def bind_matrix(self, name: str, matrix: QuantizedMatrix) -> Stored:
        """Makes the input `name` an int8 constant."""
        tensor = self._take_input(name)
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = matrix.scales
        tensor.quantization.zeroPoint = np.zeros(len(matrix.scales), np.int64)
        tensor.quantization.quantizedDimension = 0
        stored = self.append(matrix.values)
        tensor.buffer = stored.index
        return stored

    def bind_vector(self, name: str, vector: FloatArray) -> None:
        """Makes the input `name` a float constant."""
        self._take_input(name).buffer = self.append(vector).index

    def append(self, array: npt.NDArray[Any]) -> Stored:
        """Adds an array, which need not be one that the graph itself uses."""
        buffer = schema.BufferT()
        buffer.offset, buffer.size = UNKNOWN_OFFSET, array.nbytes
        self._waiting.write(np.ascontiguousarray(array).data)
        stored = Stored(array.nbytes, buffer, len(self._model.buffers))
        self._model.buffers.append(buffer)
        self._stored.append(stored)
        return stored

    def write(self, path: Path) -> None:
        """Writes the file. OSError as usual."""
        self._drop_bound_inputs()
        self._mark_hybrid_operators()
        position = _aligned(len(self._pack()))
        for stored in self._stored:
            stored.buffer.offset = position
            position = _aligned(position + stored.bytes)
        self._waiting.seek(0)
        with path.open("wb") as file:
            file.write(self._pack())
            for stored in self._stored:
                file.write(b"\0" * (stored.offset - file.tell()))
                for start in range(0, stored.bytes, BYTES_AT_ONCE):
                    file.write(self._waiting.read(min(BYTES_AT_ONCE, stored.bytes - start)))

    def _move_small_constants(self) -> None:
        """Moves all constants behind the flatbuffer, in which their bytes would not be aligned."""
        for tensor in self._graph.tensors:
            buffer = self._model.buffers[tensor.buffer]
            if buffer.data is not None and len(buffer.data):
                tensor.buffer = self.append(np.asarray(buffer.data, np.uint8)).index
                buffer.data = None

    def _take_input(self, name: str) -> Any:
        index = self._input_index[name]
        self._bound.add(index)
        return self._graph.tensors[index]

    def _drop_bound_inputs(self) -> None:
        self._graph.inputs = [index for index in self._graph.inputs if index not in self._bound]
        signature = self._model.signatureDefs[0]
        signature.inputs = [i for i in signature.inputs if i.tensorIndex not in self._bound]

    def _mark_hybrid_operators(self) -> None:
        """Lets the runtime quantize each row of floats that meets int8 weights, while it runs."""
        codes = self._model.operatorCodes
        for operator in self._graph.operators:
            code = codes[operator.opcodeIndex]
            if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
                operator.builtinOptions.asymmetricQuantizeInputs = True
                code.version = max(code.version, HYBRID_PER_CHANNEL_VERSION)

    def _pack(self) -> bytes:
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self._model.Pack(builder), FILE_IDENTIFIER)
        return bytes(builder.Output())


def _aligned(position: int) -> int:
    return -(-position // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
