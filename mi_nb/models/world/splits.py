"""Which combinations no training text contains.

A combination is held out by a hash of its parts, so the decision needs no table, is the same everywhere and does not
depend on the order in which texts are generated. What is held out is a scene, a pair or a template that shares its
parts with many others: holding out a query's only answer would teach "never that answer".
"""

from __future__ import annotations

import zlib

TRAIN, TEST = "train", "test"


def bucket(*parts: object, buckets: int) -> int:
    """A stable pseudo-random number below `buckets` for a combination."""
    return zlib.crc32("|".join(map(str, parts)).encode()) % buckets


def held_out(*parts: object, one_in: int = 10) -> bool:
    """Whether a combination belongs to the test split."""
    return bucket(*parts, buckets=one_in) == 0


def belongs(split: str, *parts: object, one_in: int = 10) -> bool:
    """Whether a combination belongs to `split`."""
    return held_out(*parts, one_in=one_in) == (split == TEST)
