"""The canonical lines and their hashes, the same as schema.sql and triggers.py make them. Pure: no database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Block:
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


@dataclass(frozen=True, slots=True)
class Link:
    no: int
    block_id: int
    prev: bytes
    hash: bytes


def page_hash(id_: int, first_row: int, last_row: int, entries: int, data: str) -> bytes:
    return hashlib.sha256(f"{id_}|{first_row}|{last_row}|{entries}\n{data}".encode()).digest()


def block_line(block: Block) -> str:
    fields = [
        block.id, block.txid, block.at_us, block.actor_id, block.actor, block.channel, block.request_id, block.db_user,
        block.table_name, block.verb, block.entries, block.digest.hex(),
    ]
    return json.dumps(fields, ensure_ascii=False)


def link_hash(prev: bytes, block: Block) -> bytes:
    return hashlib.sha256(prev + block_line(block).encode()).digest()
