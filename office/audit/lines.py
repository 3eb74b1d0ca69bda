"""The canonical lines and their hashes, the same as schema.sql and triggers.py make them. Pure: no database."""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

GENESIS = bytes(32)
_encode = json.JSONEncoder(ensure_ascii=False).encode


class Block(NamedTuple):
    id: int
    txid: int
    at_us: int  # microseconds since 1970
    actor_id: int | None
    actor: str
    channel: str
    request_id: str
    db_user: str
    table_name: str
    verb: str
    entries: int
    digest: bytes


class Link(NamedTuple):
    no: int
    block_id: int
    prev: bytes
    hash: bytes


def page_hash(id_: int, first_row: int, last_row: int, entries: int, data: str) -> bytes:
    return hashlib.sha256(f"{id_}|{first_row}|{last_row}|{entries}\n{data}".encode()).digest()


def block_line(block: Block) -> str:
    return _encode([*block[:-1], block.digest.hex()])


def link_hash(prev: bytes, block: Block) -> bytes:
    return hashlib.sha256(prev + block_line(block).encode()).digest()
