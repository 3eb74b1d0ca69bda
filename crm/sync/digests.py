"""What a source's records said last time, as eight bytes each: what has not changed is neither parsed nor written.

A million records are two arrays of 8 MB. A digest covers the record's bytes as sent and the definition that they were read
with, so that a new connector file reads everything again. Two different records collide once in 2^64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAIR = np.dtype([("columns", ">i2"), ("l1", ">i4"), ("key", ">i8"), ("l2", ">i4"), ("digest", ">i8")])
_HEADER, _TRAILER = 19, 2  # of PostgreSQL's binary COPY
_SOME = "SELECT key_hash, digest FROM crm_sourcelink WHERE source_id = %s AND gone = '' AND key = ANY(%s)"
_ALL = "COPY (SELECT key_hash, digest FROM crm_sourcelink WHERE source_id = {} AND gone = '') TO STDOUT (FORMAT binary)"

Hashes = NDArray[np.int64]


def hash_keys(keys: Sequence[str]) -> Hashes:
    """(n,) the first eight bytes of each key's MD5, as crm_sourcelink.key_hash has them (SQL can compute them too)."""
    md5 = hashlib.md5
    joined = b"".join(md5(key.encode(), usedforsecurity=False).digest()[:8] for key in keys)
    return np.frombuffer(joined, dtype=">i8").astype(np.int64)


def digest_records(raws: Sequence[bytes], salt: bytes) -> Hashes:
    """(n,) digests of the records' bytes, never 0: 0 says "read it again"."""
    blake = hashlib.blake2b
    joined = b"".join(blake(raw, digest_size=8, key=salt).digest() for raw in raws)
    found = np.frombuffer(joined, dtype=">i8").astype(np.int64)
    return np.where(found == 0, 1, found)


def repeated(keys: Hashes) -> NDArray[np.bool_]:
    """(n,) True where a key comes more than once."""
    _values, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[places] > 1)


class DigestIndex:
    """The records of one source as last read. `unchanged` marks what it meets as seen; `unseen` is what never came."""

    def __init__(self, keys: Hashes, digests: Hashes) -> None:
        order = np.argsort(keys, kind="stable")
        self._keys, self._digests = keys[order], digests[order]
        self._seen = np.zeros(len(keys), dtype=bool)

    def __len__(self) -> int:
        return len(self._keys)

    def unchanged(self, keys: Hashes, digests: Hashes) -> NDArray[np.bool_]:
        """(n,) True where the record is known with this digest, and no other version of it came in this run."""
        at, known = self._find(keys)
        once = known & ~self._seen[at] if len(self) else known
        self._seen[at[known]] = True
        same = once & ~repeated(keys)
        known = same.copy()
        same[known] = self._digests[at[known]] == digests[known]
        return same

    def mark(self, keys: Hashes) -> None:
        at, known = self._find(keys)
        self._seen[at[known]] = True

    def unseen(self) -> Hashes:
        return self._keys[~self._seen]

    def _find(self, keys: Hashes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        if not len(self._keys):
            return np.zeros(len(keys), dtype=np.intp), np.zeros(len(keys), dtype=bool)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return at, self._keys[at] == keys


def load_index(db: Any, source_id: int, among: Sequence[str] | None = None) -> DigestIndex:
    """The digests of a source's present records, all or those of some keys. `db`: a psycopg cursor."""
    if among is not None:
        db.execute(_SOME, [source_id, list(among)])
        found = np.array(db.fetchall(), dtype=np.int64).reshape(-1, 2)
        return DigestIndex(found[:, 0], found[:, 1])
    with db.copy(_ALL.format(int(source_id))) as copy:
        data = b"".join(copy)
    rows = np.frombuffer(data, dtype=_PAIR, offset=_HEADER, count=(len(data) - _HEADER - _TRAILER) // _PAIR.itemsize)
    return DigestIndex(rows["key"].astype(np.int64), rows["digest"].astype(np.int64))
