"""The statements of one merge, in order. All work on temporary tables that vanish with the transaction.

`incoming`: newest staged version of each source key. `decided`: what matching said. `wide`: typed columns of the
upserts that may differ. `delta`: (company, field, before, after) of every difference; updates, versions and events
follow from it.
Only constant column names are put together here; values always travel as parameters.
"""
# ruff: noqa: S608  (constant names only, see above)

from __future__ import annotations

# column → SQL type; the same types as crm_company, so that to_jsonb of both sides compares equal.
_COLUMNS = {
    "name": "text", "short_name": "text", "name_pinyin": "text", "name_initials": "text", "status": "text",
    "industry_code": "text", "district_code": "text", "street_code": "text", "address": "text",
    "established_on": "date",
    "registered_capital": "numeric(20,4)", "registered_capital_currency": "text", "registered_capital_text": "text",
    "annual_revenue": "numeric(20,4)", "revenue_year": "smallint", "employees": "integer", "business_scope": "text",
    "products": "jsonb", "is_sample": "boolean",
}
_DERIVED = ("name_pinyin", "name_initials")
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
_NAMES = ", ".join(_COLUMNS)
# A capital in another currency has no amount in 元: the old amount must go with the old text.
_NEW_VALUES = {name: f"coalesce(w.{name}, c.{name})" for name in _COLUMNS} | {
    "registered_capital": "CASE WHEN w.registered_capital_text IS NULL THEN c.registered_capital"
                          " ELSE w.registered_capital END",
    # A company that moved out of Shenzhen's streets must not keep the old street.
    "street_code": "CASE WHEN w.street_code IS NULL AND w.district_code <> c.district_code THEN ''"
                   " ELSE coalesce(w.street_code, c.street_code) END",
}
_DEFAULTS = {
    "short_name": "''", "name_pinyin": "''", "name_initials": "''", "industry_code": "''", "district_code": "''",
    "street_code": "''", "address": "''", "registered_capital_currency": "''", "registered_capital_text": "''",
    "business_scope": "''", "products": "'[]'::jsonb", "is_sample": "false",
}
_INSERTED = ", ".join(f"coalesce(w.{n}, {_DEFAULTS[n]})" if n in _DEFAULTS else f"w.{n}" for n in _COLUMNS)

# A company is written by several of these statements and gets one version out of them: _VERSIONS, and no trigger, raises it.
ONE_VERSION = "SET LOCAL office.one_version = 'on'"
INCOMING = """
CREATE TEMP TABLE incoming ON COMMIT DROP AS
SELECT DISTINCT ON (source_key) id AS staged_id, source_key, op, payload, hash,
       payload->>'uscc' AS uscc, payload->>'name' AS name,
       CASE WHEN payload ? 'former_codes'
            THEN ARRAY(SELECT x->>'value' FROM jsonb_array_elements(payload->'former_codes') x) END AS former
FROM crm_stagedrecord WHERE run_id = %(run)s AND result = 'STAGED'
ORDER BY source_key, seq DESC, id DESC
"""
DECIDED = """
CREATE TEMP TABLE decided (staged_id bigint PRIMARY KEY, company_id bigint, is_new boolean, error text) ON COMMIT DROP
"""
NUMBER_NEW = """
UPDATE decided SET company_id = nextval(pg_get_serial_sequence('crm_company', 'id')) WHERE is_new
"""
_WIDE = f"""
CREATE TEMP TABLE wide ON COMMIT DROP AS
SELECT d.staged_id, d.company_id, d.is_new, i.source_key, i.hash, i.payload, i.uscc,
       (i.payload->>'source_updated_at')::timestamptz AS source_updated_at, r.*
FROM incoming i JOIN decided d USING (staged_id) LEFT JOIN crm_company c ON c.id = d.company_id,
     jsonb_to_record(i.payload - 'uscc') AS r({_TYPED})
WHERE i.op = 'upsert' AND d.error = '' AND (c.id IS NULL OR c.source_hash <> i.hash OR c.source_key <> i.source_key)
"""  # nosec B608 (constant names)
_DELTA = "CREATE TEMP TABLE delta (company_id bigint, field text, before jsonb, after jsonb) ON COMMIT DROP"
_INSERT_NEW = f"""
INSERT INTO crm_company (id, {_NAMES}, source_id, source_key, source_hash, source_updated_at, version,
                         created_at, updated_at)
SELECT w.company_id, {_INSERTED}, %(source)s, w.source_key, w.hash, w.source_updated_at, 1, now(), now()
FROM wide w WHERE w.is_new ORDER BY w.staged_id
"""  # nosec B608 (constant names)
_FIND_DELTA = f"""
INSERT INTO delta
SELECT n.id, a.key, o.value, a.value
FROM (SELECT c.id, {", ".join(f"{value} AS {name}" for name, value in _NEW_VALUES.items())}
      FROM wide w JOIN crm_company c ON c.id = w.company_id WHERE NOT w.is_new) n
JOIN (SELECT id, {_NAMES} FROM crm_company) p ON p.id = n.id,
LATERAL jsonb_each(to_jsonb(n) - 'id') a
JOIN LATERAL jsonb_each(to_jsonb(p)) o ON o.key = a.key
WHERE a.value IS DISTINCT FROM o.value
"""  # nosec B608 (constant names)
_FORMER_NAME_OF_RENAMED = """
WITH put AS (
  INSERT INTO crm_companyname (company_id, name, valid_to)
  SELECT company_id, before #>> '{}', %(as_of)s::date FROM delta WHERE field = 'name'
  ON CONFLICT DO NOTHING RETURNING company_id, name)
INSERT INTO delta SELECT company_id, 'former_names', NULL, jsonb_agg(name) FROM put GROUP BY company_id
"""
_UPDATE_CHANGED = f"""
UPDATE crm_company c SET {", ".join(f"{name} = {value}" for name, value in _NEW_VALUES.items())}
FROM wide w WHERE w.company_id = c.id AND EXISTS (SELECT 1 FROM delta d WHERE d.company_id = c.id)
"""  # nosec B608 (constant names)
_STAMP_SOURCE = """
UPDATE crm_company c SET source_id = %(source)s, source_key = w.source_key, source_hash = w.hash,
       source_updated_at = coalesce(w.source_updated_at, c.source_updated_at)
FROM wide w WHERE w.company_id = c.id AND NOT w.is_new
"""
_CLOSE_CODES = """
WITH closed AS (
  UPDATE crm_companyidentifier x SET valid_to = greatest(%(as_of)s::date, x.valid_from + 1)
  FROM wide w WHERE x.company_id = w.company_id AND x.scheme = 'uscc' AND x.valid_to IS NULL AND x.value <> w.uscc
  RETURNING x.company_id, x.value, w.uscc)
INSERT INTO delta SELECT company_id, 'uscc', to_jsonb(value), to_jsonb(uscc) FROM closed
"""
_OPEN_CODES = """
INSERT INTO crm_companyidentifier (company_id, scheme, value, valid_from)
SELECT w.company_id, 'uscc', w.uscc, CASE WHEN w.is_new THEN NULL ELSE %(as_of)s::date END
FROM wide w WHERE NOT EXISTS (SELECT 1 FROM crm_companyidentifier x
  WHERE x.company_id = w.company_id AND x.scheme = 'uscc' AND x.valid_to IS NULL)
"""
_FORMER_CODES = """
WITH put AS (
  INSERT INTO crm_companyidentifier (company_id, scheme, value, valid_to)
  SELECT DISTINCT ON (w.company_id, x->>'value') w.company_id, 'uscc', x->>'value',
         coalesce((x->>'until')::date, %(as_of)s::date)
  FROM wide w, jsonb_array_elements(w.payload->'former_codes') x
  WHERE NOT EXISTS (SELECT 1 FROM crm_companyidentifier y WHERE y.scheme = 'uscc' AND y.company_id = w.company_id
                    AND y.value = x->>'value')
  RETURNING company_id, value)
INSERT INTO delta SELECT company_id, 'former_codes', NULL, jsonb_agg(value) FROM put GROUP BY company_id
"""
_FORMER_NAMES = """
WITH put AS (
  INSERT INTO crm_companyname (company_id, name, valid_to)
  SELECT DISTINCT ON (w.company_id, x->>'name') w.company_id, x->>'name', (x->>'until')::date
  FROM wide w, jsonb_array_elements(w.payload->'former_names') x WHERE x->>'name' <> w.name
  ON CONFLICT DO NOTHING RETURNING company_id, name)
INSERT INTO delta SELECT company_id, 'former_names', NULL, jsonb_agg(name) FROM put GROUP BY company_id
"""
_GRADES = """
WITH put AS (
  INSERT INTO crm_companygrade AS g (company_id, grade, issuer, level, valid_from, valid_to, source_id)
  SELECT DISTINCT ON (w.company_id, x->>'grade', x->>'valid_from')
         w.company_id, x->>'grade', x->>'issuer', x->>'level',
         (x->>'valid_from')::date, (x->>'valid_to')::date, %(source)s
  FROM wide w, jsonb_array_elements(w.payload->'grades') x
  ON CONFLICT (company_id, grade, valid_from) DO UPDATE
     SET valid_to = coalesce(excluded.valid_to, g.valid_to), issuer = coalesce(nullif(excluded.issuer, ''), g.issuer),
         level = coalesce(nullif(excluded.level, ''), g.level)
     WHERE g.source_id = %(source)s
       AND (coalesce(excluded.valid_to, g.valid_to), coalesce(nullif(excluded.issuer, ''), g.issuer),
            coalesce(nullif(excluded.level, ''), g.level)) IS DISTINCT FROM (g.valid_to, g.issuer, g.level)
  RETURNING company_id, grade, valid_from, valid_to)
INSERT INTO delta
SELECT company_id, 'grades', NULL,
       jsonb_agg(jsonb_build_object('grade', grade, 'from', valid_from, 'to', valid_to) ORDER BY grade, valid_from)
FROM put GROUP BY company_id
"""
_TOMBSTONES = """
WITH gone AS (
  UPDATE crm_company c SET status = 'removed', source_hash = '' FROM (
    SELECT c.id, c.status AS was
    FROM crm_company c JOIN decided d ON d.company_id = c.id JOIN incoming i USING (staged_id)
    WHERE i.op = 'delete' AND c.status <> 'removed' FOR UPDATE OF c) old
  WHERE c.id = old.id RETURNING c.id, old.was)
INSERT INTO delta SELECT id, 'status', to_jsonb(was), '"removed"'::jsonb FROM gone
"""
MERGE = (
    _WIDE, _DELTA, _INSERT_NEW, _FIND_DELTA,
    _FORMER_NAME_OF_RENAMED, _UPDATE_CHANGED, _STAMP_SOURCE, _CLOSE_CODES, _OPEN_CODES, _FORMER_CODES, _FORMER_NAMES,
    _GRADES, _TOMBSTONES,
)

_ABSENT = """
FROM crm_company c WHERE c.source_id = %(source)s AND c.source_key <> '' AND c.status <> 'removed'
 AND NOT EXISTS (SELECT 1 FROM crm_stagedrecord s WHERE s.run_id = %(run)s AND s.source_key = c.source_key)
 AND NOT EXISTS (SELECT 1 FROM decided d WHERE d.company_id = c.id)
"""
COUNT_ABSENT = f"SELECT count(*) {_ABSENT}"
MARK_ABSENT = f"""
WITH gone AS (
  UPDATE crm_company t SET status = 'removed', source_hash = '' FROM (
    SELECT c.id, c.status AS was {_ABSENT} FOR UPDATE OF c) old
  WHERE t.id = old.id RETURNING t.id, old.was)
INSERT INTO delta SELECT id, 'status', to_jsonb(was), '"removed"'::jsonb FROM gone
"""  # nosec B608 (constant names)

_INDUSTRY = """
UPDATE crm_company c SET industry_id = n.id
FROM crm_industrycode n
WHERE n.standard = 'GB/T 4754-2017' AND n.code = c.industry_code AND c.industry_id IS DISTINCT FROM n.id
  AND c.id IN (SELECT company_id FROM wide)
"""
_VERSIONS = """
UPDATE crm_company SET version = version + 1, updated_at = now()
WHERE id IN (SELECT company_id FROM delta EXCEPT SELECT company_id FROM wide WHERE is_new)
"""
_EVENTS_NEW = """
INSERT INTO crm_companyevent (company_id, run_id, kind, before, after, at)
SELECT company_id, %(run)s, 'new', '{}', jsonb_build_object('name', name, 'uscc', uscc, 'status', status), now()
FROM wide WHERE is_new ORDER BY staged_id
"""
_EVENTS_CHANGED = f"""
INSERT INTO crm_companyevent (company_id, run_id, kind, before, after, at)
SELECT company_id, %(run)s,
       CASE WHEN bool_or(field = 'status' AND after = '"removed"'::jsonb) THEN 'delete' ELSE 'update' END,
       coalesce(jsonb_object_agg(field, before) FILTER (WHERE before IS NOT NULL), '{{}}'),
       jsonb_object_agg(field, after), now()
FROM (SELECT company_id, field, (jsonb_agg(before))->0 AS before, (jsonb_agg(after))->0 AS after FROM delta
      WHERE field NOT IN {_DERIVED} GROUP BY company_id, field) d
WHERE company_id NOT IN (SELECT company_id FROM wide WHERE is_new) GROUP BY company_id ORDER BY company_id
"""  # nosec B608 (constant names)
_RESULTS = """
UPDATE crm_stagedrecord s SET payload = NULL, company_id = d.company_id, result = CASE
    WHEN d.staged_id IS NULL THEN 'SKIP' WHEN d.error <> '' THEN 'ERROR' WHEN d.is_new THEN 'NEW'
    WHEN EXISTS (SELECT 1 FROM delta x WHERE x.company_id = d.company_id) THEN 'UPDATE' ELSE 'SKIP' END
FROM crm_stagedrecord r LEFT JOIN decided d ON d.staged_id = r.id
WHERE r.id = s.id AND s.run_id = %(run)s AND s.result = 'STAGED'
"""
FINISH = (_INDUSTRY, _VERSIONS, _EVENTS_NEW, _EVENTS_CHANGED, _RESULTS)
