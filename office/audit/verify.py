"""Recompute the chain in Python and stop at the first thing that is wrong.

The server only hands over rows; every hash is made here. Memory stays flat: links come a thousand at a time, pages
as a stream. All of it reads one snapshot, so that writers need not wait.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from office.audit.lines import GENESIS, Block, Link, link_hash, page_hash
from office.audit.triggers import BLOCK, PAGE, PAGES

BATCH = 1_000
FEW = 20_000  # entries of a batch that may be held at once

# What is wrong → the command's exit code.
FAULTS = {
    "changed_entry": 11, "missing_entry": 12, "inserted_entry": 13, "changed_block": 14, "missing_block": 15,
    "unlinked_block": 16, "broken_link": 17, "tail_cut": 18, "no_trigger": 19,
}


@dataclass(frozen=True)
class Fault:
    kind: str
    id: int | str
    text: str


@dataclass(frozen=True)
class Anchor:
    """The end of the chain as it was seen once; kept elsewhere, it proves later that nothing was cut off."""

    no: int
    hash: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Anchor:
        return cls(int(values["no"]), str(values["hash"]))


@dataclass(frozen=True)
class Result:
    links: int
    entries: int
    anchor: Anchor
    fault: Fault | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Bad(Exception):  # noqa: N818  (not an error: the first fault ends the walk)
    def __init__(self, kind: str, id_: int | str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(kind, id_, text)


def verify(*, since: Anchor | None = None, anchor: Anchor | None = None) -> Result:
    """Check every link after `since` (all, without it), the blocks and entries they hold, and that none stand outside.

    `anchor`: an end of the chain exported earlier, which must still be part of it.
    """
    walk = _Walk(since)
    with _snapshot():
        try:
            walk.check_anchor(since, _("上次核验到"))
            walk.check_anchor(anchor, _("存证"))
            walk.go()
            walk.check_outside(whole=since is None)
        except _Bad as bad:
            return Result(walk.links, walk.entries, walk.end, bad.fault)
    return Result(walk.links, walk.entries, walk.end)


@contextmanager
def _snapshot() -> Iterator[None]:
    """One snapshot for all queries; inside somebody else's transaction (a test's) that one's isolation must do."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


class _Walk:
    def __init__(self, since: Anchor | None) -> None:
        self.start = self.no = since.no if since else 0
        self.hash = bytes.fromhex(since.hash) if since else GENESIS
        self.links = self.entries = 0

    @property
    def end(self) -> Anchor:
        return Anchor(self.no, self.hash.hex())

    def check_anchor(self, anchor: Anchor | None, name: str) -> None:
        if anchor is None or anchor.no == 0:
            return
        row = _rows("SELECT hash FROM audit.link WHERE no = %s", [anchor.no])
        if not row:
            raise _Bad("tail_cut", anchor.no, _("审计链缺尾：%(name)s第 %(no)d 环，现已不在") % {"name": name, "no": anchor.no})
        if row[0][0].hex() != anchor.hash:
            text = _("审计链被改写：第 %(no)d 环与%(name)s不符") % {"name": name, "no": anchor.no}
            raise _Bad("broken_link", anchor.no, text)

    def go(self) -> None:
        while batch := self._next_links():
            found = _blocks([link.block_id for link in batch])
            for link in batch:
                self._check_link(link, found.get(link.block_id))
            self._check_entries([found[link.block_id] for link in batch])

    def _next_links(self) -> list[Link]:
        rows = _rows(
            "SELECT no, block_id, prev, hash FROM audit.link WHERE no > %s ORDER BY no LIMIT %s", [self.no, BATCH]
        )
        return [Link._make(row) for row in rows]

    def _check_link(self, link: Link, block: Block | None) -> None:
        expected = self.no + 1
        if link.no != expected:
            raise _Bad("broken_link", expected, _("审计链断开：缺第 %(no)d 环") % {"no": expected})
        if link.prev != self.hash:
            raise _Bad("broken_link", link.no, _("审计链断开：第 %(no)d 环接不上前一环") % {"no": link.no})
        if block is None:
            text = _("缺少审计记录 %(id)d（第 %(no)d 环）") % {"id": link.block_id, "no": link.no}
            raise _Bad("missing_block", link.block_id, text)
        if link_hash(link.prev, block) != link.hash:
            text = _("审计记录 %(id)d 或第 %(no)d 环被改动") % {"id": block.id, "no": link.no}
            raise _Bad("changed_block", block.id, text)
        self.no, self.hash = link.no, link.hash
        self.links += 1

    def _check_entries(self, blocks: list[Block]) -> None:
        """Pages of the blocks in the order of their ids; a block's pages are numbered from 1 and full but for the last."""
        in_order = sorted((block for block in blocks if block.verb != "T"), key=lambda block: block.id)
        stream = _pages([block.id for block in in_order], sum(block.entries for block in in_order))
        ahead = next(stream, None)
        for block in in_order:
            digest = hashlib.sha256()
            done = 0
            while ahead is not None and ahead[0] // PAGES == block.id:
                done = _check_page(ahead, done, block)
                digest.update(ahead[5])
                ahead = next(stream, None)
            if done < block.entries:
                raise _missing(block.id * BLOCK + done + 1)
            if digest.digest() != block.digest:
                text = _("审计记录 %(id)d 的条目被改动（条目与指纹一同改过）") % {"id": block.id}
                raise _Bad("changed_entry", block.id, text)
            self.entries += done

    def check_outside(self, *, whole: bool) -> None:
        """Blocks without a link, and (looking at everything) entries without a block."""
        since = "" if whole else "AND b.id > (SELECT block_id FROM audit.link WHERE no = %(start)s)"
        unlinked = _rows(
            "SELECT b.id FROM audit.block b WHERE NOT EXISTS (SELECT FROM audit.link l WHERE l.block_id = b.id)"  # noqa: S608  (names of our own models)
            f" AND b.txid <> coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0) {since} ORDER BY b.id LIMIT 1",  # noqa: S608  # nosec B608 (names of our own models)
            {"start": self.start},
        )
        if unlinked:
            raise _Bad("unlinked_block", unlinked[0][0], _("审计记录 %(id)d 不在审计链上") % {"id": unlinked[0][0]})
        stray = whole and _rows(
            f"SELECT p.id FROM audit.page p LEFT JOIN audit.block b ON b.id = p.id / {PAGES} AND b.verb <> 'T'"  # noqa: S608  (names of our own models)
            " WHERE b.id IS NULL ORDER BY p.id LIMIT 1", {},  # noqa: S608  # nosec B608 (names of our own models)
        )
        if stray:
            first = stray[0][0] // PAGES * BLOCK + (stray[0][0] % PAGES - 1) * PAGE + 1
            raise _Bad("inserted_entry", first, _("多出审计条目 %(id)d：它不属于任何审计记录") % {"id": first})


def _check_page(page: tuple[Any, ...], done: int, block: Block) -> int:
    """The number of the block's entries up to this page's last."""
    id_, first_row, last_row, entries, data, hash_ = page
    first = block.id * BLOCK + done + 1
    if done >= block.entries:
        raise _Bad("inserted_entry", first, _("多出审计条目 %(id)d") % {"id": first})
    if id_ != block.id * PAGES + done // PAGE + 1:
        raise _missing(first)
    expected = min(PAGE, block.entries - done)
    lines = data.count("\n") + 1
    if page_hash(id_, first_row, last_row, entries, data) != hash_ or lines != expected or entries != expected:
        kind = "missing_entry" if lines < expected else "inserted_entry" if lines > expected else "changed_entry"
        words = {"id": first, "last": first + expected - 1}
        raise _Bad(kind, first, _("审计条目 %(id)d 至 %(last)d 被改动、删去或添加") % words)
    return done + expected


def _missing(id_: int) -> _Bad:
    return _Bad("missing_entry", id_, _("缺少审计条目 %(id)d") % {"id": id_})


def _rows(query: str, params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()  # type: ignore[no-any-return]


def _blocks(ids: list[int]) -> dict[int, Block]:
    rows = _rows(
        "SELECT id, txid, (extract(epoch FROM at) * 1000000)::bigint, actor_id, actor, channel, request_id, db_user,"
        " table_name, verb, entries, digest FROM audit.block WHERE id = ANY(%s)", [ids],
    )
    return {row[0]: Block._make(row) for row in rows}


def _pages(blocks: list[int], entries: int) -> Iterator[tuple[Any, ...]]:
    """Many by COPY, which streams where fetchall would hold everything; few by fetchall, which is quicker by the row."""
    if not blocks:
        return
    query = (
        "SELECT id, first_row, last_row, entries, data, hash FROM audit.page"  # noqa: S608  (names of our own models)
        f" WHERE id >= %s AND id < %s AND id / {PAGES} = ANY(%s) ORDER BY id"  # noqa: S608  # nosec B608 (names of our own models)
    )
    span = [blocks[0] * PAGES, (blocks[-1] + 1) * PAGES, blocks]
    if entries <= FEW:
        yield from _rows(query, span)
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", span) as copy:
        copy.set_types(["int8", "int8", "int8", "int2", "text", "bytea"])
        yield from copy.rows()
