from __future__ import annotations

from collections import Counter

import pytest

from crm import codes
from crm.models import IndustryCode
from crm.services.load_codes import load_codes
from crm.uscc import UsccError, check_uscc, is_sample


def test_industry_table_has_the_published_counts() -> None:
    levels = Counter(level for _name, level, _parent, _section in codes.industries().values())
    assert levels == {1: 20, 2: 97, 3: 473, 4: 1_380}
    assert codes.industry_name("2438") == "珠宝首饰及有关物品制造"
    assert codes.industry_section("2438") == "C"
    assert (codes.industry_name("9999"), codes.industry_section("9999")) == ("", "")


def test_every_industry_has_its_parent() -> None:
    table = codes.industries()
    assert [code for code, (_n, level, parent, _s) in table.items() if level > 1 and parent not in table] == []


def test_places() -> None:
    assert codes.division_name("440303") == "罗湖区"
    assert codes.division_name("440106") == "广州市天河区"
    assert codes.division_name("441900") == "东莞市"
    assert codes.division_name("810000") == "香港特别行政区"
    assert codes.division_name("000000") == ""
    assert codes.street_name("440303004") == "翠竹街道"
    assert codes.street_name("") == ""
    luohu = {code for code, (_name, area) in codes.streets().items() if area == "440303"}
    assert luohu == {row["code"] for row in codes.read_rows("luohu_streets.csv")}


@pytest.mark.parametrize(
    ("word", "canonical"),
    [
        ("存续", "active"),
        ("在营（开业）", "active"),
        ("在营(开业)", "active"),
        ("吊销，未注销", "revoked"),
        ("吊销,已注销", "revoked_deregistered"),
        ("迁出", "moved_out"),
        ("已注销", "deregistered"),
        ("歇业", "suspended"),
    ],
)
def test_status_words(word: str, canonical: str) -> None:
    assert codes.statuses()[codes.plain(word)] == canonical


def test_every_canonical_status_has_a_label() -> None:
    assert set(codes.statuses().values()) <= set(codes.STATUS_LABELS)


def test_a_right_uscc_is_made_compact() -> None:
    assert check_uscc(" 9111 0000-600037341l ") == "91110000600037341L"
    assert check_uscc("９１１１００００６０００３７３４１Ｌ") == "91110000600037341L"
    assert not is_sample("91110000600037341L")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("9111000060003734", "18 位"),
        ("91110000600037341M", "校验位"),
        ("99110000600037341L", "机构类别"),
        ("9111A000600037341L", "不允许的字符"),
        ("9111000060003734IL", "不允许的字符"),
        ("N2A10000600037341L", "不允许的字符"),
        ("N2110000600037341L", "校验位"),
        ("", "18 位"),
    ],
)
def test_wrong_usccs_say_why(code: str, reason: str) -> None:
    with pytest.raises(UsccError, match=reason):
        check_uscc(code)


def test_letter_registrars_pass_with_a_right_check_digit() -> None:
    """python-stdnum refuses them; 农业 registers collectives under N."""
    accepted = []
    for last in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        try:
            accepted.append(check_uscc("N211000060003734" + "1" + last))
        except UsccError:
            continue
    assert len(accepted) == 1


@pytest.mark.django_db
def test_loading_industries_twice_changes_nothing() -> None:
    assert load_codes() == 1_970
    first = list(
        IndustryCode.objects.order_by("code").values_list("id", "code", "name", "level", "parent_code", "section")
    )
    IndustryCode.objects.filter(code="2438").update(name="抄错的名称")
    assert load_codes() == 1_970
    again = list(
        IndustryCode.objects.order_by("code").values_list("id", "code", "name", "level", "parent_code", "section")
    )
    assert again == first
