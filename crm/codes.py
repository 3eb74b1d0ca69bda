"""Look-ups over the code tables in fixtures/codes: plain data, read once, no ORM.

Versions: GB/T 4754-2017 (amendment of 2019 not applied), GB/T 2260 shape with the divisions of 2023, GB 32100-2015.
"""

from __future__ import annotations

import csv
import unicodedata
from functools import lru_cache
from pathlib import Path

CODES_DIR = Path(__file__).resolve().parent.parent / "fixtures" / "codes"
INDUSTRY_STANDARD = "GB/T 4754-2017"
DIVISION_STANDARD = "GB/T 2260"

# Canonical registration status → label. `OPERATING` are those of a firm that does business here today.
STATUS_LABELS = {
    "active": "存续/在业", "moved_in": "迁入", "moved_out": "迁出", "suspended": "停业/歇业", "liquidation": "清算",
    "revoked": "吊销", "revoked_deregistered": "吊销已注销", "deregistered": "注销", "cancelled": "撤销",
    "removed": "来源已移除", "absent": "来源清单中缺席",
}
OPERATING = ("active", "moved_in")

# Grade code → label; a grade is always a dated record.
GRADE_LABELS = {
    "above_scale": "规上企业", "tech_sme": "科技型中小企业", "high_tech": "国家高新技术企业",
    "innovative_sme": "创新型中小企业", "provincial_srdi": "省级专精特新中小企业",
    "national_little_giant": "国家级专精特新“小巨人”",
    "single_champion": "制造业单项冠军", "gazelle": "瞪羚企业", "unicorn": "独角兽企业", "headquarters": "总部企业",
    "ipo_pool": "拟上市（入库）", "ipo_shares": "拟上市（股改）", "ipo_tutoring": "拟上市（辅导）",
    "ipo_filing": "拟上市（申报）",
    "listed": "上市企业", "licensed_finance": "持牌金融机构", "key_tech": "重点科技企业",
}

# A few places outside the table (Hong Kong, Macao, Taiwan) and the abbreviations of the district lists.
_EXTRA_DIVISIONS = {"810000": "香港特别行政区", "820000": "澳门特别行政区", "710000": "台湾省"}


def read_rows(name: str) -> list[dict[str, str]]:
    with (CODES_DIR / name).open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def plain(text: str) -> str:
    """NFKC without spaces, with ASCII commas: how names of statuses are compared."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@lru_cache(maxsize=1)
def industries() -> dict[str, tuple[str, int, str, str]]:
    """code → (name, level 1–4, parent code, section letter)."""
    return {r["code"]: (r["name"], int(r["level"]), r["parent"], r["section"]) for r in read_rows("gbt4754_2017.csv")}


@lru_cache(maxsize=1)
def divisions() -> dict[str, str]:
    rows = {r["code"]: r["name"] for r in read_rows("gbt2260_admin_divisions.csv")}
    return rows | _EXTRA_DIVISIONS


@lru_cache(maxsize=1)
def streets() -> dict[str, tuple[str, str]]:
    """Street code (9 digits, Shenzhen only) → (name, district code)."""
    return {r["code"]: (r["name"], r["area_code"]) for r in read_rows("shenzhen_streets.csv")}


@lru_cache(maxsize=1)
def statuses() -> dict[str, str]:
    """Word of a source, made plain → canonical status."""
    found = {}
    for row in read_rows("registration_status_map.csv"):
        for word in row["source_values"].split(";"):
            found[plain(word)] = row["canonical"]
    return found


def division_name(code: str) -> str:
    """District as an officer says it: 罗湖区 inside Shenzhen, 广州市天河区 outside it."""
    name = divisions().get(code, "")
    if not name or code.startswith("4403") or code.endswith("00"):
        return name
    return divisions().get(code[:4] + "00", "") + name


def street_name(code: str) -> str:
    return streets().get(code, ("", ""))[0]


def industry_name(code: str) -> str:
    return industries().get(code, ("", 0, "", ""))[0]


def industry_section(code: str) -> str:
    """Section letter (A–T) of a code of any level, empty where unknown."""
    return industries().get(code, ("", 0, "", ""))[3]
