"""Normal deviates that belong to a run: from a hash of its own axes, the same in any grid and on any machine.

The hash is that of `pandas.util.hash_pandas_object`, written out because importing pandas takes longer than all
else that a simulated job does. Source: Aumasson and Bernstein 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Hashes = NDArray[np.uint64]
_KEY = b"0123456789123456"  # pandas' own
_WORD = (1 << 64) - 1


def standard_normals(columns: Sequence[NDArray[Any]], seed: int, streams: int) -> NDArray[np.float64]:
    """Normal deviates of shape (streams, rows) that depend on the seed and each row's own values alone.

    The columns hold numbers of 64 bits, or text (objects).
    """
    key = row_hashes(columns)
    salt = np.arange(seed * streams + 1, (seed + 1) * streams + 1).astype(np.uint64)[:, None]
    bits = _mix(np.bitwise_xor(key, _mix(salt)))
    deviates: NDArray[np.float64] = ndtri((np.right_shift(bits, 11).astype(float) + 0.5) * 2.0**-53)
    return deviates


def row_hashes(columns: Sequence[NDArray[Any]]) -> Hashes:
    """A hash of every row, as pandas makes it of a frame with these columns and without its index."""
    found = np.full(len(columns[0]), 0x345678, np.uint64)
    factor = 1000003
    for number, column in enumerate(columns):
        found = (found ^ _hashes(column)) * np.uint64(factor)
        factor += 82520 + 2 * (len(columns) - number)
    return found + np.uint64(97531)


def _hashes(column: NDArray[Any]) -> Hashes:
    if column.dtype != object:
        return _mix(np.ascontiguousarray(column).view(np.uint64))
    texts = column.tolist()
    hash_of = {text: siphash(text.encode()) for text in set(texts)}
    return _mix(np.array([hash_of[text] for text in texts], np.uint64))


def siphash(data: bytes, key: bytes = _KEY) -> int:
    """SipHash-2-4 of `data` under a key of 16 bytes: 64 bits."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    state = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for begin in range(0, len(padded), 8):
        word = int.from_bytes(padded[begin : begin + 8], "little")
        a, b, c, d = state
        a, b, c, d = _round(*_round(a, b, c, d ^ word))
        state = (a ^ word, b, c, d)
    a, b, c, d = state
    state = (a, b, c ^ 0xFF, d)
    for _ in range(4):
        state = _round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a = (a + b) & _WORD
    b = _turned(b, 13) ^ a
    a = _turned(a, 32)
    c = (c + d) & _WORD
    d = _turned(d, 16) ^ c
    a = (a + d) & _WORD
    d = _turned(d, 21) ^ a
    c = (c + b) & _WORD
    b = _turned(b, 17) ^ c
    return a, b, _turned(c, 32), d


def _turned(word: int, by: int) -> int:
    return (word << by | word >> (64 - by)) & _WORD


def _mix(x: Hashes) -> Hashes:
    """A bijective 64-bit hash (the finaliser of SplitMix64): every input bit moves every output bit."""
    x = (x ^ np.right_shift(x, 30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ np.right_shift(x, 27)) * np.uint64(0x94D049BB133111EB)
    return x ^ np.right_shift(x, 31)
