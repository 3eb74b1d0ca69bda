"""One function a kind of field: raw JSON value → canonical JSON value, or FieldError with a Chinese reason. Pure."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from crm import codes
from crm.uscc import UsccError, check_uscc, is_clean_uscc
from office.money import AmountError, check_range, exact_decimal, parse_amount

FIRST_YEAR, LAST_YEAR = 1949, 2100
MAX_LIST = 200
_BAD_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_USUAL_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,4})?")
_CANONICAL_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")
_FOREIGN_CODE = re.compile(r"[A-Z]{2}:[A-Za-z0-9./-]{1,40}")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class FieldError(ValueError):
    """The value cannot be taken; str() is the reason an officer reads."""


def text(raw: Any, longest: int = 300) -> str:
    if raw.__class__ is str and len(raw) <= longest and raw.isprintable() and unicodedata.is_normalized("NFC", raw):
        clean: str = raw.strip()  # the usual case, in three passes over the letters
        if clean:
            return clean
    if not isinstance(raw, str):
        raise FieldError("应为文字")
    if _BAD_CHARACTER.search(raw):
        raise FieldError("含有不可见的控制字符")
    clean = unicodedata.normalize("NFC", raw).strip()
    if not clean:
        raise FieldError("只有空白")
    if len(clean) > longest:
        raise FieldError(f"超过 {longest} 个字")
    return clean


def uscc(raw: Any) -> str:
    if raw.__class__ is str and is_clean_uscc(raw):
        return str(raw)
    try:
        return check_uscc(text(raw))
    except UsccError as error:
        raise FieldError(str(error)) from None


def foreign_code(raw: Any) -> str:
    """A number of another country's register behind its country: NO:112233445."""
    code = text(raw)
    if not _FOREIGN_CODE.fullmatch(code):
        raise FieldError(f"境外登记号应写作“国别:号码”：{code[:20]}")
    return code


def status(raw: Any) -> str:
    found = codes.statuses().get(codes.plain(text(raw)))
    if found is None:
        raise FieldError(f"不认识的登记状态：{str(raw)[:20]}")
    return found


def date(raw: Any) -> str:
    """ISO date from 2012-05-06, 2012/5/6, 2012年5月6日 or a moment that starts so."""
    found = _DATE.match(text(raw))
    if found is None:
        raise FieldError(f"看不懂的日期：{str(raw)[:20]}")
    try:
        value = dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise FieldError(f"没有这一天：{str(raw)[:20]}") from None
    if not FIRST_YEAR - 100 <= value.year <= LAST_YEAR:
        raise FieldError(f"年份不合理：{value.year}")
    return value.isoformat()


def moment(raw: Any) -> str:
    try:
        if raw.__class__ is str and _CANONICAL_MOMENT.fullmatch(raw) and dt.datetime.fromisoformat(raw):
            return str(raw)
        value = dt.datetime.fromisoformat(text(raw))
    except ValueError:
        raise FieldError(f"看不懂的时间：{str(raw)[:30]}") from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone(dt.timedelta(hours=8)))
    return value.isoformat()


def capital(raw: Any) -> dict[str, Any]:
    """Registered capital: 元 only for 人民币; the text as entered and the currency always."""
    entered = text(raw, 64)
    try:
        amount = parse_amount(entered)
    except AmountError as error:
        raise FieldError(str(error)) from None
    yuan_text = None if amount.yuan is None else f"{amount.yuan:f}"
    return {"registered_capital": yuan_text, "registered_capital_currency": amount.currency,
            "registered_capital_text": entered}


def yuan(raw: Any) -> str:
    """An amount in 元 as a decimal string; JSON numbers are taken by their shortest text."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise FieldError("应为金额")
    shown = raw.strip() if isinstance(raw, str) else repr(raw)
    if _USUAL_AMOUNT.fullmatch(shown):
        return shown
    if not re.fullmatch(r"-?\d+(\.\d+)?", shown):
        raise FieldError(f"看不懂的金额：{shown[:30]}")
    try:
        value: Decimal = check_range(exact_decimal(shown, shown), shown)
    except AmountError as error:
        raise FieldError(str(error)) from None
    return f"{value:f}"


def count(raw: Any) -> int:
    value = _whole(raw)
    if not 0 <= value <= 10_000_000:  # noqa: PLR2004
        raise FieldError(f"人数不合理：{value}")
    return value


def year(raw: Any) -> int:
    value = _whole(raw)
    if not FIRST_YEAR <= value <= LAST_YEAR:
        raise FieldError(f"年份不合理：{value}")
    return value


def _whole(raw: Any) -> int:
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 12:  # noqa: PLR2004
        return int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise FieldError("应为整数")
    return raw


def flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise FieldError("应为是或否")
    return raw


def division(raw: Any) -> str:
    code = text(raw)
    if code not in codes.divisions():
        raise FieldError(f"区划代码不在 GB/T 2260 表中：{code[:12]}")
    return code


def street(raw: Any) -> str:
    code = text(raw)
    if not re.fullmatch(r"[0-9]{9}", code):
        raise FieldError(f"街道代码应为 9 位数字：{code[:12]}")
    if code.startswith("4403") and code not in codes.streets():
        raise FieldError(f"街道代码不在深圳街道表中：{code}")
    return code


def industry(raw: Any) -> str:
    code = text(raw).upper()
    if code not in codes.industries():
        raise FieldError(f"行业代码不在 GB/T 4754-2017 表中：{code[:12]}")
    return code


def former_codes(raw: Any) -> list[dict[str, Any]]:
    return _list(_named(raw, "creditCode"), lambda item: {
        "value": uscc(item.get("creditCode")), "until": _maybe_date(item.get("until"))})


def former_names(raw: Any) -> list[dict[str, Any]]:
    return _list(_named(raw, "name"), lambda item: {
        "name": text(_first(item, "name", "Name"), 200), "until": _maybe_date(_first(item, "until", "ChangeDate"))})


def _first(item: dict[str, Any], *names: str) -> Any:
    """The usual name, or the one that vendors use for the same."""
    return next((item[name] for name in names if name in item), None)


def _named(raw: Any, name: str) -> Any:
    """Bare texts, as vendors list them, are entries with nothing but a name."""
    return [{name: entry} if isinstance(entry, str) else entry for entry in raw] if isinstance(raw, list) else raw


def products(raw: Any) -> list[dict[str, Any]]:
    found = _list(raw, _product)
    if sum(item["revenue_share"] or 0 for item in found) > 1.005:  # noqa: PLR2004  (shares are rounded)
        raise FieldError("产品收入占比合计超过 1")
    return found


def _product(item: dict[str, Any]) -> dict[str, Any]:
    share = item.get("revenueShare")
    if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1):
        raise FieldError("产品收入占比应在 0 到 1 之间")
    return {"name": text(item.get("name"), 100), "revenue_share": share}


def grades(raw: Any) -> list[dict[str, Any]]:
    return _list(raw, _grade)


def _grade(item: dict[str, Any]) -> dict[str, Any]:
    code = text(item.get("grade"))
    if code not in codes.GRADE_LABELS:
        raise FieldError(f"不认识的企业等级：{code[:20]}")
    start, end = date(item.get("validFrom")), _maybe_date(item.get("validTo"))
    if end is not None and end <= start:
        raise FieldError(f"等级有效期至（{end}）应晚于认定日期（{start}）")
    issuer = text(item["issuer"], 64) if item.get("issuer") else ""
    level = text(item["level"], 16) if item.get("level") else ""
    return {"grade": code, "issuer": issuer, "level": level, "valid_from": start, "valid_to": end}


def _maybe_date(raw: Any) -> str | None:
    return None if raw in (None, "") else date(raw)


def _list(raw: Any, reader: Callable[[dict[str, Any]], dict[str, Any]]) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or len(raw) > MAX_LIST:
        raise FieldError(f"应为不超过 {MAX_LIST} 项的列表")
    if not all(isinstance(item, dict) for item in raw):
        raise FieldError("列表里的每一项应为键值表")
    return [reader(item) for item in raw]


def contradictions(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong only between fields: (target, reason)."""
    found = []
    place, lane = values.get("district_code"), values.get("street_code")
    if place and lane and not lane.startswith(place):
        found.append(("street_code", f"街道 {lane} 不在区划 {place} 内"))
    if "annual_revenue" in values and "revenue_year" not in values:
        found.append(("annual_revenue", "营业收入没有注明年度"))
    return found


def storable(value: Any) -> Any:
    """The value without what PostgreSQL's jsonb refuses (NUL, lone surrogates, numbers without end)."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return _BAD_CHARACTER.sub("\ufffd", value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return value
