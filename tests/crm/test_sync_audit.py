"""The merge writes in SQL and COPY, and every row that it changes is audited under the sync's name."""

from __future__ import annotations

import pytest

from crm.models import Company, CompanyIdentifier, SourceLink
from office.audit import context
from office.models import AuditBlock
from tests.crm.conftest import Sandbox
from tests.office.audit_trail import trail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_audit")]


def test_the_merge_leaves_one_entry_for_every_changed_row(sandbox: Sandbox) -> None:
    with context.acting(context.Context(context.COMMAND, actor="sync_companies · root", request_id="r7")):
        sandbox.sync("one")
        changed = sandbox.keys()[0]
        sandbox.edit(changed, name="改名后的示例公司")
        sandbox.sync("two")
    for model in (Company, CompanyIdentifier):
        new = [step for step in trail(model) if step.kind == "I"]
        assert len(new) == model.objects.count()
    who = Company.objects.get(links__key=changed)
    renamed = [step for step in trail(who) if step.kind == "U" and "name" in step.after]
    assert [step.after["name"] for step in renamed] == ["改名后的示例公司"]
    assert {(step.actor, step.channel, step.request_id) for step in trail(Company)} == {
        ("sync_companies · root", "sync", "r7")
    }
    assert not AuditBlock.objects.filter(table_name=SourceLink._meta.db_table).exists()
