from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.sandbox.generate import make_world, uscc_for
from crm.sync import readers
from crm.sync.connector import load_connector
from crm.sync.readers import FieldError
from crm.sync.records import Parsed, parse_batch, pinyin_of, read_values, usable_key

CONNECTOR = load_connector("sandbox")
GOOD: dict[str, Any] = {
    "id": "SZ1",
    "creditCode": uscc_for(5),
    "name": "深圳市砚檀珠宝有限公司",
    "regStatus": "存续",
    "districtCode": "440303",
    "streetCode": "440303004",
    "regCapital": "77800.32万人民币",
    "annualRevenue": "1234.50",
    "revenueYear": 2025,
    "establishDate": "2012-05-06",
    "industryCode": "2438",
    "legalPerson": "不应保存",
    "seq": 9,
    "sample": True,
    "products": [{"name": "足金手镯", "revenueShare": 0.6}],
    "formerNames": [{"name": "旧名", "until": "2020-01-01"}],
    "grades": [{"grade": "high_tech", "issuer": "科技部门", "validFrom": "2024-01-01", "validTo": "2027-01-01"}],
    "formerCreditCodes": [{"creditCode": uscc_for(6), "until": ""}],
    "updatedAt": "2026-11-01T08:00:00",
}


def parse(**changes: Any) -> Parsed:
    return batch({name: value for name, value in (GOOD | changes).items() if value is not ...})


def batch(item: Any) -> Parsed:
    raw = json.dumps(item).encode()
    return parse_batch(["SZ1"], [raw], ["upsert"], [1], CONNECTOR)


def test_a_good_record_becomes_canonical() -> None:
    parsed = parse()
    assert parsed.rejects == []
    values = parsed.rows[0].values
    assert values["status"] == "active"
    assert values["registered_capital"] == "778003200.00"
    assert values["registered_capital_text"] == "77800.32万人民币"
    assert values["annual_revenue"] == "1234.50"
    assert values["name_initials"] == "szsytzbyxgs"
    assert values["former_codes"] == [{"value": uscc_for(6), "until": None}]
    assert values["source_updated_at"] == "2026-11-01T08:00:00+08:00"


def test_natural_persons_are_never_read() -> None:
    """Not into values, not into quarantine."""
    assert "不应保存" not in repr(parse())
    assert "不应保存" not in repr(parse(creditCode="x"))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("creditCode", GOOD["creditCode"][:-1] + "X", "校验位"),
        ("creditCode", "1.2E+17", "18 位"),
        ("creditCode", 5, "应为文字"),
        ("creditCode", ..., "必填"),
        ("creditCode", "", "必填"),
        ("name", None, "必填"),
        ("name", "  ", "只有空白"),
        ("name", "甲" * 201, "超过 200"),
        ("name", "甲\x00乙", "控制字符"),
        ("name", "甲\ud800", "控制字符"),
        ("name", ["甲"], "应为文字"),
        ("regStatus", "快乐", "不认识的登记状态"),
        ("districtCode", "999999", "GB/T 2260"),
        ("streetCode", "440304001", "不在区划"),
        ("streetCode", "44", "9 位"),
        ("streetCode", "440303999", "街道表"),
        ("regCapital", "五百万", "看不懂的金额"),
        ("regCapital", "500", "没有写单位"),
        ("annualRevenue", "-5", "不能为负"),
        ("annualRevenue", "NaN", "看不懂"),
        ("annualRevenue", True, "应为金额"),
        ("annualRevenue", "9" * 30, "位数过多"),
        ("annualRevenue", "1e9", "看不懂"),
        ("revenueYear", "二〇二五", "整数"),
        ("revenueYear", 1800, "不合理"),
        ("revenueYear", None, "年度"),
        ("establishDate", "2023-02-29", "没有这一天"),
        ("establishDate", "昨天", "看不懂的日期"),
        ("establishDate", "0001-01-01", "不合理"),
        ("industryCode", "ZZ", "GB/T 4754"),
        ("employees", -1, "不合理"),
        ("employees", True, "整数"),
        ("employees", 1.5, "整数"),
        ("sample", "yes", "是或否"),
        ("updatedAt", "noon", "看不懂的时间"),
        ("products", "金", "列表"),
        ("products", ["金"], "键值表"),
        ("products", [{"name": "金", "revenueShare": 1.2}], "0 到 1"),
        ("products", [{"name": "金", "revenueShare": "1"}], "0 到 1"),
        ("products", [{"name": "金", "revenueShare": 0.6}, {"name": "银", "revenueShare": 0.6}], "合计"),
        ("products", [{}] * 201, "200"),
        ("grades", [{"grade": "best", "validFrom": "2024-01-01"}], "等级"),
        ("grades", [{"grade": "listed", "validFrom": "2024-01-01", "validTo": "2023-01-01"}], "应晚于"),
        ("grades", [{"grade": "listed"}], "应为文字"),
        ("formerNames", [{"name": ""}], "只有空白"),
        ("formerCreditCodes", [{"creditCode": "1"}], "18 位"),
    ],
)
def test_each_bad_field_sends_its_row_to_quarantine_with_field_and_reason(
    field: str, value: Any, reason: str
) -> None:
    parsed = parse(**{field: value})
    assert parsed.rows == []
    assert parsed.seen == 1
    [reject] = parsed.rejects
    matching = [name for name, why in reject.errors if reason in why]
    assert matching, reject.errors
    assert matching[0] in (field, "streetCode", "annualRevenue")
    assert (reject.key, reject.payload["id"]) == ("SZ1", "SZ1")


def test_all_bad_fields_of_a_row_are_named_at_once() -> None:
    [reject] = parse(creditCode="x", regStatus="x", establishDate="x").rejects
    assert {name for name, _reason in reject.errors} == {"creditCode", "regStatus", "establishDate"}


@pytest.mark.parametrize("item", [None, 5, "text", ["list"]])
def test_what_is_no_record_is_quarantined(item: Any) -> None:
    parsed = batch(item)
    assert (parsed.seen, len(parsed.rejects), parsed.rows) == (1, 1, [])


@pytest.mark.parametrize(
    ("key", "usable"),
    [
        (77, "77"),
        ("a", "a"),
        ("", ""),
        (None, ""),
        (True, ""),
        ("x" * 65, ""),
        ("a\nb", ""),
        (1.5, ""),
        ([], ""),
        ("x" * 64, "x" * 64),
    ],
)
def test_keys(key: Any, usable: str) -> None:
    assert usable_key(key) == usable


@pytest.mark.parametrize("raw", [b"", b"{", b'{"id": "\xff"}', b'{"id": NaN}', b'{"id": 1, "id": 2}', b"[" * 90_000])
def test_bytes_that_are_no_clean_record_are_rejected(raw: bytes) -> None:
    [reject] = parse_batch(["k"], [raw], ["upsert"], [1], CONNECTOR).rejects
    assert (reject.key, reject.errors[0][0]) == ("k", "")
    json.dumps(reject.payload, allow_nan=False)


def test_a_tombstone_needs_no_record() -> None:
    parsed = parse_batch(["a", "b"], [b"", b""], ["removed", "redacted"], [4, 5], CONNECTOR)
    assert [(row.key, row.seq, row.op, row.values, row.raw_index) for row in parsed.rows] == [
        ("a", 4, "removed", {}, 0),
        ("b", 5, "redacted", {}, 1),
    ]


def test_personal_fields_go_however_deep_they_stand_and_identity_numbers_in_any_case() -> None:
    deep = {"holders": [{"idCard": "1", "shareholderName": "某某某", "ratio": 1}], "身份证号": "2", "联系电话": "3"}
    [reject] = parse(creditCode="x", **deep).rejects
    assert reject.payload["holders"] == [{"ratio": 1}]
    assert not {"身份证号", "联系电话", "legalPerson"} & reject.payload.keys()


def test_a_rejected_record_keeps_the_personal_field_that_its_connector_names_and_no_other() -> None:
    """Inside it too nothing else is kept; a company gets none of it, which the connector's own check holds."""
    keeping = replace(CONNECTOR, keep_personal=frozenset({"legalPerson"}), never_read=frozenset({"legalPerson"}))
    person = {"name": "甲", "身份证号": "1", "mobile": "2"}
    said = {**GOOD, "regCapital": "很多钱", "联系电话": "13800000000", "legalPerson": person}
    raw = json.dumps(said).encode()
    [kept] = parse_batch(["SZ1"], [raw], ["upsert"], [1], keeping).rejects
    [plain] = parse_batch(["SZ1"], [raw], ["upsert"], [1], CONNECTOR).rejects
    assert kept.payload == {**plain.payload, "legalPerson": {"name": "甲"}}
    assert "联系电话" not in kept.payload



def test_absent_optional_fields_are_absent_not_null() -> None:
    parsed = parse(annualRevenue=None, revenueYear=None, products=[], address="", grades=...)
    assert parsed.rejects == []
    assert not {"annual_revenue", "revenue_year", "products", "address", "grades"} & parsed.rows[0].values.keys()


def test_missing_required_and_new_fields_are_counted() -> None:
    parsed = parse(name=..., colour="red")
    assert parsed.absent == {"name": 1}
    assert parsed.new_fields == {"colour"}


def test_other_currencies_leave_no_yuan() -> None:
    values = parse(regCapital="500万港元").rows[0].values
    assert (values["registered_capital"], values["registered_capital_currency"]) == (None, "HKD")


def test_forms_that_sources_use() -> None:
    values = (
        parse(
            establishDate="2012年5月6日",
            annualRevenue=1234,
            employees="12",
            regStatus="在营（开业）",
            industryCode="243",
        )
        .rows[0]
        .values
    )
    assert values["established_on"] == "2012-05-06"
    assert (values["annual_revenue"], values["employees"], values["industry_code"]) == ("1234", 12, "243")
    assert parse(updatedAt="2026-11-01T08:00:00+00:00").rows[0].values["source_updated_at"].endswith("+00:00")
    assert parse(districtCode="441900", streetCode="441900003").rows[0].values["street_code"] == "441900003"


def test_pinyin_columns() -> None:
    assert pinyin_of("砚檀AI（深圳）") == {"name_pinyin": "yantanaishenzhen", "name_initials": "ytaisz"}
    assert pinyin_of("，。") == {"name_pinyin": "", "name_initials": ""}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(list(CONNECTOR.known)) | st.text(max_size=3), inner)
        ),
        max_leaves=20,
    )
)
def test_nothing_that_json_can_hold_breaks_the_parser(item: Any) -> None:
    """Every row ends as a record or in quarantine, and what is quarantined can be stored."""
    parsed = batch(item)
    assert len(parsed.rows) + len(parsed.rejects) == parsed.seen == 1
    stored = json.dumps([reject.payload for reject in parsed.rejects], allow_nan=False)
    assert "\\u0000" not in stored.replace("\\\\", "")


@given(st.text())
def test_readers_only_ever_refuse_by_name(text: str) -> None:
    for reader in (
        readers.uscc,
        readers.status,
        readers.date,
        readers.moment,
        readers.capital,
        readers.yuan,
        readers.count,
        readers.division,
        readers.street,
        readers.industry,
    ):
        try:
            reader(text)
        except FieldError:
            continue  # any other exception fails the test


def test_read_values_does_not_depend_on_the_order_of_keys() -> None:
    """What was read does not depend on the order of a record's keys."""
    for record in make_world(5, 50).records.values():
        backwards = dict(reversed(list(record.items())))
        assert read_values(record, CONNECTOR) == read_values(backwards, CONNECTOR)
