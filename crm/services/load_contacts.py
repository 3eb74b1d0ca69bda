"""Sample contacts: invented people whose numbers belong to nobody."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from crm.models import CompanyIdentifier, Contact
from crm.services.save_contact import save_contact
from office.csvfile import Line, read_lines
from office.models import User

COLUMNS = ["uscc", "name", "title", "department", "phone", "email", "keeper", "purpose", "basis", "last_used_days_ago"]


def load_demo_contacts(*, folder: Path, now: dt.datetime) -> int:
    """Enter the contacts of `contacts.csv`; returns how many were made.

    A company that has sample contacts already is left alone, even where they were erased since: what was erased does not
    come back. One that has not been synced yet waits for the next run.
    """
    done = set(Contact.objects.filter(is_sample=True).values_list("company", flat=True))
    lines = list(read_lines(folder / "contacts.csv", COLUMNS))
    aliases = CompanyIdentifier.objects.filter(scheme="uscc", value__in={line["uscc"] for line in lines})
    companies = dict(aliases.exclude(company__in=done).values_list("value", "company"))
    keepers = User.objects.in_bulk({line["keeper"] for line in lines}, field_name="username")
    return sum(_load(line, companies, keepers, now) for line in lines)


def _load(line: Line, companies: dict[str, int], keepers: dict[str, User], now: dt.datetime) -> bool:
    if line["uscc"] not in companies:
        return False
    if line["keeper"] not in keepers:
        raise line.error("keeper", f"没有用户“{line['keeper']}”")
    then = now - dt.timedelta(days=int(line["last_used_days_ago"]))
    contact = Contact(
        company_id=companies[line["uscc"]], keeper=keepers[line["keeper"]], collected_on=then.date(), is_sample=True,
        **{name: line[name] for name in ("name", "title", "department", "phone", "email", "purpose", "basis")},
    )
    save_contact(contact=contact, by=contact.keeper, now=then)
    return True
