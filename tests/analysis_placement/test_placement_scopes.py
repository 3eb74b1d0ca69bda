"""How a business scope is taken apart."""

from __future__ import annotations

import pytest

from chains.analysis.placement import PLACER_1
from chains.analysis.placement.text import fold, scope_items, segments
from tests.analysis_placement.texts import company


def items(scope: str) -> list[tuple[str, list[str]]]:
    return [(item.text, sorted(item.activities)) for item in scope_items(scope)]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("珠宝首饰（黄金、铂金）的销售", [("珠宝首饰", ["trade"]), ("黄金", ["trade"]), ("铂金", ["trade"])]),
        ("生产、销售：电机、塑胶", [("电机", ["make", "trade"]), ("塑胶", ["make", "trade"])]),
        ("电机的研发、生产、销售", [("电机的研发", ["design", "make", "trade"])]),
        ("电机销售，塑胶", [("电机销售", ["trade"]), ("塑胶", [])]),
        ("销售电机、塑胶、纸张", [("销售电机", ["trade"]), ("塑胶", ["trade"]), ("纸张", ["trade"])]),
        ("生产、销售电机", [("销售电机", ["make", "trade"])]),
        ("电机的研发，销售塑胶", [("电机的研发", ["design"]), ("销售塑胶", ["trade"])]),
        ("电机的销售及塑胶的加工", [("电机的销售", ["trade"]), ("塑胶的加工", ["make"])]),
        ("电机的销售及售后服务", [("电机的销售及售后服务", ["service", "trade"])]),
        ("生产、销售", []),
        ("印刷；仓储配送", [("印刷", ["make"]), ("仓储配送", ["service"])]),
        ("电机的研发、检测、销售", [("电机的研发", ["design", "service", "trade"]), ("检测", ["service", "trade"])]),
        ("", []),
    ],
)
def test_things_get_their_verbs(scope: str, expected: list[tuple[str, list[str]]]) -> None:
    assert items(scope) == expected


def test_headings_and_legal_remarks_leave_the_things() -> None:
    scope = (
        "一般项目：电机制造；塑胶销售（销售许可类商品除外）。（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）"
        "许可项目：货运。（依法须经批准的项目，经相关部门批准后方可开展经营活动，具体经营项目以相关部门批准文件或许可证件为准）"
    )
    assert [text for text, _ in items(scope)] == ["电机制造", "塑胶销售", "货运"]


def test_an_unclosed_remark_ends_with_its_sentence() -> None:
    assert [text for text, _ in items("电机（不含许可；塑胶制造")] == ["电机", "塑胶制造"]


def test_width_case_and_blanks_fold() -> None:
    assert fold(" ＬＥＤ 照明　灯 Power  Supply ") == "led照明灯power supply"
    assert fold("甲\n乙") == "甲;乙"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("深圳市罗湖区甲乙珠宝有限公司", "甲乙珠宝"),
        ("深圳市甲乙园区运营有限公司", "甲乙园区运营"),
        ("甲乙软件（深圳）股份有限公司", "甲乙软件"),
        ("广东省深圳市甲乙科技集团有限责任公司", "甲乙"),
    ],
)
def test_region_and_legal_form_leave_a_name(name: str, said: str) -> None:
    assert [part.text for part in segments(company(name=name), PLACER_1)] == [said]
