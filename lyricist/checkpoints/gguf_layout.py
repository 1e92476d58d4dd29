"""Whether a GGUF file, which may come from anywhere, holds as much as it says it does.

Every count in it is compared with the bytes that are left before anything is made of it.
"""

import mmap
import struct
from pathlib import Path

from lyricist.errors import BuildError

MAGIC, VERSIONS = b"GGUF", (2, 3)
MOST_FIELDS, MOST_TENSORS = 10_000, 10_000
MOST_NAME_BYTES = 65_535
#: Items of all arrays together; a vocabulary of 260,000 tokens has a million with its merges.
MOST_ITEMS = 4_000_000
MOST_DIMENSIONS = 4
#: The smallest of llama.cpp's types takes more than a bit for each number.
MOST_NUMBERS_A_BYTE = 8
#: The bytes of a value, by the number of its type.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9


def check_layout(path: Path) -> None:
    """Raises BuildError unless all that the file announces is there, and OSError as usual.

    Takes time that grows with the file's head, and hardly any memory.
    """
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:  # an empty file cannot be mapped
            raise BuildError(f"{path} is not a readable GGUF file: it is empty") from error
        with content:
            _Walk(path, content).run()


class _Walk:
    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path, self._content = path, content
        self._at = self._items = 0
        self._order = "<"

    def run(self) -> None:
        if self._take(4) != MAGIC:
            raise self._fault("it does not begin as one does")
        version = self._number("I")
        if not version & 0xFFFF:  # written by a machine with the other order of bytes
            self._order, self._at = ">", len(MAGIC)
            version = self._number("I")
        if version not in VERSIONS:
            raise self._fault(f"version {version} of the format is not known")
        tensors, fields = self._number("Q"), self._number("Q")
        if tensors > MOST_TENSORS or fields > MOST_FIELDS:
            raise self._fault(f"it announces {tensors} tensors and {fields} fields")
        for _ in range(fields):
            self._name()
            self._value(self._number("I"))
        for _ in range(tensors):
            self._tensor()

    def _name(self) -> None:
        length = self._number("Q")
        if length > MOST_NAME_BYTES:
            raise self._fault(f"a name in it has {length} bytes")
        self._take(length)

    def _value(self, kind: int) -> None:
        if kind == _TEXT:
            self._skip(self._number("Q"))
        elif kind == _ARRAY:
            self._array(self._number("I"), self._number("Q"))
        else:
            self._skip(self._size(kind))

    def _array(self, kind: int, length: int) -> None:
        self._items += length
        if self._items > MOST_ITEMS:
            raise self._fault(f"its lists have more than {MOST_ITEMS} items")
        if kind != _TEXT:
            self._skip(length * self._size(kind))
            return
        for _ in range(length):
            self._skip(self._number("Q"))

    def _tensor(self) -> None:
        self._name()
        dimensions = self._number("I")
        if dimensions > MOST_DIMENSIONS:
            raise self._fault(f"a tensor in it has {dimensions} dimensions")
        numbers = 1
        for _ in range(dimensions):
            numbers *= self._number("Q")
        _kind, offset = self._number("I"), self._number("Q")
        size = len(self._content)
        if numbers > size * MOST_NUMBERS_A_BYTE or offset > size:
            raise self._fault("a tensor in it is larger than the file")

    def _size(self, kind: int) -> int:
        if kind not in _SIZES:
            raise self._fault(f"a value in it is of type {kind}, which is not known")
        return _SIZES[kind]

    def _number(self, form: str) -> int:
        number: int = struct.unpack(self._order + form, self._take(struct.calcsize(form)))[0]
        return number

    def _take(self, length: int) -> bytes:
        start = self._at
        self._skip(length)
        return self._content[start : self._at]

    def _skip(self, length: int) -> None:
        if length > len(self._content) - self._at:
            raise self._fault("it ends too early")
        self._at += length

    def _fault(self, why: str) -> BuildError:
        return BuildError(f"{self._path} is not a readable GGUF file: {why}.")
