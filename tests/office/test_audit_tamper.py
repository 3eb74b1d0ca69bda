"""CR-12: the program cannot change the audit, its owner is refused by trigger, and what a superuser forges is named."""
# ruff: noqa: S608

from __future__ import annotations

import json
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from office import jobs
from office.audit.lines import block_line, entry_hash, link_hash
from office.audit.triggers import BLOCK
from office.audit.verify import FAULTS, _blocks, verify
from office.models import AuditEntry, AuditLink, Department, Job
from tests.office.audit_trail import dsn, superuser_dsn, unguarded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_audit")]
TABLES = ["audit.block", "audit.entry", "audit.link"]
CHANGES = ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"]


@pytest.fixture
def written() -> list[int]:
    """Five blocks, the third of three rows; their ids."""
    for code in "ab":
        Department.objects.create(code=code, name=code)
    Department.objects.bulk_create([Department(code=f"m{i}", name="m") for i in range(3)])
    for code in "cd":
        Department.objects.create(code=code, name=code)
    return list(AuditLink.objects.order_by("no").values_list("block_id", flat=True))


def command(**options: Any) -> tuple[int, str]:
    """The command's exit code and what it said."""
    out = StringIO()
    try:
        call_command("verify_audit", stdout=out, **options)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def forge(*statements: str) -> None:
    with unguarded() as cursor:
        for statement in statements:
            cursor.execute(statement)


def columns(table: str) -> tuple[str, str]:
    name = "no" if table == "audit.link" else "id"
    return name, name


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_the_programs_role_is_refused(written: list[int], table: str, change: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table, *columns(table)))
    assert command()[0] == 0


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_owner_and_superuser_are_refused_by_trigger(written: list[int], table: str, change: str) -> None:
    with psycopg.connect(**superuser_dsn()) as link:
        link.execute("SET ROLE audit_keeper")
        link.execute("GRANT ALL ON ALL TABLES IN SCHEMA audit TO audit_keeper")  # an owner can give himself his rights back
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            link.execute(change.format(table, *columns(table)))
        link.rollback()
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            link.execute(change.format(table, *columns(table)))


@pytest.mark.parametrize("statement", [
    "ALTER TABLE audit.entry DISABLE TRIGGER ALL",
    "DROP TABLE audit.link",
    "INSERT INTO audit.link VALUES (99, 99, '', '')",
    "INSERT INTO audit.block (txid, at, actor, channel, request_id, db_user, table_name, verb, entries, digest)"
    " VALUES (1, now(), '', '', '', '', '', 'I', 0, '')",
    "CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "SET ROLE audit_keeper",
])
def test_the_programs_role_cannot_get_round(statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_whole_chain_is_well(written: list[int]) -> None:
    code, said = command()
    assert code == 0
    assert "5 环、7 条" in said
    answer = json.loads(command(format="json")[1])
    assert (answer["links"], answer["entries"], answer["fault"]) == (5, 7, None)


def test_hashes_are_the_same_in_python_and_in_sql(written: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, audit.block_line(b) FROM audit.block b")
        lines = dict(cursor.fetchall())
    assert {id_: block_line(block) for id_, block in _blocks(written).items()} == lines


def test_names_of_every_kind_survive_the_line() -> None:
    from office.audit import context

    odd = '李"\\\n\t\x7f|{}［］😀'
    with context.acting(context.Context(context.WEB, actor=odd, request_id="\x01\x1f")):
        Department.objects.create(code="odd", name=odd)
    assert command()[0] == 0


FORGERIES = {
    "changed entry": ("UPDATE audit.entry SET data = '{{}}' WHERE id = {second}", "changed_entry", "second"),
    "changed row number": ("UPDATE audit.entry SET row_id = 1 WHERE id = {second}", "changed_entry", "second"),
    "deleted entry": ("DELETE FROM audit.entry WHERE id = {second}", "missing_entry", "second"),
    "deleted last entry": ("DELETE FROM audit.entry WHERE id = {third}", "missing_entry", "third"),
    "inserted at a block's end": (
        "INSERT INTO audit.entry SELECT {fourth}, row_id, kind, data, hash FROM audit.entry WHERE id = {second}",
        "inserted_entry", "fourth"),
    "inserted where no block is": (
        "INSERT INTO audit.entry SELECT 5, row_id, kind, data, hash FROM audit.entry WHERE id = {second}",
        "inserted_entry", "five"),
    "changed who": ("UPDATE audit.block SET actor = 'x' WHERE id = {block}", "changed_block", "block"),
    "changed when": ("UPDATE audit.block SET at = at - interval '1 us' WHERE id = {block}", "changed_block", "block"),
    "changed count": ("UPDATE audit.block SET entries = 2 WHERE id = {block}", "changed_block", "block"),
    "deleted block": ("DELETE FROM audit.block WHERE id = {block}", "missing_block", "block"),
    "block without a link": (
        "INSERT INTO audit.block SELECT 999, txid, at, 1, 'x', channel, request_id, db_user, table_name, 'T', 0, digest"
        " FROM audit.block WHERE id = {block}", "unlinked_block", "alien"),
    "deleted link": ("DELETE FROM audit.link WHERE no = 3", "broken_link", "no"),
    "changed link": ("UPDATE audit.link SET prev = sha256('') WHERE no = 3", "broken_link", "no"),
    "cut first link": ("DELETE FROM audit.link WHERE no = 1", "broken_link", "one"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_named(written: list[int], name: str) -> None:
    statement, kind, where = FORGERIES[name]
    block = written[2]
    ids = {
        "block": block, "second": block * BLOCK + 2, "third": block * BLOCK + 3, "fourth": block * BLOCK + 4, "five": 5,
        "alien": 999, "no": 3, "one": 1,
    }
    forge(statement.format(**ids))
    code, said = command()
    assert (code, str(ids[where]) in said) == (FAULTS[kind], True), said
    assert json.loads(_json_of_a_fault())["fault"]["id"] == ids[where]


def _json_of_a_fault() -> str:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit", stdout=out, format="json")
    return out.getvalue()


def test_an_entry_changed_together_with_its_hash_is_named_by_its_block(written: list[int]) -> None:
    entry = AuditEntry.objects.get(pk=written[2] * BLOCK + 2)
    changed = entry_hash(entry.pk, entry.row_id, entry.kind, "{}").hex()
    forge(f"UPDATE audit.entry SET data = '{{}}', hash = '\\x{changed}' WHERE id = {entry.pk}")
    code, said = command()
    assert (code, str(written[2]) in said) == (FAULTS["changed_entry"], True)


def cut_tail(blocks: list[int]) -> None:
    """As a careful forger would: links, blocks and entries, so that what is left is a whole chain."""
    last = blocks[-1]
    forge(
        f"DELETE FROM audit.link WHERE block_id = {last}", f"DELETE FROM audit.block WHERE id = {last}",
        f"DELETE FROM audit.entry WHERE id / {BLOCK} = {last}",
    )


def test_a_tail_cut_off_is_seen_against_an_anchor_alone(written: list[int], tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    assert command(export_anchor=anchor)[0] == 0
    assert command(anchor=anchor)[0] == 0
    cut_tail(written)
    assert command()[0] == 0
    code, said = command(anchor=anchor)
    assert (code, "第 5 环" in said) == (FAULTS["tail_cut"], True)
    Department.objects.create(code="later", name="x")  # another link 5
    assert command(anchor=anchor)[0] == FAULTS["broken_link"]


def test_a_rewritten_chain_is_seen_against_an_anchor(written: list[int], tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    command(export_anchor=anchor)
    forge("UPDATE audit.block SET actor = 'x' WHERE id = (SELECT max(id) FROM audit.block)")
    link = AuditLink.objects.first()
    forged = link_hash(bytes(link.prev), _blocks([link.block_id])[link.block_id]).hex()
    forge(f"UPDATE audit.link SET hash = '\\x{forged}' WHERE no = {link.no}")
    assert command()[0] == 0
    assert command(anchor=anchor)[0] == FAULTS["broken_link"]


def test_an_unreadable_anchor_is_a_fault_of_the_call(tmp_path: Path) -> None:
    path = tmp_path / "anchor.json"
    path.write_text("{}")
    code, said = command(anchor=path)
    assert (code, "存证文件" in said) == (2, True)


def test_since_an_anchor_only_what_is_new_is_read(written: list[int]) -> None:
    first = verify()
    Department.objects.create(code="e", name="e")
    again = verify(since=first.anchor)
    assert (again.links, again.entries, again.anchor.no) == (1, 1, 6)
    forge(f"UPDATE audit.entry SET data = '{{}}' WHERE id = {written[0] * BLOCK + 1}")
    assert verify(since=first.anchor).fault is None  # the nightly job trusts what it has seen; the command does not
    assert verify().fault is not None


def test_the_nightly_job_goes_on_from_its_last_anchor_and_ends_dead_on_a_forgery(written: list[int]) -> None:
    now = timezone.localtime()
    for slot in ("one", "two"):
        jobs.enqueue(kind="office.verify_audit", slot=slot, now=now)
        jobs.run_due(clock=lambda: now)
    first, second = Job.objects.filter(kind="office.verify_audit").order_by("id")
    assert first.result["links"] >= 5
    assert second.result["links"] < first.result["links"]
    assert second.result["anchor"]["no"] > first.result["anchor"]["no"]
    cut_tail([AuditLink.objects.get(no=second.result["anchor"]["no"]).block_id])
    job, _new = jobs.enqueue(kind="office.verify_audit", slot="three", now=now)
    jobs.run_due(clock=lambda: now)
    job.refresh_from_db()
    assert "审计链" in job.error


def test_writers_at_once_get_links_without_a_gap() -> None:
    def write(name: str) -> None:
        with psycopg.connect(**dsn()) as link:
            for number in range(20):
                link.execute("INSERT INTO office_department (code, name) VALUES (%s, 'x')", [f"{name}{number}"])
                link.commit()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(AuditLink.objects.order_by("no").values_list("no", flat=True)) == list(range(1, 81))
    assert command()[0] == 0


def test_a_long_transaction_holds_no_other_writer_up() -> None:
    with psycopg.connect(**dsn()) as slow, psycopg.connect(**dsn()) as quick:
        slow.execute("INSERT INTO office_department (code, name) VALUES ('slow', 'x')")
        quick.execute("SET lock_timeout = '5s'")
        quick.execute("INSERT INTO office_department (code, name) VALUES ('quick', 'x')")
        quick.commit()
        slow.commit()
    assert list(AuditLink.objects.order_by("no").values_list("block_id", flat=True)) == [2, 1]
    assert command()[0] == 0
