"""Chains: the bureau reads all of them, a 链长 those that he answers for, with their companies and projects."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone

from chains.models import (
    Chain,
    ChainLeader,
    ChainVersion,
    GapReport,
    GapReportRow,
    LeadFirm,
    Node,
    NodeSpec,
    Placement,
    SupplyAlternative,
    SupplyGroup,
)
from crm.models import Company, Contact
from crm.roots import with_absorbed
from office import scope
from office.roles import ADMINISTRATOR, AUDITOR, CHAIN_LEADER, DEPARTMENT, OFFICER, OPERATOR, TEAM_LEAD
from projects.models import Project


def _led(user: Any) -> Any:
    """Chains that the person leads today: rights follow the term of office, so the question has a date."""
    return ChainLeader.objects.filter(user=user, term__contains=timezone.localdate()).values("chain")


def _own_chains(user: Any) -> scope.Answer:
    return Q(pk__in=_led(user))


def _standing(user: Any) -> Any:
    return Placement.objects.filter(node__chain__in=_led(user)).exclude(state=Placement.State.REJECTED)


def _aimed_at_own_chains(user: Any) -> scope.Answer:
    return Q(pk__in=_standing(user).filter(project__isnull=False).values("project"))


def _on_own_chains(user: Any) -> scope.Answer:
    """Companies at a node of his chains, the investors of projects aimed at them, and what these have been merged into."""
    placed = _standing(user).filter(company__isnull=False).values("company")
    coming = _standing(user).filter(project__isnull=False).values("project__company")
    return with_absorbed(Q(pk__in=placed) | Q(pk__in=coming))


def _contacts_on_own_chains(user: Any) -> scope.Answer:
    return Q(company__in=Company.objects.filter(_on_own_chains(user)).values("pk"))


scope.declare(Chain, {
    **{role: scope.every for role in (OFFICER, TEAM_LEAD, DEPARTMENT, AUDITOR)},
    CHAIN_LEADER: _own_chains, OPERATOR: scope.nobody, ADMINISTRATOR: scope.nobody,
})
for _part in (ChainVersion, Node, GapReport, ChainLeader, LeadFirm):
    scope.parts(_part, "chain")
for _part in (NodeSpec, SupplyGroup):
    scope.parts(_part, "version")
scope.parts(SupplyAlternative, "group")
scope.parts(GapReportRow, "report")
# A placement shows a company or a project, and a place on a chain: it takes the right to all that it shows.
scope.parts(Placement, "node", "company", "project")
scope.contribute(Project, CHAIN_LEADER, _aimed_at_own_chains)
scope.contribute(Company, CHAIN_LEADER, _on_own_chains)
scope.contribute(Contact, CHAIN_LEADER, _contacts_on_own_chains)
