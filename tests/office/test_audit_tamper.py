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
from office.audit.lines import block_line, link_hash, page_hash
from office.audit.triggers import BLOCK, PAGES
from office.audit.verify import FAULTS, _blocks, verify
from office.models import AuditLink, Department, Job
from tests.office.audit_trail import dsn, superuser_dsn, unguarded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_audit")]
TABLES = ["audit.block", "audit.page", "audit.link"]
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
    "ALTER TABLE audit.page DISABLE TRIGGER ALL",
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
    "changed entry": ("UPDATE audit.page SET data = replace(data, 'm', 'x') WHERE id = {page}", "changed_entry", "first"),
    "changed row number": ("UPDATE audit.page SET first_row = 1 WHERE id = {page}", "changed_entry", "first"),
    "entry taken out": (
        "UPDATE audit.page SET entries = 2, data = substr(data, strpos(data, E'\n') + 1) WHERE id = {page}",
        "missing_entry", "first"),
    "entry put in": (
        "UPDATE audit.page SET entries = 4, data = data || E'\n9I{{}}' WHERE id = {page}", "inserted_entry", "first"),
    "deleted page": ("DELETE FROM audit.page WHERE id = {page}", "missing_entry", "first"),
    "page put at a block's end": (
        "INSERT INTO audit.page SELECT {next}, first_row, last_row, entries, data, hash FROM audit.page WHERE id = {page}",
        "inserted_entry", "fourth"),
    "page put where no block is": (
        "INSERT INTO audit.page SELECT 999000001, first_row, last_row, entries, data, hash FROM audit.page WHERE id = {page}",
        "inserted_entry", "stray"),
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
        "block": block, "page": block * PAGES + 1, "next": block * PAGES + 2, "first": block * BLOCK + 1,
        "fourth": block * BLOCK + 4, "stray": 999 * BLOCK + 1, "alien": 999, "no": 3, "one": 1,
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


def test_a_page_changed_together_with_its_hash_is_named_by_its_block(written: list[int]) -> None:
    page = f"WHERE id = {written[2] * PAGES + 1}"
    forge(f"UPDATE audit.page SET data = replace(data, 'm', 'x') {page}")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, first_row, last_row, entries, data FROM audit.page {page}")
        forged = page_hash(*cursor.fetchone()).hex()
    forge(f"UPDATE audit.page SET hash = '\\x{forged}' {page}")
    code, said = command()
    assert (code, str(written[2]) in said) == (FAULTS["changed_entry"], True)


@pytest.mark.parametrize("few", [0, 20_000])  # streamed, or held at once
@pytest.mark.parametrize(("gone", "first"), [(1, 1), (2, 101), (3, 201)])
def test_of_many_pages_the_missing_one_is_named(gone: int, first: int, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("office.audit.verify.FEW", few)
    Department.objects.bulk_create([Department(code=f"m{i}", name="m") for i in range(250)])
    assert (verify().entries, verify().fault) == (250, None)
    forge(f"DELETE FROM audit.page WHERE id = {PAGES + gone}")
    fault = verify().fault
    assert fault is not None
    assert (fault.kind, fault.id) == ("missing_entry", BLOCK + first)


def cut_tail(blocks: list[int]) -> None:
    """As a careful forger would: links, blocks and entries, so that what is left is a whole chain."""
    last = blocks[-1]
    forge(
        f"DELETE FROM audit.link WHERE block_id = {last}", f"DELETE FROM audit.block WHERE id = {last}",
        f"DELETE FROM audit.page WHERE id / {PAGES} = {last}",
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
    forge(f"UPDATE audit.page SET data = '{{}}' WHERE id = {written[0] * PAGES + 1}")
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
