from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.models import Contact
from crm.services.disclosure import DailyLimitReached
from office.models import User
from office.privacy import LOCAL, PhoneError, canonical_phone

A_DAY = 24 * 60 * 60


def is_whole_number(text: str) -> bool:
    """Whether a search term is a telephone number as one dials it; extensions and short numbers are not searched for."""
    try:
        return len(canonical_phone(text).lstrip("+")) >= LOCAL
    except PhoneError:
        return False


def find_by_phone(*, contacts: QuerySet[Contact], phone: str, by: User, now: dt.datetime) -> QuerySet[Contact]:
    """Those with exactly this number. A mask hides four digits, so trying them all is made impossible by counting.

    Raises DailyLimitReached. The counter holds no number.
    """
    key = f"phone-searches:{by.pk}:{timezone.localdate(now)}"
    cache.add(key, 0, timeout=A_DAY)
    if cache.incr(key) > settings.CONTACT_PHONE_SEARCHES_A_DAY:
        raise DailyLimitReached(
            f"您今天已按号码检索 {settings.CONTACT_PHONE_SEARCHES_A_DAY} 次，达到每人每天的上限：请改按姓名或企业名称检索"
        )
    number = canonical_phone(phone)
    exact = Q(phone=number) | Q(other_phone=number)
    with_extension = Q(phone__startswith=f"{number}-") | Q(other_phone__startswith=f"{number}-")
    return contacts.filter(exact | with_extension)
