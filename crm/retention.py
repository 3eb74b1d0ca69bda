"""How long a contact may be kept, and until when one that people agreed on: pure."""

from __future__ import annotations

import calendar
import datetime as dt


class KeptTooLong(ValueError):
    """Personal information is kept no longer than its purpose needs: a date may be agreed within the term, not beyond."""


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or that month's last: 31 January + 1 = 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def end_of_keeping(*, last_used: dt.date, months: int, agreed: dt.date | None = None) -> dt.date:
    """The last day of keeping: the agreed one, or the whole term from the last use. Raises KeptTooLong."""
    latest = months_after(last_used, months)
    if agreed is None:
        return latest
    if not last_used <= agreed <= latest:
        raise KeptTooLong(f"保存至应在 {last_used:%Y-%m-%d} 与 {latest:%Y-%m-%d} 之间（自最近使用之日起最长 {months} 个月）")
    return agreed
