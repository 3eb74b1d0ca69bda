"""The first load of an empty register: indexes and foreign keys are built afterwards, in the same transaction.

A million rows pay for each index entry and each foreign key one by one; built at once, a sort and a join do. Whoever reads
meanwhile waits for the commit: the tables are empty, so there is nobody to disappoint. Constraints come back by the
definition that the database itself gave of them, and are checked over all rows then.
"""

# ruff: noqa: S608  (names come from the database's own catalogue, quoted by it)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TABLES = ["crm_company", "crm_companyidentifier", "crm_sourcelink"]
_FOREIGN_KEYS = """
SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', c.relname, k.conname),
       format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', c.relname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND c.relname = ANY(%s) AND c.relnamespace = 'public'::regnamespace ORDER BY k.conname
"""
_INDEXES = """
SELECT format('DROP INDEX %%I', i.relname), pg_get_indexdef(i.oid)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relname = ANY(%s) AND c.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid) ORDER BY i.relname
"""
_CONSTRAINTS = """
SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', c.relname, k.conname),
       format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', c.relname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'u' AND c.relname = ANY(%s) AND c.relnamespace = 'public'::regnamespace ORDER BY k.conname
"""


@contextmanager
def bulk_load(db: Any, *, active: bool) -> Iterator[None]:
    """Inside, the tables have no foreign keys, no unique constraints but the primary key, and no other index."""
    if not active:
        yield
        return
    db.execute("SET LOCAL maintenance_work_mem = '256MB'")
    steps = []
    for query in (_FOREIGN_KEYS, _CONSTRAINTS, _INDEXES):
        db.execute(query, [TABLES])
        steps.append(db.fetchall())
    for found in steps:
        for drop, _again in found:
            db.execute(drop)
    yield
    for found in reversed(steps):
        for _drop, again in found:
            db.execute(again)
