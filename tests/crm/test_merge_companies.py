"""Merge, split and undo: no project is lost, no cycle is written, and undoing restores every row."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from chains.models import Placement
from crm.models import (
    Company,
    CompanyGrade,
    CompanyIdentifier,
    CompanyName,
    IdentityChange,
    PossibleMatch,
    Source,
    SourceLink,
)
from crm.roots import roots, with_absorbed
from crm.services.identity import IdentityRefused
from crm.services.merge_companies import merge_companies
from crm.services.split_company import split_company, take_out
from crm.services.undo_identity_change import undo_identity_change
from office.models import User
from office.roles import OFFICER, TEAM_LEAD
from projects.models import Project
from tests import factories as make

TABLES = ("crm_company", "crm_companyidentifier", "crm_companyname", "crm_companygrade", "crm_sourcelink",
          "projects_project", "chains_placement", "crm_possiblematch")
BOOKKEEPING = "'version', 'updated_at', 'updated'"


def fingerprint(upto: int) -> str:
    """Every business column of every row that stood at the start; companies that splits made have higher ids."""
    digest = hashlib.md5(usedforsecurity=False)
    with connection.cursor() as cursor:
        for table in TABLES:
            where = f"WHERE id <= {upto}" if table == "crm_company" else ""
            cursor.execute(
                f"SELECT (to_jsonb(t) - ARRAY[{BOOKKEEPING}])::text FROM {table} t {where} ORDER BY id"  # noqa: S608
            )
            for (text,) in cursor.fetchall():
                digest.update(f"{table}{text}".encode())
    return digest.hexdigest()


def merge(survivor: Company, absorbed: Company, by: User) -> IdentityChange:
    return merge_companies(survivor_id=survivor.pk, absorbed_id=absorbed.pk, by=by, reason="同一家", now=make.NOW)


def undo(change: IdentityChange, by: User) -> IdentityChange:
    return undo_identity_change(change_id=change.pk, by=by, now=make.NOW)


def into(company: Company) -> int | None:
    company.refresh_from_db()
    return company.merged_into_id


def orphans() -> list[int]:
    """Projects from which not exactly one live company is reached."""
    live = set(Company.objects.filter(merged_into__isnull=True).values_list("pk", flat=True))
    reached = roots(Project.objects.values_list("company_id", flat=True))
    return [pk for pk, company in Project.objects.values_list("pk", "company_id") if reached[company] not in live]


@pytest.fixture
def lead(db: None) -> User:
    return make.user("lead", TEAM_LEAD)


@pytest.fixture
def three(db: None) -> list[Company]:
    return [make.company(f"{name}企业有限公司", number=at) for at, name in enumerate("甲乙丙", start=1)]


def test_a_merge_points_and_rewrites_nothing(lead: User, three: list[Company]) -> None:
    first, second, _ = three
    project = make.project(make.user("o", OFFICER), second)
    placed = make.place(make.chain(), "chip", second)
    merge(first, second, lead)
    assert into(second) == first.pk
    project.refresh_from_db()
    placed.refresh_from_db()
    assert (project.company_id, placed.company_id) == (second.pk, second.pk)
    assert project.company.root == first
    assert orphans() == []
    assert second.identifiers.get().valid_to == make.DAY + timedelta(days=1), "ended, the day after it began"
    assert first.identifiers.get().valid_to is None


def test_the_only_code_of_the_firm_stays_in_force(lead: User, three: list[Company]) -> None:
    first, second, _ = three
    first.identifiers.all().delete()
    merge(first, second, lead)
    assert second.identifiers.get().valid_to is None


def test_among_those_that_come_along_one_code_stays_live(lead: User, three: list[Company]) -> None:
    first, second, third = three
    second.identifiers.all().delete()
    merge(second, third, lead)
    assert third.identifiers.get().valid_to is None
    merge(first, second, lead)
    family = CompanyIdentifier.objects.filter(company__in=three, valid_to__isnull=True)
    assert [alias.company_id for alias in family] == [first.pk]


def test_cycles_are_refused(lead: User, three: list[Company]) -> None:
    first, second, third = three
    merge(second, first, lead)
    with pytest.raises(IdentityRefused, match="不能互相并入"):
        merge(first, second, lead)
    with pytest.raises(IdentityRefused, match="它自己"):
        merge(second, second, lead)
    with pytest.raises(IdentityRefused, match=f"请改选 {second.code}"):
        merge(first, third, lead)
    merge(third, second, lead)
    assert [into(company) for company in three] == [third.pk, third.pk, None]
    with pytest.raises(IdentityRefused):
        merge(first, third, lead)


@pytest.mark.parametrize("chain", [((0, 1), (1, 0)), ((0, 1), (1, 2)), ((1, 2), (0, 1))])
def test_the_database_refuses_what_the_service_would_not_write(three: list[Company], chain: Any) -> None:
    (one, other), (late, target) = chain
    Company.objects.filter(pk=three[one].pk).update(merged_into=three[other])
    with pytest.raises(IntegrityError, match="one level deep"), transaction.atomic():
        Company.objects.filter(pk=three[late].pk).update(merged_into=three[target])


def test_canary_without_the_trigger_a_cycle_is_written(three: list[Company]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER merged_once ON crm_company")
    Company.objects.filter(pk=three[0].pk).update(merged_into=three[1])
    Company.objects.filter(pk=three[1].pk).update(merged_into=three[0])
    assert roots([three[0].pk]) == {three[0].pk: three[1].pk}
    project = make.project(make.user("o", OFFICER), three[0])
    assert orphans() == [project.pk]


@pytest.mark.parametrize("reason", ["", "  ", "长" * 301])
def test_a_reason_is_asked_for(lead: User, three: list[Company], reason: str) -> None:
    with pytest.raises(IdentityRefused, match="理由"):
        merge_companies(survivor_id=three[0].pk, absorbed_id=three[1].pk, by=lead, reason=reason, now=make.NOW)
    assert not IdentityChange.objects.exists()


def test_undo_goes_backwards_only_and_once(lead: User, three: list[Company]) -> None:
    first, second, third = three
    earlier, later = merge(second, third, lead), merge(first, second, lead)
    with pytest.raises(IdentityRefused, match="请先撤销"):
        undo(earlier, lead)
    undo(later, lead)
    assert [into(company) for company in three] == [None, None, second.pk]
    undo(earlier, lead)
    assert [into(company) for company in three] == [None, None, None]
    with pytest.raises(IdentityRefused, match="已经撤销"):
        undo(earlier, lead)


def test_undo_is_refused_where_the_code_was_touched_since(lead: User, three: list[Company]) -> None:
    change = merge(three[0], three[1], lead)
    three[1].identifiers.update(valid_to=make.DAY + timedelta(days=90))
    with pytest.raises(IdentityRefused, match="代码"):
        undo(change, lead)
    assert into(three[1]) == three[0].pk, "nothing of the refused undo stays"


def test_undo_is_refused_where_another_company_took_the_code(lead: User, three: list[Company]) -> None:
    change = merge(three[0], three[1], lead)
    CompanyIdentifier.objects.filter(company=three[2]).update(value=three[1].identifiers.get().value)
    with pytest.raises(IdentityRefused, match="现用代码"):
        undo(change, lead)


def test_a_wrong_merge_is_backed_out_after_others_were_built_on_it(lead: User, three: list[Company]) -> None:
    first, second, third = three
    merge(second, third, lead)
    merge(first, second, lead)
    out = take_out(absorbed_id=third.pk, by=lead, reason="不是一家", now=make.NOW)
    assert [into(company) for company in three] == [None, first.pk, None]
    assert third.identifiers.get().valid_to is None
    undo(out, lead)
    assert into(third) == first.pk
    assert third.identifiers.get().valid_to is not None


def test_a_split_moves_what_was_chosen_and_nothing_else(lead: User, three: list[Company]) -> None:
    company = three[0]
    old = CompanyIdentifier.objects.create(company=company, value=make.uscc(77), valid_to=make.DAY)
    source = Source.objects.create(code="s", name="s")
    link = SourceLink.objects.create(source=source, key="k", company=company, key_hash=1)
    change = split_company(company_id=company.pk, name="拆出企业", parts={"identifiers": [old.pk], "links": [link.pk]},
                           by=lead, reason="两家", now=make.NOW)
    made = change.other
    assert [alias.pk for alias in made.identifiers.all()] == [old.pk]
    assert [row.pk for row in made.links.all()] == [link.pk]
    assert company.identifiers.count() == 1
    undo(change, lead)
    assert company.identifiers.count() == 2
    assert into(made) == company.pk, "what was done with it since stays reachable"


def test_a_split_refuses_what_is_not_the_companys(lead: User, three: list[Company]) -> None:
    foreign = three[1].identifiers.get()
    with pytest.raises(IdentityRefused, match="不属于"):
        split_company(company_id=three[0].pk, name="拆出", parts={"identifiers": [foreign.pk]}, by=lead, reason="x",
                      now=make.NOW)
    assert Company.objects.count() == 3


def test_a_merge_settles_the_open_pair_and_undo_opens_it(lead: User, three: list[Company]) -> None:
    pair = PossibleMatch.objects.create(company=three[1], other=three[0], score=0.9)
    change = merge(three[0], three[1], lead)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == ("same", lead)
    undo(change, lead)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == ("open", None)


def test_who_asks_for_an_absorbed_name_finds_the_survivor(lead: User, three: list[Company]) -> None:
    from django.db.models import Q

    merge(three[0], three[1], lead)
    found = Company.objects.filter(with_absorbed(Q(name__contains="乙企业")), merged_into__isnull=True)
    assert list(found) == [three[0]]


@pytest.mark.django_db(transaction=True)
def test_two_merges_at_once_make_no_cycle() -> None:
    lead = make.user("lead", TEAM_LEAD)
    one, other = make.company("甲企业", number=1), make.company("乙企业", number=2)
    outcome: list[str] = []
    start = threading.Barrier(2)

    def run(survivor: Company, absorbed: Company) -> None:
        try:
            start.wait()
            merge(survivor, absorbed, lead)
            outcome.append("done")
        except IdentityRefused:
            outcome.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["done", "refused"]
    assert sorted([into(one) is None, into(other) is None]) == [False, True]


Step = tuple[str, int, int]
STEPS = st.lists(st.tuples(st.sampled_from(["merge", "merge", "split", "out", "undo"]), st.integers(0, 5), st.integers(0, 5)),
                 max_size=12)


class AnyOrder(TestCase):
    """Random merges, splits and undos of six companies; then everything is undone, the newest first."""

    def setUp(self) -> None:
        self.by = make.user("lead", TEAM_LEAD)
        officer, chain = make.user("officer", OFFICER), make.chain()
        source = Source.objects.create(code="s", name="来源")
        self.companies = []
        for at in range(6):
            company = make.company(f"企业{at}", number=at + 1)
            if at == 5:
                company.identifiers.all().delete()
            CompanyIdentifier.objects.create(company=company, value=make.uscc(50 + at), valid_to=make.DAY)
            CompanyName.objects.create(company=company, name=f"旧名{at}")
            CompanyGrade.objects.create(company=company, grade="high_tech", valid_from=make.DAY)
            SourceLink.objects.create(source=source, key=f"k{at}", company=company, key_hash=at)
            make.place(chain, "chip", company)
            make.project(officer, company, code=f"P2026-{at:04d}")
            self.companies.append(company)
        PossibleMatch.objects.create(company=self.companies[0], other=self.companies[1], score=0.9)

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(STEPS)
    def test_undoing_all_restores_every_row(self, steps: list[Step]) -> None:
        last = max(company.pk for company in self.companies)
        before = fingerprint(last)
        for kind, one, other in steps:
            self._attempt(kind, one, other)
            assert orphans() == []
            assert self._live_codes() <= 1
        for change in IdentityChange.objects.filter(undone_at__isnull=True).order_by("-pk"):
            undo(change, self.by)
        assert fingerprint(last) == before
        assert orphans() == []
        made = Company.objects.filter(pk__gt=last)
        assert not made.filter(merged_into__isnull=True).exists()
        assert not SourceLink.objects.filter(company__in=made).exists()

    def _attempt(self, kind: str, one: int, other: int) -> None:
        """What the service refuses is no step; what it lets through must be undoable."""
        first, second = self.companies[one], self.companies[other]
        steps: dict[str, Callable[[], Any]] = {
            "merge": lambda: merge(first, second, self.by),
            "out": lambda: take_out(absorbed_id=first.pk, by=self.by, reason="x", now=make.NOW),
            "split": lambda: self._split(first),
            "undo": lambda: self._undo_newest(),
        }
        try:
            steps[kind]()
        except IdentityRefused:
            return

    def _split(self, company: Company) -> None:
        parts = {kind: list(getattr(company, kind).values_list("pk", flat=True)[:1])
                 for kind in ("identifiers", "former_names", "links", "grades")}
        split_company(company_id=company.pk, name="拆出企业", parts=parts, by=self.by, reason="x", now=make.NOW)

    def _undo_newest(self) -> None:
        newest = IdentityChange.objects.filter(undone_at__isnull=True).order_by("-pk").first()
        if newest is not None:
            undo(newest, self.by)

    def _live_codes(self) -> int:
        """The most live codes of one scheme that any one firm has."""
        counts: dict[int, int] = {}
        for pk, into_id in CompanyIdentifier.objects.filter(valid_to__isnull=True).values_list(
            "company_id", "company__merged_into"
        ):
            counts[into_id or pk] = counts.get(into_id or pk, 0) + 1
        return max(counts.values(), default=0)


def test_canary_the_fingerprint_sees_a_code_that_was_not_reopened(lead: User, three: list[Company]) -> None:
    last = max(company.pk for company in three)
    before = fingerprint(last)
    change = merge(three[0], three[1], lead)
    change.moved["closed"] = []
    change.save(update_fields=["moved"])
    undo(change, lead)
    assert fingerprint(last) != before
    assert Placement.objects.count() == 0
