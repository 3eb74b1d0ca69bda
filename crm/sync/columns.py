"""The columns of a company that a source may fill: their SQL types, how they travel to staging, whose word each is."""

from __future__ import annotations

from typing import Any

import msgspec

# column → SQL type; the same types as crm_company, so that both sides compare without a cast.
COLUMNS = {
    "name": "text", "short_name": "text", "name_pinyin": "text", "name_initials": "text", "status": "text",
    "industry_code": "text", "district_code": "text", "street_code": "text", "address": "text",
    "established_on": "date", "registered_capital": "numeric(20,4)", "registered_capital_currency": "text",
    "registered_capital_text": "text", "annual_revenue": "numeric(20,4)", "revenue_year": "smallint", "employees": "integer",
    "business_scope": "text", "products": "jsonb", "is_sample": "boolean",
}
# Lists that become rows of their own.
EXTRAS = ("former_codes", "former_names", "grades")
# What a column of crm_company holds where a source says nothing.
EMPTY = {
    "short_name": "''", "name_pinyin": "''", "name_initials": "''", "industry_code": "''", "district_code": "''",
    "street_code": "''", "address": "''", "registered_capital_currency": "''", "registered_capital_text": "''",
    "business_scope": "''", "products": "'[]'::jsonb", "is_sample": "false", "status": "'active'",
}
# Columns that are judged by another one: who may write the leader writes them too.
FOLLOWS = {
    "name_pinyin": "name", "name_initials": "name", "registered_capital_currency": "registered_capital",
    "registered_capital_text": "registered_capital", "revenue_year": "annual_revenue",
}
# The department whose word on a field counts most (crm.models.sync.DEPARTMENTS).
OWNERS = {
    "name": "market", "short_name": "market", "status": "market", "industry_code": "market", "district_code": "market",
    "street_code": "market", "address": "market", "established_on": "market", "registered_capital": "market",
    "business_scope": "market", "annual_revenue": "statistics", "employees": "social", "products": "commerce",
    "is_sample": "market",
}
STAGED = ("n", "key", "key_hash", "seq", "op", "digest", "scheme", "code", "updated_at", *COLUMNS, *EXTRAS)

NULL = "\x02"  # no text that the readers let through holds a control character
COPY_OPTIONS = r"(FORMAT text, NULL E'\x02')"

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ORDER = ("source_updated_at", *COLUMNS, *EXTRAS)


def _field(value: Any) -> str:
    """One value in COPY's text format, not yet escaped."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | float):
        return repr(value)
    return msgspec.json.encode(value).decode()


def copy_line(front: tuple[Any, ...], values: dict[str, Any]) -> str:
    """A staged row as a line of COPY's text format; `front` is everything before the values."""
    get = values.get
    parts = [_field(value) for value in front] + [_field(get(name)) for name in _ORDER]
    line = "\t".join(parts)
    # Escaping each value would cost as much as everything else: it is done only where one needs it.
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != len(parts) - 1:
        line = "\t".join(part.translate(_ESCAPES) for part in parts)
    return line
