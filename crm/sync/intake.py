"""Batches of a reader into staging: drop what has not changed, parse the rest, write a page a transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection

from crm.models import SyncRun
from crm.sync.columns import copy_line
from crm.sync.connector import Connector
from crm.sync.digests import DigestIndex, Hashes, digest_records, hash_keys, load_index
from crm.sync.fetch import Batch
from crm.sync.merge import Halt
from crm.sync.records import Parsed, Row, parse_batch
from crm.sync.staging import hashes_of, stage_page, write_notices
from office.leases import report, still_ours


@dataclass(slots=True)
class Intake:
    """One run's way into staging. `known`: digests of everything that the source told before, for a whole listing; a feed looks
    them up page by page."""

    run: SyncRun
    connector: Connector
    fetched: int = 0
    staged: int = 0
    known: DigestIndex | None = None
    absent: Counter[str] = field(default_factory=Counter)
    new_fields: set[str] = field(default_factory=set)
    parsed: int = 0
    started: float = field(default_factory=time.monotonic)
    _met: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        state = self.run.staged_cursor
        self.fetched, self.staged = state.get("fetched", 0), state.get("staged", 0)
        if self.run.mode == SyncRun.Mode.FULL:
            with connection.cursor() as db:
                self.known = load_index(db, self.run.source_id)
        if state:
            met = hashes_of(self.run.pk)
            if self.known is None:
                self._met = set(met.tolist())
            else:
                self.known.mark(met)

    def take(self, batches: Iterator[Batch], *, calls: Callable[[], int]) -> None:
        for batch in batches:
            still_ours()
            self._stage(batch, calls())
        self._refuse_changed_format()

    def _stage(self, batch: Batch, calls: int) -> None:
        hashes, digests, fresh = self._fresh(batch)
        parsed = parse_batch(
            [batch.keys[i] for i in fresh], [batch.raws[i] for i in fresh], [batch.ops[i] for i in fresh],
            [batch.seqs[i] for i in fresh], self.connector,
        )
        self._remember(parsed)
        number = self.run.staged_cursor.get("pages", 0) + 1
        lines = [line_of(row, self.staged + i, hashes[fresh[row.raw_index]], digests[fresh[row.raw_index]])
                 for i, row in enumerate(parsed.rows)]
        self.fetched += len(batch.keys) + len(batch.rejects)
        self.staged += len(lines)
        self.run.staged_cursor = {
            "position": batch.position, "pages": number, "fetched": self.fetched, "staged": self.staged,
        }
        self.run.page_hash = batch.page_hash[:64]
        self.run.progress = {
            "phase": "fetch", "pages": number, "rows": self.fetched, "total": batch.total, "calls": calls,
            "seconds": round(time.monotonic() - self.started, 1),
        }
        report(**self.run.progress)
        stage_page(self.run, lines, [*batch.rejects, *parsed.rejects], hashes, page=number,
                   digests={batch.keys[i]: int(digests[i]) for i in fresh} if parsed.rejects else {})

    def _fresh(self, batch: Batch) -> tuple[Hashes, Hashes, list[int]]:
        """Key hashes, digests, and the places of the records that may say something new."""
        hashes = hash_keys(batch.keys)
        digests = digest_records(batch.raws, self.connector.fingerprint.encode()[:64])
        if self.known is not None:
            same = self.known.unchanged(hashes, digests)
        else:
            with connection.cursor() as db:
                same = load_index(db, self.run.source_id, among=batch.keys).unchanged(hashes, digests)
            # A feed may come back to what is stored after a version that is not: the last word must be heard.
            same &= np.fromiter((one not in self._met for one in hashes.tolist()), dtype=bool, count=len(hashes))
            self._met.update(hashes.tolist())
        same &= np.fromiter((op == "upsert" for op in batch.ops), dtype=bool, count=len(batch.ops))
        return hashes, digests, np.flatnonzero(~same).tolist()

    def _remember(self, parsed: Parsed) -> None:
        self.parsed += parsed.seen
        self.absent += parsed.absent
        self.new_fields |= parsed.new_fields

    def _refuse_changed_format(self) -> None:
        """What shows only over all records: a required field that none has, fields never seen before."""
        gone = [name for name, count in self.absent.items() if count == self.parsed]
        if gone:
            raise Halt(f"所有记录都没有必填字段 {'、'.join(sorted(gone))}，数据源可能改了格式，整批未并入")
        write_notices(self.run, [("", name, f"数据源新增字段 {name[:40]}，尚未使用") for name in sorted(self.new_fields)])


def line_of(row: Row, n: int, key_hash: Any, digest: Any) -> str:
    code = row.values.get("uscc") or row.values.get("foreign_code")
    scheme = None if code is None else ("uscc" if "uscc" in row.values else "foreign")
    return copy_line((n, row.key, int(key_hash), row.seq, row.op, int(digest), scheme, code), row.values)
