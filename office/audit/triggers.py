"""The SQL of one table's audit: a function and four triggers, written out column by column, for speed.

Pure text: office/audit/install.py puts it into the database. docs/audit.md describes what the triggers write.
Names are quoted here and come from Django's models.
"""
# ruff: noqa: S608  (names of our own models)

from __future__ import annotations

import hashlib
from dataclasses import dataclass

PAGE = 100  # entries to a page
PAGES = 1_000_000  # page p of block b has the id b * PAGES + p
BLOCK = PAGE * PAGES  # entry n of block b has the id b * BLOCK + n
HIDDEN = "#"  # stands for a value that is never stored
TRIGGERS = (
    ("audit_insert", "AFTER INSERT", "REFERENCING NEW TABLE AS new_rows"),
    ("audit_update", "AFTER UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    ("audit_delete", "AFTER DELETE", "REFERENCING OLD TABLE AS old_rows"),
    ("audit_truncate", "BEFORE TRUNCATE", ""),
)


@dataclass(frozen=True)
class Table:
    """What the triggers of a table must know. Column names come from Django models, never from a person."""

    name: str
    pk: str
    columns: tuple[str, ...]  # recorded, the key excepted
    secret: frozenset[str] = frozenset()  # recorded as changed, without the value
    personal: frozenset[str] = frozenset()  # recorded as a fingerprint that the row's salt makes
    salt: str = ""
    digest_inserts: bool = False

    @property
    def function(self) -> str:
        return f"audit_{self.name}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _value(table: Table, column: str, row: str) -> str:
    """The JSON text of a column's value."""
    cell = f"{row}.{_quoted(column)}"
    if column in table.secret:
        return f"CASE WHEN {cell} IS NOT NULL THEN '\"{HIDDEN}\"' ELSE 'null' END"
    if column in table.personal:
        seed = f"convert_to({row}.{_quoted(table.salt)}::text || {cell}::text, 'UTF8')"
        print_ = f"'\"{HIDDEN}' || left(encode(sha256({seed}), 'hex'), 24) || '\"'"
        return f"CASE WHEN {cell}::text = '' THEN '\"\"' ELSE coalesce({print_}, 'null') END"
    return f"coalesce(to_json({cell})::text, 'null')"


def _key(column: str) -> str:
    return _text(f'"{column}":')


def _whole(table: Table, row: str) -> str:
    parts = ",\n            ".join(f"{_key(c)} || {_value(table, c, row)}" for c in table.columns)
    return f"'{{' || concat_ws(',',\n            {parts}) || '}}'"


def _changes(table: Table) -> str:
    """What an update changed, in one pass; '' where nothing did."""
    parts = ",\n            ".join(
        f"CASE WHEN o.{_quoted(c)} IS DISTINCT FROM n.{_quoted(c)} THEN concat({_text(chr(34) + c + chr(34) + ':[')},"
        f" {_value(table, c, 'o')}, ',', {_value(table, c, 'n')}, ']') END"
        for c in table.columns
    )
    return f"concat_ws(',',\n            {parts})"


def _put(rows: str) -> str:
    """Write `rows` (row_id, kind, data) as pages, and take the number of entries and the digest of the pages' hashes."""
    return f"""
    WITH put AS (
      INSERT INTO audit.page (id, first_row, last_row, entries, data, hash)
      SELECT id, first_row, last_row, entries, data,
        sha256(convert_to(concat(id, '|', first_row, '|', last_row, '|', entries, E'\\n', data), 'UTF8'))
      FROM (
        SELECT v_block * {PAGES} + page AS id, min(row_id) AS first_row, max(row_id) AS last_row, count(*) AS entries,
          string_agg(concat(row_id, kind, data), E'\\n' ORDER BY row_id) AS data
        FROM (SELECT (row_number() OVER (ORDER BY row_id) - 1) / {PAGE} + 1 AS page, row_id, kind, data FROM ({rows}) r) e
        GROUP BY page) p
      RETURNING id, entries, hash)
    SELECT coalesce(sum(entries), 0), sha256(string_agg(hash, ''::bytea ORDER BY id)) INTO v_count, v_digest FROM put;"""  # nosec B608 (names of our own models)


def _rows(table: Table) -> dict[str, str]:
    key = _quoted(table.pk)
    inserted = _whole(table, "n")
    if table.digest_inserts:
        inserted = f"'{{\"{HIDDEN}\":\"' || encode(sha256(convert_to({inserted}, 'UTF8')), 'hex') || '\"}}'"
    # A full join: a row whose key was changed has gone under the old key and come under the new one.
    # OFFSET 0 keeps the planner from working the changes out twice.
    changed = f"""
        SELECT row_id, kind, data FROM (
          SELECT coalesce(n.{key}, o.{key}) AS row_id,
            CASE WHEN n.{key} IS NULL THEN 'D' WHEN o.{key} IS NULL THEN 'I' ELSE 'U' END::"char" AS kind,
            CASE WHEN n.{key} IS NULL THEN {_whole(table, "o")}
            WHEN o.{key} IS NULL THEN {_whole(table, "n")}
            ELSE '{{' || {_changes(table)} || '}}' END AS data
          FROM old_rows o FULL JOIN new_rows n ON o.{key} = n.{key} OFFSET 0) c
        WHERE data <> '{{}}'"""  # nosec B608 (names of our own models)
    return {
        "INSERT": f"SELECT n.{key} AS row_id, 'I'::\"char\" AS kind, {inserted} AS data FROM new_rows n",  # nosec B608 (names of our own models)
        "UPDATE": changed,
        "DELETE": f"SELECT o.{key} AS row_id, 'D'::\"char\" AS kind, {_whole(table, 'o')} AS data FROM old_rows o",  # nosec B608 (names of our own models)
    }


def _bridge_rows(table: Table) -> dict[str, str]:
    """The same without naming columns, for the time when migrations change them. No value of a guarded column."""
    key = _quoted(table.pk)
    guarded = _text("{" + ",".join(sorted({table.pk, *table.secret, *table.personal} | {table.salt} - {""})) + "}")
    old, new = f"(to_jsonb(o) - {guarded}::text[])", f"(to_jsonb(n) - {guarded}::text[])"
    return {
        "INSERT": f"SELECT n.{key} AS row_id, 'I'::\"char\" AS kind, {new}::text AS data FROM new_rows n",  # nosec B608 (names of our own models)
        "DELETE": f"SELECT o.{key} AS row_id, 'D'::\"char\" AS kind, {old}::text AS data FROM old_rows o",  # nosec B608 (names of our own models)
        "UPDATE": f"""
        SELECT o.{key} AS row_id, 'U'::"char" AS kind, c.data FROM old_rows o JOIN new_rows n ON o.{key} = n.{key},
          LATERAL (SELECT jsonb_object_agg(a.key, jsonb_build_array(a.value, b.value))::text AS data
                   FROM jsonb_each({old}) a JOIN jsonb_each({new}) b ON a.key = b.key AND a.value <> b.value) c
        WHERE c.data IS NOT NULL""",  # nosec B608 (names of our own models)
    }


def function_sql(table: Table) -> str:
    return _function(table, _rows(table))


def bridge_sql(table: Table) -> str:
    return f"{_function(table, _bridge_rows(table))}\n{_comment(table, 'audit: migrating')}"


def _function(table: Table, rows: dict[str, str]) -> str:
    name = _text(table.name)
    return f"""CREATE OR REPLACE FUNCTION public.{_quoted(table.function)}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '64MB' AS $audit$
#variable_conflict use_column
DECLARE
    v_block bigint := nextval('audit.block_id_seq');
    v_count bigint;
    v_digest bytea;
BEGIN
  IF TG_OP = 'UPDATE' THEN{_put(rows["UPDATE"])}
  ELSIF TG_OP = 'INSERT' THEN{_put(rows["INSERT"])}
  ELSIF TG_OP = 'DELETE' THEN{_put(rows["DELETE"])}
  ELSE
    SELECT count(*), sha256('') INTO v_count, v_digest FROM public.{_quoted(table.name)};
  END IF;
  IF v_count >= {BLOCK} THEN
    RAISE EXCEPTION 'one statement may change {BLOCK - 1} rows of %: split it', {name};
  END IF;
  IF v_count > 0 THEN
    PERFORM audit.close_block(v_block, {name}, TG_OP, v_count, v_digest);
  END IF;
  RETURN NULL;
END $audit$;"""  # nosec B608 (names of our own models)


def _comment(table: Table, text: str) -> str:
    return f"COMMENT ON FUNCTION public.{_quoted(table.function)}() IS {_text(text)};"


def install_sql(table: Table) -> str:
    """Everything of one table, safe to repeat; the function's comment says which version it is."""
    target, function = f"public.{_quoted(table.name)}", f"public.{_quoted(table.function)}()"
    body = function_sql(table)
    triggers = "\n".join(
        f"CREATE OR REPLACE TRIGGER {name} {when} ON {target} {tables} FOR EACH STATEMENT EXECUTE FUNCTION {function};"
        for name, when, tables in TRIGGERS
    )
    return f"{body}\n{_comment(table, fingerprint(table))}\n{triggers}"


def remove_sql(name: str) -> str:
    return f"DROP FUNCTION IF EXISTS public.{_quoted(f'audit_{name}')}() CASCADE;"


def fingerprint(table: Table) -> str:
    return "audit " + hashlib.sha256((function_sql(table) + repr(TRIGGERS)).encode()).hexdigest()
