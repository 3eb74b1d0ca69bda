from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from crm.models import Contact
from crm.services.erase_contact import erase_contact

TERM_OVER = "保存期限届满"


@dataclass(frozen=True)
class Retired:
    erased: int
    due_soon: int


def due_soon(contacts: QuerySet[Contact], *, as_of: dt.date) -> QuerySet[Contact]:
    """Contacts in use whose term ends within the days of warning."""
    warn = as_of + dt.timedelta(days=settings.CONTACT_WARN_DAYS)
    return contacts.filter(status=Contact.Status.ACTIVE, keep_until__lte=warn)


def retire_contacts(*, now: dt.datetime) -> Retired:
    """Erase what was kept to the end of its term, one by one: whatever stops this run, the next goes on from there."""
    today = timezone.localdate(now)
    over = Contact.objects.filter(status=Contact.Status.ACTIVE, keep_until__lt=today).order_by("pk")
    erased = 0
    for contact_id in list(over.values_list("pk", flat=True)):
        with transaction.atomic():
            if over.select_for_update().filter(pk=contact_id).exists():  # not used or erased in the meantime
                erase_contact(contact_id=contact_id, by=None, reason=TERM_OVER, now=now)
                erased += 1
    return Retired(erased, due_soon(Contact.objects.all(), as_of=today).count())
