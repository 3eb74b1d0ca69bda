"""Rows out of a file: csv, jsonl, xlsx, each also inside gz or zip. Bombs and paths out of an archive are refused before
anything is parsed. A row comes out as the bytes of a JSON object, as from any other source."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec
from python_calamine import CalamineError, CalamineWorkbook

from crm.sync.fetch.errors import SourceBroken
from crm.sync.fetch.ndjson import lines_of

MOST_RATIO = 100
MOST_MEMBERS = 200
BAD_ROW = b"\x00"  # before a row that has more cells than the table has columns
_PIECE = 1024 * 1024
_TEXT = (".csv", ".jsonl", ".ndjson")
_SMALL = 64 * 1024  # below this size a good ratio is no bomb


@dataclass(frozen=True, slots=True)
class Rules:
    header: int = 1
    sheet: str | None = None
    delimiter: str = ","
    encoding: str = "auto"
    most_bytes: int = 256 * 1024 * 1024

    @classmethod
    def of(cls, paging: Mapping[str, Any]) -> Rules:
        return cls(
            int(paging.get("header", 1)), paging.get("sheet"), paging.get("delimiter", ","), paging.get("encoding", "auto"),
            int(paging.get("megabytes", 256)) * 1024 * 1024,
        )


def is_known(name: str) -> bool:
    low = name.lower()
    return low.endswith((*_TEXT, ".xlsx", ".zip")) or (low.endswith(".gz") and low[:-3].endswith(_TEXT))


def rows_of(path: Path, name: str, rules: Rules) -> Iterator[bytes]:
    low = name.lower()
    size = path.stat().st_size
    try:
        if low.endswith(".zip"):
            yield from _zipped(path, rules)
        elif low.endswith(".xlsx"):
            _check_archive(path, name, rules)
            yield from _workbook(path, rules)
        elif low.endswith(".gz"):
            packed = lambda: _Guarded(gzip.open(path), size, name, rules)  # noqa: E731, SIM115  (_Guarded closes it)
            yield from _text(low[:-3], name, packed, rules)
        else:
            yield from _text(low, name, lambda: _Guarded(path.open("rb"), 0, name, rules), rules)
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, CalamineError, csv.Error) as error:
        raise SourceBroken(f"文件 {name} 损坏：{str(error)[:80]}") from None


class _Guarded(io.RawIOBase):
    """Reads on until the content is out of proportion to what was stored, or too large."""

    def __init__(self, inner: IO[bytes] | gzip.GzipFile, stored: int, name: str, rules: Rules) -> None:
        self.inner, self.stored, self.name, self.rules, self.size = inner, stored, name, rules, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.inner.read(len(buffer))
        self.size += len(piece)
        if self.size > self.rules.most_bytes:
            raise SourceBroken(f"文件 {self.name} 展开后超过 {self.rules.most_bytes} 字节")
        if self.stored and self.size > max(_SMALL, self.stored * MOST_RATIO):
            raise SourceBroken(f"文件 {self.name} 的压缩比超过 {MOST_RATIO}:1，已拒绝")
        buffer[:len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self.inner.close()
        super().close()


def _check_archive(path: Path, name: str, rules: Rules) -> list[zipfile.ZipInfo]:
    """The members, after every claim of the archive's directory was checked."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise SourceBroken(f"压缩包 {name} 里有 {len(members)} 个文件，最多 {MOST_MEMBERS} 个")
    total = 0
    for member in members:
        inner = PurePosixPath(member.filename.replace("\\", "/"))
        if inner.is_absolute() or ".." in inner.parts or ":" in inner.parts[0:1] or "\x00" in member.filename:
            raise SourceBroken(f"压缩包 {name} 里的路径 {member.filename[:60]} 指向包外，已拒绝")
        if member.flag_bits & 0x1:
            raise SourceBroken(f"压缩包 {name} 有密码，无法读取")
        if member.file_size > max(_SMALL, member.compress_size * MOST_RATIO):
            raise SourceBroken(f"压缩包 {name} 的压缩比超过 {MOST_RATIO}:1，已拒绝")
        total += member.file_size
    if total > rules.most_bytes:
        raise SourceBroken(f"压缩包 {name} 展开后超过 {rules.most_bytes} 字节")
    return members


def _zipped(path: Path, rules: Rules) -> Iterator[bytes]:
    members = _check_archive(path, path.name, rules)
    with zipfile.ZipFile(path) as archive:
        for member in members:
            low = member.filename.lower()
            if not low.endswith(_TEXT):
                continue
            opened = lambda member=member: _Guarded(archive.open(member), member.compress_size, member.filename, rules)  # noqa: E731
            yield from _text(low, member.filename, opened, rules)


def _text(low: str, name: str, opened: Any, rules: Rules) -> Iterator[bytes]:
    if low.endswith((".jsonl", ".ndjson")):
        with opened() as raw:
            yield from lines_of(iter(lambda: raw.read(_PIECE) or b"", b""), rules.most_bytes, tail=True)
        return
    encoding = _encoding(opened, name, rules)
    with opened() as raw:
        handle = io.TextIOWrapper(io.BufferedReader(raw, _PIECE), encoding=encoding, newline="")
        yield from _table(csv.reader(handle, delimiter=rules.delimiter), name, rules)


def _encoding(opened: Any, name: str, rules: Rules) -> str:
    """utf-8 where the whole file is; otherwise what Chinese spreadsheets save, GB18030, which holds GBK and GB2312."""
    asked = {"auto": ["utf-8-sig", "gb18030"], "utf-8": ["utf-8-sig"], "gb18030": ["gb18030"]}[rules.encoding]
    for encoding in asked:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        try:
            with opened() as raw:
                while piece := raw.read(_PIECE):
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise SourceBroken(f"文件 {name} 的编码既不是 UTF-8 也不是 GB18030")


def _workbook(path: Path, rules: Rules) -> Iterator[bytes]:
    book = CalamineWorkbook.from_path(str(path))
    names = book.sheet_names
    if rules.sheet is not None and rules.sheet not in names:
        raise SourceBroken(f"工作簿 {path.name} 里没有工作表 {rules.sheet}")
    if names:
        sheet = book.get_sheet_by_name(rules.sheet or names[0])
        yield from _table(iter(sheet.to_python(skip_empty_area=False)), path.name, rules)


def _table(rows: Iterator[list[Any]], name: str, rules: Rules) -> Iterator[bytes]:
    for _ in range(rules.header - 1):
        next(rows, None)
    titles = [str(title).strip().lstrip("\ufeff") for title in next(rows, [])]
    while titles and not titles[-1]:
        titles.pop()
    named = [title for title in titles if title]
    if len(set(named)) != len(named):
        raise SourceBroken(f"文件 {name} 的表头有重复的列名")
    if not named:
        raise SourceBroken(f"文件 {name} 没有表头")
    for row in rows:
        cells = [_plain(cell) for cell in row]
        if any(cell != "" for cell in cells[len(titles):]):
            yield BAD_ROW + msgspec.json.encode(dict(zip(titles, cells, strict=False)))
        elif any(cell != "" for cell in cells):
            yield msgspec.json.encode({title: cell for title, cell in zip(titles, cells, strict=False) if title and cell != ""})


def _plain(cell: Any) -> Any:
    """What JSON can hold; a number that a spreadsheet made of a whole number is whole again."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else cell
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat()
    return "" if cell is None else str(cell)
