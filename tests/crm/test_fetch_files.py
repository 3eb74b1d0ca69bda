"""Files as a source: every format, what Chinese spreadsheets do to data, and archives that mean harm."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm.sync.fetch import Batch, SourceBroken, SourceRefused, StartOver
from crm.sync.fetch.formats import Rules, rows_of
from tests.crm.scripted import Reply, Scripted, described, read_all, reader_on

TABLE = "编号,企业名称,状态\n1,甲公司,存续\n2,乙公司,注销\n"
FIELDS = {"uscc": {"from": "代码"}, "name": {"from": "企业名称"}, "status": {"from": "状态"}}
LINES = b'{"x": 1}\n\n{"x": 2}'


def folder(**more: Any) -> Any:
    return described(key="编号", fields=FIELDS, listing={"paging": {"kind": "file"} | more})


def keys(batches: list[Batch]) -> list[str]:
    return [key for batch in batches for key in batch.keys]


def workbook(path: Path, rows: list[list[Any]]) -> None:
    """The smallest workbook: inline text and numbers."""
    cells = "".join(
        "<row>"
        + "".join(
            f'<c t="inlineStr"><is><t>{v}</t></is></c>' if isinstance(v, str) else f"<c><v>{v}</v></c>" for v in row
        )
        + "</row>"
        for row in rows
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        )
        book.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r0" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook {space} xmlns:r="{rel}"><sheets><sheet name="企业" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{cells}</sheetData></worksheet>")


def zipped(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


MAKERS: dict[str, Callable[[Path], None]] = {
    "a.csv": lambda path: path.write_text(TABLE, encoding="utf-8") and None,
    "b.csv": lambda path: path.write_bytes(TABLE.encode("gbk")) and None,
    "c.csv": lambda path: path.write_bytes(TABLE.encode("utf-8-sig")) and None,
    "d.csv": lambda path: path.write_bytes((TABLE + "3,㐀𠮷公司,存续\n").encode("gb18030")) and None,
    "e.csv.gz": lambda path: path.write_bytes(gzip.compress(TABLE.encode("gbk"))) and None,
    "f.zip": lambda path: zipped(path, {"in/t.csv": TABLE.encode("gbk"), "读我.txt": b"x"}),
    "g.jsonl": lambda path: path.write_bytes('{"编号": 1, "企业名称": "甲公司"}\n{"编号": "2"}'.encode()) and None,
    "h.xlsx": lambda path: workbook(path, [["编号", "企业名称"], [1, "甲公司"], ["2", "乙公司"]]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_and_encoding(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path / name)
    reader = reader_on(folder(), str(tmp_path))
    batches = read_all(reader)
    assert keys(batches)[:2] == ["1", "2"]
    assert "甲公司" in batches[0].raws[0].decode()
    assert reader.complete


def test_all_files_of_a_folder_are_one_listing_and_only_the_pattern_counts(tmp_path: Path) -> None:
    (tmp_path / "企业-2.csv").write_text("编号\n7\n", encoding="utf-8")
    (tmp_path / "企业-1.csv").write_text("编号\n5\n6\n", encoding="utf-8")
    (tmp_path / "说明.csv").write_text("编号\n9\n", encoding="utf-8")
    (tmp_path / "~$企业.csv").write_text("编号\n8\n", encoding="utf-8")
    batches = read_all(reader_on(folder(pattern="企业*", batch=2), str(tmp_path)))
    assert [(b.keys, b.seqs) for b in batches] == [(["5", "6"], [0, 1]), (["7"], [2])]
    with pytest.raises(StartOver):
        read_all(reader_on(folder(), str(tmp_path)), position=batches[0].position)


def test_nothing_there_is_refused_and_not_an_empty_listing(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="没有符合要求的文件"):
        read_all(reader_on(folder(), str(tmp_path)))
    with pytest.raises(SourceRefused, match="没有文件夹"):
        read_all(reader_on(folder(), str(tmp_path / "no")))


def test_delta_files_are_read_once_and_in_order(tmp_path: Path) -> None:
    connector = described(
        key="编号",
        fields=FIELDS,
        listing={"paging": {"kind": "file", "pattern": "全*"}},
        changes={
            "paging": {"kind": "file", "pattern": "增*"},
            "incremental": {"kind": "delta_file"},
            "events": {"from": "操作", "removed": ["删"]},
        },
    )
    (tmp_path / "全.csv").write_text("编号\n1\n", encoding="utf-8")
    (tmp_path / "增1.csv").write_text("编号\n2\n", encoding="utf-8")
    full = reader_on(connector, str(tmp_path))
    assert (keys(read_all(full)), full.cursor) == (["1"], {"after": "增1.csv"})
    (tmp_path / "增2.csv").write_text("编号,操作\n1,删\n", encoding="utf-8")
    reader = reader_on(connector, str(tmp_path))
    [batch] = read_all(reader, full.cursor)
    assert (batch.keys, batch.ops, reader.cursor) == (["1"], ["removed"], {"after": "增2.csv"})
    assert read_all(reader_on(connector, str(tmp_path)), reader.cursor) == []


def test_rows_that_do_not_fit_their_header_are_rejected_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("编号,联系电话\n1\n2,x,多出来的\n,,\n3,y\n", encoding="utf-8")
    [batch] = read_all(reader_on(folder(), str(tmp_path)))
    assert (batch.keys, [bad.errors for bad in batch.rejects]) == (["1", "3"], [[("", "这一行的列数与表头不符")]])
    assert batch.rejects[0].payload == {"编号": "2"}


@pytest.mark.parametrize(
    ("text", "reason"), [("编号,编号\n1,2\n", "重复的列名"), ("\n1\n", "没有表头"), ("编号\n\ud800", "编码")]
)
def test_a_table_that_cannot_be_understood_is_broken(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode("utf-8", "surrogatepass") + (b"\xff" if "编码" in reason else b""))
    with pytest.raises(SourceBroken, match=reason):
        read_all(reader_on(folder(), str(tmp_path)))


BOMB = b"0" * 20_000_000


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("a.csv.gz", lambda path: path.write_bytes(gzip.compress(BOMB)), "压缩比超过 100:1"),
        ("b.zip", lambda path: zipped(path, {"a.csv": BOMB}), "压缩比超过 100:1"),
        ("c.xlsx", lambda path: zipped(path, {"xl/workbook.xml": BOMB}), "压缩比超过 100:1"),
        ("d.zip", lambda path: zipped(path, {"../../a.csv": b"x"}), "指向包外"),
        ("e.zip", lambda path: zipped(path, {"/etc/a.csv": b"x"}), "指向包外"),
        ("f.zip", lambda path: zipped(path, {"..\\a.csv": b"x"}), "指向包外"),
        ("g.zip", lambda path: zipped(path, {f"{n}.csv": b"x" for n in range(201)}), "201 个文件"),
        ("h.zip", lambda path: path.write_bytes(b"PK no"), "损坏"),
        ("i.csv.gz", lambda path: path.write_bytes(gzip.compress(TABLE.encode())[:-9]), "损坏"),
        ("j.xlsx", lambda path: zipped(path, {"a": b"x"}), "损坏"),
    ],
)
def test_files_that_mean_harm_are_refused(
    tmp_path: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(SourceBroken, match=reason):
        read_all(reader_on(folder(), str(tmp_path)))


def test_the_ratio_is_the_reason(tmp_path: Path) -> None:
    """Canary: the same archives with fewer zeros are read."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TABLE.encode() + b"9,x,y\n" * 3_000))
    assert len(keys(read_all(reader_on(folder(), str(tmp_path))))) == 3_002


def test_a_lying_archive_is_caught_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    zipped(path, {"a.jsonl": LINES})
    with pytest.raises(SourceBroken, match="超过 4 字节"):
        list(rows_of(path, "a.zip", Rules(most_bytes=4)))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text(TABLE, encoding="utf-8")
    (inside / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(SourceBroken, match="指向文件夹以外"):
        read_all(reader_on(folder(), str(inside)))


def test_a_file_can_be_downloaded(tmp_path: Path) -> None:
    source = Scripted(lambda _: Reply(gzip.compress(TABLE.encode("gbk")), kind="application/octet-stream"))
    connector = described(
        key="编号", fields=FIELDS, listing={"request": {"path": "/all.csv.gz"}, "paging": {"kind": "file"}}
    )
    try:
        assert keys(read_all(reader_on(connector, source.url))) == ["1", "2"]
    finally:
        source.close()


def test_what_a_spreadsheet_makes_of_values(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", [["编号", "数", "空"], [91.0, 1.5, ""]])
    [row] = rows_of(tmp_path / "a.xlsx", "a.xlsx", Rules())
    assert json.loads(row) == {"编号": 91, "数": 1.5}
