"""Jobs of this app, by name. Bodies are one call inward."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from office import jobs
from office.audit.verify import Anchor, verify
from office.models import Job
from office.services.purge_signin import purge_signin


@jobs.register("office.purge_signin", label="清理登录记录", daily_at=dt.time(3, 30))
def nightly_purge(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    return purge_signin(now=now)


class AuditBroken(RuntimeError):
    """The job ends as dead, with the text of what is wrong."""


@jobs.register("office.verify_audit", label=_("核验审计链"), daily_at=dt.time(1, 30))
def verify_since_last_time(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    """Each night's links; the whole chain is the command's work (manage.py verify_audit)."""
    last = Job.objects.filter(kind="office.verify_audit", state=Job.State.DONE, result__has_key="anchor")
    before = last.order_by("-finished").values_list("result__anchor", flat=True).first()
    result = verify(since=Anchor.of(before) if before else None)
    if result.fault:
        raise AuditBroken(result.fault.text)
    return {"links": result.links, "entries": result.entries, "anchor": vars(result.anchor)}
