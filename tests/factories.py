"""Small makers of rows. Every one takes the day or the moment that it needs: no test reads the clock."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import Group
from django.db.backends.postgresql.psycopg_any import DateRange
from stdnum.cn.uscc import calc_check_digit

from chains.analysis.chainfile import parse_chain
from chains.models import Chain, ChainLeader, Node, Placement
from chains.services.publish import publish_chain
from crm.models import Company, CompanyIdentifier
from office.models import Department, User
from office.roles import ROLES, ensure_roles
from plans.models import Clause, Plan
from projects.models import Project
from projects.services.register import register_project

DAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)


def department(code: str, parent: Department | None = None) -> Department:
    return Department.objects.get_or_create(code=code, defaults={"name": code, "parent": parent})[0]


def user(username: str, *roles: str, **fields: Any) -> User:
    """A person of the given roles who may sign in to the admin."""
    if Group.objects.filter(name__in=ROLES).count() < len(ROLES):  # a test that empties tables takes the roles along
        ensure_roles()
    made = User.objects.create_user(
        username=username, password="pass-word-1234", display_name=username, is_staff=True, **fields
    )
    made.groups.set(Group.objects.filter(name__in=roles))
    return made


def clause(anchor: str = "四(一)2") -> Clause:
    plan, _created = Plan.objects.get_or_create(
        code="luohu-145", defaults={"name": "规划", "period_start": 2021, "period_end": 2025, "published": "2022-02"}
    )
    found, _created = Clause.objects.get_or_create(
        plan=plan, anchor=anchor,
        defaults={"kind": "heading", "heading_path": "四", "summary": "一句话", "order": Clause.objects.count() + 1},
    )
    return found


def uscc(number: int) -> str:
    front = f"91000000MA{number:07d}"
    return front + calc_check_digit(front)


def company(
    name: str, *, number: int = 1, revenue: int | None = 100_000_000, district: str = "440303", **fields: Any
) -> Company:
    year = None if revenue is None else 2025
    made = Company.objects.create(name=name, district_code=district, annual_revenue=revenue, revenue_year=year, **fields)
    CompanyIdentifier.objects.create(company=made, scheme="uscc", value=uscc(number), valid_from=DAY)
    return made


def chain_document(**changes: Any) -> dict[str, Any]:
    """handset ← chip, and ← screen or oled; handset is the output."""
    body: dict[str, Any] = {
        "format": "chain/1",
        "chain": {"code": "demo", "name": "演示链", "as_of": "2026-11-23", "district_share": None, "custom": "kept"},
        "nodes": [
            {"code": "chip", "name": "芯片", "tier": "upstream", "target_capacity": 10.0, "external_availability": 0.2,
             "policy_weight": 1.0, "clause": "四(一)2", "source": "plan", "keywords": ["芯片"], "gb4754": ["3973"]},
            {"code": "screen", "name": "显示屏", "tier": "upstream", "target_capacity": 5.0, "external_availability": 0.9},
            {"code": "oled", "name": "柔性屏", "tier": "upstream", "target_capacity": 5.0},
            {"code": "handset", "name": "整机", "tier": "downstream", "target_capacity": 20.0, "is_output": True},
        ],
        "supply": [
            {"node": "handset", "importance": 1.0, "label": "主控", "alternatives": [{"node": "chip", "substitution": 1.0}]},
            {"node": "handset", "importance": 0.8, "alternatives": [{"node": "screen"}, {"node": "oled", "substitution": 0.9}]},
        ],
        "placements": [], "pipeline": [],
    }
    body.update(changes)
    return body


def chain(**changes: Any) -> Chain:
    clause()
    document = parse_chain(chain_document(**changes))
    return publish_chain(document=document, now=NOW).version.chain


def place(on: Chain, node: str, who: Company, probability: float = 0.9, **fields: Any) -> Placement:
    evidence = [{"kind": "keyword", "where": "scope", "text": "芯片设计", "weight": 1.0}]
    return Placement.objects.create(
        node=Node.objects.get(chain=on, code=node), company=who, probability=probability, placed_on=DAY,
        evidence=evidence, **fields,
    )


def since(day: dt.date = dt.date(2020, 1, 1)) -> DateRange:
    return DateRange(day, None)


def lead(on: Chain, who: User) -> ChainLeader:
    return ChainLeader.objects.create(chain=on, user=who, term=since())


def project(officer: User, who: Company, *, code: str = "P2026-0001", on: dt.date = DAY, **fields: Any) -> Project:
    return register_project(code=code, name=f"项目{code}", company=who, officer=officer, by=officer, on=on, **fields)


def aim(at: Chain, node: str, what: Project) -> Placement:
    return Placement.objects.create(
        node=Node.objects.get(chain=at, code=node), project=what, probability=1.0, placed_on=DAY,
        state=Placement.State.CONFIRMED, source=Placement.Source.OFFICER,
    )
