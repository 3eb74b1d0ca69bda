"""All companies as plain data, each field with whose word it is and since when.

A field's word is that of FieldOrigin where there is a row, of the company's own source otherwise (an officer's, where it has
none); its time is that of the last event that changed it, or of the company's making. Read in blocks: flat memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch, QuerySet

from crm.models import Company, CompanyEvent, FieldOrigin
from crm.sync.columns import FOLLOWS, OWNERS

BLOCK = 2_000
OFFICER = "officer"
FIELDS = [name for name in [*OWNERS, *FOLLOWS] if not name.startswith("name_")]


def export_companies(companies: QuerySet[Company] | None = None) -> Iterator[dict[str, Any]]:
    """One dict a company, in order of id. Absorbed companies are told as such (`merged_into`)."""
    rows = (Company.objects.all() if companies is None else companies).order_by("id").select_related(
        "source", "first_run", "merged_into").prefetch_related(
        "identifiers", "former_names", "grades__source", "links__source",
        Prefetch("origins", FieldOrigin.objects.select_related("source")),
        Prefetch("events", CompanyEvent.objects.order_by("id").select_related("run__source")),
    )
    for company in rows.iterator(chunk_size=BLOCK):
        yield _told(company)


def _told(company: Company) -> dict[str, Any]:
    return {
        "code": company.code, "version": company.version,
        "merged_into": company.merged_into.code if company.merged_into else None,
        "fields": {name: _field(company, name) for name in FIELDS},
        "identifiers": [{"scheme": i.scheme, "value": i.value, "from": _iso(i.valid_from), "to": _iso(i.valid_to)}
                        for i in company.identifiers.all()],
        "former_names": [{"name": n.name, "to": _iso(n.valid_to)} for n in company.former_names.all()],
        "grades": [{"grade": g.grade, "issuer": g.issuer, "level": g.level, "from": _iso(g.valid_from),
                    "to": _iso(g.valid_to), "source": g.source.code if g.source else OFFICER} for g in company.grades.all()],
        "records": [{"source": link.source.code, "key": link.key, "gone": link.gone,
                     "source_updated_at": _iso(link.source_updated_at)} for link in company.links.all()],
    }


def _field(company: Company, name: str) -> dict[str, Any]:
    leader = FOLLOWS.get(name, name)
    origin = next((o for o in company.origins.all() if o.field == leader), None)
    source = origin.source if origin else company.source
    value = getattr(company, name)
    return {
        "value": value if value is None or isinstance(value, str | int | bool | list) else _text(value),
        "source": source.code if source else OFFICER, "at": _iso(origin.at if origin else _changed_at(company, name)),
    }


def _changed_at(company: Company, name: str) -> Any:
    events = [event for event in company.events.all() if name in event.after]
    return events[-1].at if events else company.created_at


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else f"{value:f}"


def _iso(value: Any) -> str | None:
    return None if value is None else value.isoformat()
