"""Files instead of an interface: a drop folder, or one file to download. A whole folder is a listing; with delta files,
those whose names come after the last one read are the changes."""

from __future__ import annotations

import fnmatch
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from crm.sync.definition import Stream
from crm.sync.fetch import formats
from crm.sync.fetch.batches import Batch, Sorter
from crm.sync.fetch.budgets import is_web
from crm.sync.fetch.calls import Caller
from crm.sync.fetch.errors import SourceBroken, SourceRefused, StartOver
from crm.sync.fetch.ndjson import batch_of, in_batches
from crm.sync.records import reject
from office.http import NextStep

_BATCH = 500


class Files:
    def __init__(self, caller: Caller, stream: Stream) -> None:
        self.caller, self.stream = caller, stream
        self.sorter = Sorter(caller.connector, stream)
        self.rules = formats.Rules.of(stream.paging)

    def newest(self) -> str:
        return "" if is_web(self.caller.base_url) else max((path.name for path in self._paths()), default="")

    def read(self, position: dict[str, Any], after: str | None = None) -> Iterator[Batch]:
        if position:
            raise StartOver("文件从头读取")
        number = rows = 0
        for name, path in self._sources(after):
            for block in in_batches(formats.rows_of(path, name, self.rules), int(self.stream.paging.get("batch", _BATCH))):
                number += 1
                batch = self._batch(block, rows)
                rows += len(block)
                batch.page, batch.position = number, {"file": name, "rows": rows}
                yield batch

    def _batch(self, block: list[bytes], rows: int) -> Batch:
        bad = [line for line in block if line.startswith(formats.BAD_ROW)]
        batch = batch_of(self.sorter, [line for line in block if line not in bad] if bad else block, rows)
        if not self.sorter.numbered:
            batch.seqs = list(range(rows, rows + len(batch.keys)))
        for line in bad:
            shown = msgspec.json.decode(line[len(formats.BAD_ROW):])
            batch.rejects.append(reject("", rows, shown, self.caller.connector, [("", "这一行的列数与表头不符")]))
        batch.page_hash = hashlib.sha256(b"\n".join(block)).hexdigest()
        return batch

    def _sources(self, after: str | None) -> Iterator[tuple[str, Path]]:
        if is_web(self.caller.base_url):
            with self._downloaded() as path:
                yield PurePosixPath(self.stream.request.path).name or "download", path
            return
        found = [path for path in self._paths() if after is None or path.name > after]
        if not found and after is None:
            raise SourceRefused("文件夹里没有符合要求的文件", next_step=NextStep.FIX_SETTINGS)
        for path in found:
            yield path.name, path

    def _paths(self) -> list[Path]:
        """The folder's files in the order of their names; what only points out of the folder is not in it."""
        address = self.caller.base_url
        folder = Path(unquote(urlsplit(address).path) if address.startswith("file://") else address)
        if not folder.is_dir():
            raise SourceRefused(f"没有文件夹 {folder.name}", next_step=NextStep.FIX_SETTINGS)
        inside, pattern = folder.resolve(), str(self.stream.paging.get("pattern", "*"))
        found = []
        for path in sorted(folder.iterdir()):
            if not fnmatch.fnmatchcase(path.name, pattern) or path.name.startswith((".", "~$")) or not path.is_file():
                continue
            if path.resolve().parent != inside:
                raise SourceBroken(f"文件 {path.name} 指向文件夹以外，已拒绝")
            if formats.is_known(path.name):
                found.append(path)
        return found

    @contextmanager
    def _downloaded(self) -> Iterator[Path]:
        limit = self.rules.most_bytes
        with tempfile.NamedTemporaryFile(prefix="source-") as target:
            size = 0
            with self.caller.stream(self.stream.request, {}, self.caller.connector.limits.stream_seconds) as answer:
                for piece in answer.pieces:
                    size += len(piece)
                    if size > limit:
                        raise SourceBroken(f"下载的文件超过 {limit} 字节")
                    target.write(piece)
            target.flush()
            yield Path(target.name)
