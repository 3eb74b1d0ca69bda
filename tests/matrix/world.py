"""Two sides that know nothing of each other: whatever belongs to side A is everybody's own, side B is nobody's.

    A   chain demo · company 甲 on it · carrier a · project of the officer (team-1) bound for it
    B   chain other · company 乙 on it · carrier b · project of a stranger (another bureau) bound for it

Texts of side B carry SECRET, so that any page that shows a piece of it gives itself away.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Model

from chains.models import Chain, ChainLeader, Node
from chains.services.make_report import make_report
from crm.models import (
    Contact,
    Disclosure,
    FieldConflict,
    IdentityChange,
    IndustryCode,
    PossibleMatch,
    QuarantinedRow,
    Source,
    SyncIssue,
    SyncRun,
)
from crm.services.load_codes import load_codes
from office.models import AuditBlock, Job, User
from office.roles import ADMINISTRATOR, AUDITOR, CHAIN_LEADER, DEPARTMENT, OFFICER, OPERATOR, TEAM_LEAD
from plans.models import ContextFigure, Indicator
from projects.models import Carrier, CarrierOperator, Commitment, Project, Zone
from tests import factories as make

SECRET = "乙方秘"
MONEY = 123_456_700
SINCE = DateRange(dt.date(2020, 1, 1), None)


@dataclass
class Side:
    name: str
    rows: dict[str, Model] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.rows[key]


@dataclass
class World:
    people: dict[str, User]
    own: Side
    other: Side


def build() -> World:
    load_codes()
    people = _people()
    own = _side("甲方", "demo", people["officer"], people["operator"], people["leader"], number=1)
    other = _side(SECRET, "other", people["stranger"], people["operator2"], people["leader2"], number=2)
    _shared(own, other, people)
    return World(people, own, other)


def _people() -> dict[str, User]:
    bureau = make.department("zhaoshang", make.department("district"))
    team, elsewhere = make.department("team-1", bureau), make.department("gongxin", make.department("district"))
    cast = {
        "officer": (OFFICER, team), "lead": (TEAM_LEAD, team), "director": (DEPARTMENT, bureau),
        "leader": (CHAIN_LEADER, None), "operator": (OPERATOR, None), "auditor": (AUDITOR, None),
        "sysadmin": (ADMINISTRATOR, None), "outsider": (None, None),
        "stranger": (OFFICER, elsewhere), "operator2": (OPERATOR, None), "leader2": (CHAIN_LEADER, None),
    }
    return {
        name: make.user(name, *([role] if role else []), department=place) for name, (role, place) in cast.items()
    }


def _side(name: str, code: str, officer: User, operator: User, leader: User, *, number: int) -> Side:
    document = make.chain_document()
    document["chain"] |= {"code": code, "name": f"{name}链"}
    for node in document["nodes"]:
        node["name"] = f"{name}{node['name']}"
    chain: Chain = make.chain(**document)
    node = Node.objects.get(chain=chain, code="chip")
    company = make.company(f"{name}企业有限公司", number=number, revenue=MONEY, short_name=f"{name}企业", employees=77)
    zone = Zone.objects.create(code=f"zone-{code}", name=f"片区{number}", kind="cluster", clause=make.clause())
    carrier = Carrier.objects.create(
        code=f"carrier-{code}", name=f"{name}大厦", kind="building", zone=zone, industries=[code], clause=make.clause()
    )
    project: Project = make.project(
        officer, company, code=f"P2026-{number:04d}", carrier=carrier, total_investment=MONEY, expected_output=MONEY,
        next_step=f"{name}下一步", summary=f"{name}简介",
    )
    Project.objects.filter(pk=project.pk).update(name=f"{name}项目")
    project.refresh_from_db()
    Commitment.objects.create(project=project, metric="tax", year=2027, amount=MONEY, entered_as=f"{name}承诺")
    ChainLeader.objects.create(chain=chain, user=leader, term=SINCE)
    CarrierOperator.objects.create(carrier=carrier, user=operator, term=SINCE)
    placement, aim = make.place(chain, "chip", company), make.aim(chain, "chip", project)
    contact = Contact.objects.create(
        company=company, name=f"{name}联系人", phone=f"0755000000{number}", purpose="project", basis="self",
        collected_on=make.DAY, last_used_on=make.DAY, keep_until=make.DAY.replace(year=2100), keeper=officer,
    )
    disclosure = Disclosure.objects.create(
        at=make.NOW, by=officer, kind="reveal", purpose=f"{name}项目洽谈", contact=contact, fields=["phone"], channel="admin"
    )
    report = make_report(chain=chain, as_of=make.DAY, now=make.NOW).report
    return Side(name, {
        "chains.Chain": chain, "chains.ChainVersion": chain.versions.get(), "chains.Node": node,
        "chains.GapReport": report, "chains.Placement": placement, "chains.Placement#project": aim,
        "crm.Company": company, "projects.Zone": zone, "projects.Carrier": carrier, "projects.Project": project,
        "crm.Contact": contact, "crm.Disclosure": disclosure,
    })


def _shared(own: Side, other: Side, people: dict[str, User]) -> None:
    """Rows that are nobody's in particular: one for each side, so that every model has two."""
    clause = make.clause()
    for number, side in enumerate((own, other), start=1):
        source = Source.objects.create(code=f"source-{number}", name=f"数据源{number}")
        run = SyncRun.objects.create(source=source, slot=f"slot-{number}", mode="full", status="done")
        row = QuarantinedRow.objects.create(run=run, source_key=f"row-{number}", payload={"values": {"name": side.name}})
        made = side["crm.Company"]
        gone = make.company(f"{side.name}旧企业", number=number + 50, merged_into=made)
        side.rows |= {
            "crm.PossibleMatch": PossibleMatch.objects.create(company=made, row=row, score=0.9),
            "crm.IdentityChange": IdentityChange.objects.create(
                kind="merge", survivor=made, other=gone, reason="同一家", by=people["lead"], at=make.NOW, moved={}
            ),
            "plans.Plan": clause.plan, "plans.Clause": make.clause(f"四(一){number + 5}"),
            "plans.Indicator": Indicator.objects.create(
                plan=clause.plan, clause=clause, code=f"i-{number}", kind="other", name=f"指标{number}", unit="家",
                target_2025=1, direction="rise", order=number,
            ),
            "plans.ContextFigure": ContextFigure.objects.create(
                plan=clause.plan, clause=clause, key=f"k-{number}", name=f"背景{number}", value=1, unit="家", order=number
            ),
            "crm.Source": source, "crm.SyncRun": run,
            "crm.SyncIssue": SyncIssue.objects.create(run=run, source_key=f"key-{number}", reason="缺字段"),
            "crm.QuarantinedRow": QuarantinedRow.objects.create(
                run=run, source_key=f"row-{number}", payload={"name": f"某企业{number}", "employees": number, "grades": []}
            ),
            "crm.FieldConflict": FieldConflict.objects.create(
                company=side["crm.Company"], field="address", source=source, run=run, ours="", theirs=f"某路{number}号"
            ),
            "crm.IndustryCode": IndustryCode.objects.filter(level=4).order_by("code")[number],
            "office.User": people[("officer", "stranger")[number - 1]],
            "office.Department": people[("officer", "stranger")[number - 1]].department,
            "office.Job": Job.objects.create(kind="k", slot=f"s-{number}", created=make.NOW, not_before=make.NOW),
            "office.AuditBlock": AuditBlock.objects.order_by("-pk")[number],
            "auth.Group": Group.objects.get(name=(OFFICER, AUDITOR)[number - 1]),
        }

