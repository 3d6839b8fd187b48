"""Fingerprint: one number that says what a memory holds, whatever the order in which it was stored."""

import hashlib
import json
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

MODULUS = 1 << 256


def fingerprint(ids: Iterable[str], values: Iterable[object], keys: Float32[ndarray, "row width"]) -> int:
    """Return the sum of the SHA-256 digests of all entries, modulo 2^256.

    That of a memory after an entry was deleted is that of a memory which never held it, and another one for any other
    contents, unless somebody looks for such contents on purpose (a sum is no defence against that).
    """
    total = 0
    for id_, value, key in zip(ids, values, keys, strict=True):
        content = json.dumps([id_, value], ensure_ascii=False).encode() + np.ascontiguousarray(key, "<f4").tobytes()
        total += int.from_bytes(hashlib.sha256(content).digest(), "big")
    return total % MODULUS
