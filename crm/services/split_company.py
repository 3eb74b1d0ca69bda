from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.models import Company, CompanyIdentifier, IdentityChange
from crm.services.identity import PARTS, IdentityRefused, check_reason, lock_companies
from crm.services.save_company import save_company
from office.models import User


@transaction.atomic
def split_company(
    *, company_id: int, name: str, parts: Mapping[str, Sequence[int]], by: User, reason: str, now: dt.datetime
) -> IdentityChange:
    """One row held two firms: the chosen codes, former names, source links and grades go to a new company.

    Projects and placements stay: whose they are is for people to say, on their own pages.
    """
    why = check_reason(reason)
    company = lock_companies(company_id)[company_id]
    if company.merged_into is not None:
        raise IdentityRefused(f"{company.code} 已并入 {company.merged_into.code}：请先把它分出来")
    if unknown := set(parts) - set(PARTS):
        raise IdentityRefused(f"不能拆分：{'、'.join(sorted(unknown))}")
    if not name.strip():
        raise IdentityRefused("请填写拆出的企业名称")
    if not any(parts.values()):
        raise IdentityRefused("请选择拆出的代码、曾用名或来源记录")
    born = Company(name=name.strip(), district_code=company.district_code, is_sample=company.is_sample)
    made = save_company(company=born, as_of=timezone.localdate(now))
    moved = {kind: _move(kind, keys, company, made) for kind, keys in parts.items() if keys}
    return IdentityChange.objects.create(
        kind=IdentityChange.Kind.SPLIT, survivor=company, other=made, reason=why, by=by, at=now,
        moved={"rows": moved, "made": True},
    )


@transaction.atomic
def take_out(*, absorbed_id: int, by: User, reason: str, now: dt.datetime) -> IdentityChange:
    """Back out of a wrong merge that others have been built upon: the absorbed company is live again, with the codes that the
    merge ended, as far as nobody else uses them now."""
    why = check_reason(reason)
    into = Company.objects.values_list("merged_into", flat=True).get(pk=absorbed_id)
    if into is None:
        raise IdentityRefused("这家企业没有并入别家")
    companies = lock_companies(absorbed_id, into)
    absorbed = companies[absorbed_id]
    if absorbed.merged_into_id != into:
        raise IdentityRefused("企业的归并关系刚被改动，请重新打开")
    absorbed.merged_into = None
    absorbed.save(update_fields=["merged_into", "updated_at"])
    return IdentityChange.objects.create(
        kind=IdentityChange.Kind.SPLIT, survivor=companies[into], other=absorbed, reason=why, by=by, at=now,
        moved={"merged": [[absorbed_id, into]], "into": None, "closed": _reopen(absorbed)},
    )


def _move(kind: str, keys: Sequence[int], company: Company, made: Company) -> list[int]:
    rows = PARTS[kind].objects.filter(pk__in=set(keys), company=company)
    found = sorted(rows.values_list("pk", flat=True))
    if len(found) != len(set(keys)):
        raise IdentityRefused("所选的内容不属于这家企业")
    rows.update(company=made)
    return found


def _reopen(absorbed: Company) -> list[list[Any]]:
    """The codes that merges ended, newest merge first; one of a scheme, and none that is live elsewhere."""
    changes = IdentityChange.objects.filter(kind=IdentityChange.Kind.MERGE, undone_at__isnull=True).order_by("-pk")
    ended = [line for change in changes.filter(moved__merged__contains=[[absorbed.pk]]) for line in change.moved["closed"]]
    live = CompanyIdentifier.objects.filter(valid_to__isnull=True)
    schemes = set(live.filter(company=absorbed).values_list("scheme", flat=True))
    reopened = []
    for pk, before, after in ended:
        alias = CompanyIdentifier.objects.filter(pk=pk, company=absorbed, valid_to=after).first()
        if alias is None or alias.scheme in schemes or live.filter(scheme=alias.scheme, value=alias.value).exists():
            continue
        CompanyIdentifier.objects.filter(pk=pk).update(valid_to=before)
        schemes.add(alias.scheme)
        reopened.append([pk, after, before])
    return reopened
