"""Which company a record means. Pure: the look-ups come in as plain data.

Order: the live 统一社会信用代码, then the source's own key, then a former code (of the company, or named as former by
the record). A name never identifies: the same name under another code is another company, and somebody is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Incoming:
    key: str
    uscc: str = ""
    former: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """`live`, `former`: code → company id; `keys`: source key → company id; `names`: name → company's public code."""

    live: Mapping[str, int] = field(default_factory=dict)
    former: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    key: str
    company: int | None = None
    is_new: bool = False
    notice: str = ""
    error: str = ""


def match(records: Iterable[Incoming], known: Known) -> list[Decision]:
    """One decision a record, in order. That a code and a company are taken once only is a rule over the whole run, which
    merge_sql.TWICE keeps."""
    return [_decide(record, known) for record in records]


def _decide(record: Incoming, known: Known) -> Decision:
    by_key = known.keys.get(record.key)
    by_code = known.live.get(record.uscc)
    if by_code is not None and by_key is not None and by_code != by_key:
        reason = f"代码 {record.uscc} 正由另一家企业使用，数据源编号却指向别家，请人工判断是否合并"
        return Decision(record.key, error=reason)
    if by_code is not None:
        return Decision(record.key, company=by_code)
    if by_key is not None:
        return Decision(record.key, company=by_key, notice=f"统一社会信用代码变更为 {record.uscc}")
    by_former = known.former.get(record.uscc)
    if by_former is not None:
        return Decision(record.key, company=by_former, notice=f"{record.uscc} 是该企业的旧代码，已按旧代码匹配")
    stated = {known.live[code] for code in record.former if code in known.live}
    if len(stated) == 1:
        return Decision(record.key, company=stated.pop(), notice=f"统一社会信用代码变更为 {record.uscc}")
    if stated:
        return Decision(record.key, error="记录的旧代码分属几家企业，可能是合并，请人工判断")
    twin = known.names.get(record.name)
    return Decision(record.key, is_new=True, notice=f"与 {twin} 同名但代码不同，已按新企业建档" if twin else "")
