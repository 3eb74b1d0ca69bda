"""What raises a version, as operations for migrations.

    counts(table)                   one BEFORE UPDATE row trigger: version := old version + 1 where the row says something new
    counts_for(table, whole, key)   a row that belongs to another one's page: writing it raises the version of the whole

`UPDATE … SET version = version + 1` raises it where no column of the row itself changed; any other value written to
`version` is ignored. A transaction that writes one row in many statements and wants one version out of them (the merge
of crm/sync) says `SET LOCAL office.one_version = 'on'` and raises each version itself, once.
"""

# ruff: noqa: S608  (constant names only)

from __future__ import annotations

from django.db.migrations.operations import RunSQL

HELD = "current_setting('office.one_version', true) IS NOT DISTINCT FROM 'on'"

# A copy of the old row takes over the new values of what says nothing; where it still differs, the row says something new.
# A column added later is compared without being named anywhere.
COUNT = """
CREATE FUNCTION {table}_bump_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was {table}%ROWTYPE := OLD;
BEGIN
    {ignore}
    IF NEW.version > OLD.version OR NOT ({held}) AND was IS DISTINCT FROM NEW THEN
        NEW.version := OLD.version + 1;
    ELSE
        NEW.version := OLD.version;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bump_version BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_bump_version();
"""
FUNCTIONS = """
CREATE FUNCTION office_bump_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was bigint;
    now bigint;
    whole bigint;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        was := (to_jsonb(OLD) ->> TG_ARGV[1])::bigint;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now := (to_jsonb(NEW) ->> TG_ARGV[1])::bigint;
    END IF;
    FOR whole IN SELECT DISTINCT id FROM unnest(ARRAY[was, now]) AS id WHERE id IS NOT NULL ORDER BY id LOOP
        EXECUTE format('UPDATE %I SET version = version + 1 WHERE id = $1', TG_ARGV[0]) USING whole;
    END LOOP;
    RETURN NULL;
END $$;
"""
DROP_FUNCTIONS = "DROP FUNCTION office_bump_whole();"


def functions() -> RunSQL:
    return RunSQL(FUNCTIONS, DROP_FUNCTIONS)


def counts(table: str, *ignored: str) -> RunSQL:
    """`ignored`: columns of bookkeeping (the date of the last save), and generated ones, which a BEFORE trigger cannot read."""
    ignore = " ".join(f"was.{name} := NEW.{name};" for name in ("version", *ignored))
    return RunSQL(
        COUNT.format(table=table, ignore=ignore, held=HELD),
        f"DROP TRIGGER bump_version ON {table}; DROP FUNCTION {table}_bump_version();",
    )


def counts_for(table: str, whole: str, key: str) -> RunSQL:
    """`key`: the column of `table` that points at `whole`; a row where it is empty belongs to nothing."""
    return RunSQL(
        f"CREATE TRIGGER bump_{whole} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
        f" WHEN (NOT ({HELD})) EXECUTE FUNCTION office_bump_whole('{whole}', '{key}')",
        f"DROP TRIGGER bump_{whole} ON {table}",
    )
