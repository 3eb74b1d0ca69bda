"""A source that nobody described before, as odd as they come, works from a YAML file alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from crm.sandbox.generate import uscc_for
from crm.sync.connector import load_connector
from crm.sync.fetch import SourceRefused
from crm.sync.records import parse_batch
from tests.crm.scripted import Reply, Scripted, Told, read_all, reader_on

FILE = """
code: harbour
name: 港口企业登记
department: customs
local: true
auth:
  kind: signed
  hash: sm3
  template: "{path}|{timestamp}|{params}|{secret}"
  case: upper
  key: HARBOUR_KEY
  secret: HARBOUR_SECRET
  key_at: {place: form, name: app}
  timestamp: {unit: ms, place: header, name: X-Time}
  signature: {place: form, name: sign}
limits: {attempts: 3, backoff_seconds: 0.001}
response:
  statuses: [404]
  empty_when: status == `404`
  ok_when: body.ret.ok
  retry_when: body.ret.why == 'busy'
  stop_when: body.ret.why == 'blocked'
  message: body.ret.text
key: no
listing:
  request: {method: POST, body: form, path: /q, params: {kind: company}}
  items: ret.list
  total: ret.count
  paging: {kind: offset, offset: skip, size: take, per: 2}
gone:
  redacted_when: "secret == `true`"
tables:
  states: {"1": 存续, "9": 注销}
fields:
  uscc: {from: ids.credit, required: true, transform: [uscc]}
  name: {from: [title.zh, title.en], required: true}
  status: {from: st, required: true, transform: [text, {map: states}]}
  former_names: {from: "title.old[?@ != ''] | [0]", transform: [{split: "/"}]}
  established_on: {from: born, transform: [date_ms]}
"""


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "no": number,
        "ids": {"credit": uscc_for(number)},
        "title": {"zh": f"虚构船务{number}有限公司", "old": ["", "甲公司/乙公司"]},
        "st": 1,
        "born": 1300204800000,
    } | more


ROWS = [row(1), row(2, st="9"), row(3, title={"en": "Invented Shipping"}), row(4, secret=True), row(5, st=7)]


class Harbour:
    """Answers errors with 200, nothing with 404, checks signatures, is busy once."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.busy = rows, 1

    def __call__(self, told: Told) -> Reply:
        form = told.form
        sign = form.pop("sign", "")
        joined = "&".join(f"{name}={form[name]}" for name in sorted(form))
        text = f"/q|{told.headers.get('x-time')}|{joined}|s3cret"
        if told.method != "POST" or sign != hashlib.new("sm3", text.encode()).hexdigest().upper():
            return Reply({"ret": {"ok": False, "why": "blocked", "text": "签名不符"}})
        if self.busy:
            self.busy -= 1
            return Reply({"ret": {"ok": False, "why": "busy"}})
        found = self.rows[int(form["skip"]) :][: int(form["take"])]
        if not found:
            return Reply({"ret": {"ok": False, "count": len(self.rows)}}, status=404)
        return Reply({"ret": {"ok": True, "count": len(self.rows), "list": found}})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "harbour.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


ENVIRON = {"HARBOUR_KEY": "k", "HARBOUR_SECRET": "s3cret"}
pytestmark = pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="this OpenSSL has no SM3")


def test_it_works_from_its_file_alone(file: Path) -> None:
    connector, source = load_connector(file), Scripted(Harbour(ROWS))
    try:
        reader = reader_on(connector, source.url, environ=ENVIRON)
        batches = read_all(reader)
    finally:
        source.close()
    assert [batch.keys for batch in batches] == [["1", "2"], ["3", "4"], ["5"]]
    assert reader.complete
    parsed = [parse_batch(b.keys, b.raws, b.ops, b.seqs, connector) for b in batches]
    rows = {one.key: one for batch in parsed for one in batch.rows}
    assert rows["1"].values["former_names"] == [{"name": "甲公司", "until": None}, {"name": "乙公司", "until": None}]
    assert rows["1"].values["established_on"] == "2011-03-16"
    assert (rows["2"].values["status"], rows["3"].values["name"]) == ("deregistered", "Invented Shipping")
    assert (rows["4"].op, rows["4"].values) == ("redacted", {})
    [bad] = [reject for batch in parsed for reject in batch.rejects]
    assert (bad.key, bad.errors) == ("5", [("st", "对照表 states 里没有 '7'")])
    assert len(source.asked) == 4  # one of them because it was busy


def test_none_is_no_fault_and_a_wrong_secret_is_told(file: Path) -> None:
    connector, source = load_connector(file), Scripted(Harbour([]))
    try:
        assert read_all(reader_on(connector, source.url, environ=ENVIRON)) == []
        with pytest.raises(SourceRefused, match="签名不符.*改设置"):
            read_all(reader_on(connector, source.url, environ=ENVIRON | {"HARBOUR_SECRET": "other"}))
    finally:
        source.close()
    assert "s3cret" not in json.dumps([told.headers | told.form for told in source.asked])
