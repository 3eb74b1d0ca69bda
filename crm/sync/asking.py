"""Whom to ask about at a source that answers about one company at a time.

Those that it knew and that were not asked about for a while come first, the longest forgotten before the others; then, in
order, those that it was never asked about. A company that the source does not know leaves no link, so the cursor says how
far that round has come and when it began: {"never_after": company id, "round": moment}.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from crm.models import Company, CompanyIdentifier, Source, SourceLink
from crm.sync.connector import Refresh
from crm.sync.fetch import Batch

_LIVE_CODE = CompanyIdentifier.objects.filter(scheme="uscc", valid_to__isnull=True)


@dataclass(slots=True)
class Questions:
    """`keys` lists them once; `cursor` and `stamp` remember how many of those were asked about."""

    source: Source
    refresh: Refresh
    now: dt.datetime
    _companies: list[int] = field(default_factory=list)
    _own: list[tuple[str, str | None]] = field(default_factory=list)
    _known: int = 0

    def keys(self) -> list[str]:
        known = list(self._stale()[: self.refresh.at_most])
        never = list(self._never()[: self.refresh.at_most - len(known)])
        self._companies, self._known = [company for company, *_rest in [*known, *never]], len(known)
        self._own = [(said, key) for _company, said, key in known] + [(said, None) for _company, said in never]
        return [said for said, _key in self._own]

    def under_own_keys(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """An answer that somebody is gone (410) brings no record, only what was asked: a code or a name. It ends the record
        that the source keeps under a key of its own; whoever was a stranger there has none to end."""
        for batch in batches:
            self._rename(batch)
            yield batch

    def _rename(self, batch: Batch) -> None:
        kept = []
        for place, (key, op, seq) in enumerate(zip(batch.keys, batch.ops, batch.seqs, strict=True)):
            said, own = self._own[seq] if op != "upsert" and seq < len(self._own) else ("", None)
            if key == said:
                batch.keys[place] = own or ""
            if batch.keys[place]:
                kept.append(place)
        if len(kept) < len(batch.keys):
            for name in ("keys", "raws", "ops", "seqs"):
                setattr(batch, name, [getattr(batch, name)[place] for place in kept])

    def stamp(self, count: int) -> None:
        """After the merge, so that those who were strangers until now count too."""
        SourceLink.objects.filter(source=self.source, company__in=self._companies[:count]).update(asked_at=self.now)

    def cursor(self, count: int) -> dict[str, Any]:
        """The source's next cursor when the first `count` were asked about."""
        cursor = self._round()
        strangers = self._companies[self._known : count]
        return {**cursor, "never_after": strangers[-1]} if strangers else cursor

    def _due(self) -> dt.datetime:
        return self.now - dt.timedelta(days=self.refresh.older_than_days)

    def _round(self) -> dict[str, Any]:
        """Where the round through the strangers stands; a new one begins when the old is old enough."""
        cursor = self.source.cursor
        if cursor.get("round") and dt.datetime.fromisoformat(cursor["round"]) > self._due():
            return dict(cursor)
        return {"never_after": 0, "round": self.now.isoformat()}

    def _stale(self) -> QuerySet[Any, Any]:
        links = SourceLink.objects.filter(Q(asked_at__isnull=True) | Q(asked_at__lte=self._due()), source=self.source, gone="")
        code = Subquery(_LIVE_CODE.filter(company=OuterRef("company")).values("value")[:1])
        said = {"key": F("key"), "name": F("company__name"), "uscc": code}[self.refresh.by]
        asked = links.annotate(said=said).filter(said__isnull=False)
        return asked.order_by(F("asked_at").asc(nulls_first=True), "id").values_list("company", "said", "key")

    def _never(self) -> QuerySet[Any, Any]:
        if self.refresh.by == "key":  # nobody but the source knows its keys
            return Company.objects.none().values_list("pk", "name")
        strangers = Company.objects.filter(merged_into__isnull=True, pk__gt=self._round()["never_after"])
        strangers = strangers.exclude(links__source=self.source)
        code = Subquery(_LIVE_CODE.filter(company=OuterRef("pk")).values("value")[:1])
        said = F("name") if self.refresh.by == "name" else code
        return strangers.annotate(said=said).filter(said__isnull=False).order_by("pk").values_list("pk", "said")
