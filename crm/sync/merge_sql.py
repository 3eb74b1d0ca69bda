"""The statements of one merge. All work on the run's staging table and on temporary tables that go with the transaction.

`decided`: what matching said of each staged row. `held`: which fields of a company keep what they hold, because an officer
or a source with more say wrote them. `changed`: companies that differed, with before and after. `parts`: what changed in the
rows around a company (codes, former names, grades). Versions, events and counts follow from the last two.
Only constant column names and the run's number are put together here; values always travel as parameters.
"""

# ruff: noqa: S608  (constant names only, see above)

from __future__ import annotations

from crm.sync.columns import COLUMNS, EMPTY, FOLLOWS, OWNERS

_NAMES = ", ".join(COLUMNS)
_DERIVED = ("name_pinyin", "name_initials")

# A million rows are sorted and joined: what does not fit into memory goes through files.
MEMORY = "SET LOCAL work_mem = '64MB'"
# A company is written by several statements and gets one version out of them, which they raise themselves.
ONE_VERSION = "SET LOCAL office.one_version = 'on'"

# Of several versions of a record the newest counts.
NEWEST = """
DELETE FROM {rows} a USING (SELECT key, max((seq, n)) AS last FROM {rows} GROUP BY key HAVING count(*) > 1) b
WHERE a.key = b.key AND (a.seq, a.n) <> b.last
"""

# --- matching: what SQL alone can say; the rest is for crm.sync.matching ---
# hard: two companies speak for the record, or its code was once another's, or somebody has its name.
DECIDED = """
CREATE TEMP TABLE decided ON COMMIT DROP AS
SELECT n, key, op, scheme, code, link, by_key, by_code, company_id, false AS is_new, ''::text AS error, ''::text AS notice,
       CASE WHEN op <> 'upsert' THEN 'gone'
            WHEN company_id IS NOT NULL THEN 'known'
            WHEN code IS NULL THEN 'review'
            WHEN by_key IS NOT NULL OR former_codes IS NOT NULL
              OR EXISTS (SELECT 1 FROM crm_companyidentifier x WHERE x.scheme = m.scheme AND x.value = m.code)
              OR EXISTS (SELECT 1 FROM crm_company c WHERE c.name = m.name) THEN 'hard'
            ELSE 'new' END AS outcome
FROM (
  SELECT s.n, s.key, s.op, s.scheme, s.code, s.name, s.former_codes, l.id AS link, l.company_id AS by_key,
         i.company_id AS by_code,
         CASE WHEN s.op <> 'upsert' THEN l.company_id
              WHEN s.code IS NULL THEN l.company_id
              WHEN i.company_id = l.company_id OR l.company_id IS NULL THEN i.company_id END AS company_id
  FROM {rows} s
  LEFT JOIN crm_sourcelink l ON l.source_id = %(source)s AND l.key = s.key
  LEFT JOIN crm_companyidentifier i ON i.scheme = s.scheme AND i.value = s.code AND i.valid_to IS NULL) m
"""
# Nobody is there yet: every record that has a code is new, and nothing needs to be looked up.
DECIDED_EMPTY = """
CREATE TEMP TABLE decided ON COMMIT DROP AS
SELECT n, key, op, scheme, code, NULL::bigint AS link, NULL::bigint AS by_key, NULL::bigint AS by_code,
       CASE WHEN op = 'upsert' AND code IS NOT NULL THEN nextval('crm_company_id_seq') END AS company_id,
       op = 'upsert' AND code IS NOT NULL AS is_new, ''::text AS error, ''::text AS notice,
       CASE WHEN op <> 'upsert' THEN 'gone' WHEN code IS NULL THEN 'review' ELSE 'new' END AS outcome
FROM {rows}
"""
HARD = """
SELECT d.n, d.key, coalesce(d.code, ''),
       ARRAY(SELECT x->>'value' FROM jsonb_array_elements(coalesce(s.former_codes, '[]')) x), s.name
FROM decided d JOIN {rows} s USING (n) WHERE d.outcome = 'hard' AND d.n > %(after)s ORDER BY d.n LIMIT %(limit)s
"""
NUMBER_NEW = """
UPDATE decided SET is_new = true, company_id = nextval('crm_company_id_seq')
WHERE outcome = 'new' AND error = '' AND company_id IS NULL
"""
# Within a batch a code and a company are taken only once: by the first. (how to find those, how to mark the others)
TWICE = (
    ("""
CREATE TEMP TABLE twice ON COMMIT DROP AS SELECT scheme, code, min(n) AS n FROM decided
WHERE op = 'upsert' AND code IS NOT NULL AND error = '' GROUP BY scheme, code HAVING count(*) > 1
""", """
UPDATE decided d SET error = '同一批里 ' || f.key || ' 已使用代码 ' || d.code, company_id = NULL, is_new = false
FROM twice t JOIN decided f ON f.n = t.n
WHERE d.scheme = t.scheme AND d.code = t.code AND d.op = 'upsert' AND d.error = '' AND d.n <> t.n
"""),
    ("""
CREATE TEMP TABLE twice ON COMMIT DROP AS SELECT company_id, min(n) AS n FROM decided
WHERE op = 'upsert' AND company_id IS NOT NULL AND error = '' GROUP BY company_id HAVING count(*) > 1
""", """
UPDATE decided d SET error = '同一批里 ' || f.key || ' 已对应同一家企业', company_id = NULL
FROM twice t JOIN decided f ON f.n = t.n
WHERE d.company_id = t.company_id AND d.op = 'upsert' AND d.error = '' AND d.n <> t.n
"""),
)
INDEX_DECIDED = "CREATE INDEX ON decided (n); ANALYZE decided"

# --- whose word it is: only for companies that somebody else has written, or that another source keeps ---
_FIELDS = ", ".join(f"('{field}', '{owner}')" for field, owner in OWNERS.items())
SPECIAL = """
CREATE TEMP TABLE special ON COMMIT DROP AS
SELECT d.n, d.company_id FROM decided d JOIN crm_company c ON c.id = d.company_id
WHERE d.op = 'upsert' AND d.error = '' AND NOT d.is_new
  AND (c.source_id IS DISTINCT FROM %(source)s OR EXISTS (SELECT 1 FROM crm_fieldorigin o WHERE o.company_id = c.id))
"""
VERDICTS = f"""
CREATE TEMP TABLE verdicts ON COMMIT DROP AS
SELECT x.n, x.company_id, f.field, old.value AS ours, new.value AS theirs, o.id AS origin, c.source_id AS home,
       CASE WHEN new.value IS NULL OR new.value = 'null' THEN 'none'
            WHEN old.value IN ('null', '""', '[]') THEN 'fill'
            WHEN old.value = new.value THEN 'same'
            WHEN f.field = 'status' AND c.status IN ('removed', 'absent') THEN 'take'
            WHEN (o.id IS NOT NULL AND o.source_id IS NULL) OR (o.id IS NULL AND c.source_id IS NULL) THEN 'conflict'
            WHEN coalesce(o.source_id, c.source_id) = %(source)s THEN 'take'
            WHEN me.department = f.owner AND writer.department <> f.owner THEN 'take'
            ELSE 'hold' END AS verdict
FROM special x JOIN {{rows}} s USING (n) JOIN crm_company c ON c.id = x.company_id
JOIN crm_source me ON me.id = %(source)s
CROSS JOIN (VALUES {_FIELDS}) f (field, owner)
LEFT JOIN crm_fieldorigin o ON o.company_id = c.id AND o.field = f.field
LEFT JOIN crm_source writer ON writer.id = coalesce(o.source_id, c.source_id)
CROSS JOIN LATERAL (SELECT to_jsonb(s) -> f.field AS value) new
CROSS JOIN LATERAL (SELECT to_jsonb(c) -> f.field AS value) old
"""  # nosec B608 (constant names)
HELD = "CREATE TEMP TABLE held ON COMMIT DROP AS SELECT n, array_agg(field) AS fields FROM verdicts" \
       " WHERE verdict IN ('conflict', 'hold') GROUP BY n"
ORIGINS = (
    """
INSERT INTO crm_fieldorigin (company_id, field, source_id, at)
SELECT company_id, field, %(source)s, now() FROM verdicts WHERE verdict IN ('fill', 'take') AND home IS DISTINCT FROM %(source)s
ON CONFLICT (company_id, field) DO UPDATE SET source_id = excluded.source_id, editor_id = NULL, at = excluded.at
""",
    """
DELETE FROM crm_fieldorigin o USING verdicts v
WHERE o.id = v.origin AND v.home = %(source)s AND v.verdict IN ('fill', 'take')
""",
)
CONFLICTS = (
    """
UPDATE crm_fieldconflict x SET state = 'withdrawn', decided_at = now() FROM verdicts v
WHERE x.company_id = v.company_id AND x.field = v.field AND x.source_id = %(source)s AND x.state = 'open'
  AND (v.verdict = 'same' OR v.verdict = 'conflict' AND (x.theirs <> v.theirs OR x.ours <> v.ours))
""",
    """
INSERT INTO crm_fieldconflict (company_id, field, source_id, run_id, ours, theirs, state, created_at)
SELECT v.company_id, v.field, %(source)s, %(run)s, v.ours, v.theirs, 'open', now() FROM verdicts v
WHERE v.verdict = 'conflict' AND NOT EXISTS (
  SELECT 1 FROM crm_fieldconflict x WHERE x.company_id = v.company_id AND x.field = v.field AND x.source_id = %(source)s
   AND x.state IN ('open', 'kept') AND x.ours = v.ours AND x.theirs = v.theirs)
""",
)


# --- companies ---
def _new_value(name: str, *, held: bool) -> str:
    """What the column becomes: NULL never overwrites a value, held fields keep theirs."""
    value = {
        # A capital in another currency has no amount in 元: the old amount must go with the old text.
        "registered_capital": "CASE WHEN s.registered_capital_text IS NULL THEN c.registered_capital"
                              " ELSE s.registered_capital END",
        # A company that moved out of Shenzhen's streets must not keep the old street.
        "street_code": "CASE WHEN s.street_code IS NULL AND s.district_code <> c.district_code THEN ''"
                       " ELSE coalesce(s.street_code, c.street_code) END",
        # A record that came back lives, also where the source gives no status.
        "status": "coalesce(s.status, CASE WHEN c.status IN ('removed', 'absent') THEN 'active' ELSE c.status END)",
    }.get(name, f"coalesce(s.{name}, c.{name})")
    leader = FOLLOWS.get(name, name)
    return f"CASE WHEN '{leader}' = ANY (h.fields) THEN c.{name} ELSE {value} END" if held else value


def _told(side: str) -> str:
    """The columns that differ, as they are on one side. Only those are turned into JSON: most of a row stays as it is."""
    parts = ", ".join(
        f"CASE WHEN old.{name} IS DISTINCT FROM new.{name}"
        f" THEN '\"{name}\":' || coalesce(to_json({side}.{name})::text, 'null') END"
        for name in COLUMNS if name not in _DERIVED
    )
    return f"('{{' || concat_ws(',', {parts}) || '}}')::jsonb"


CHANGED = "CREATE TEMP TABLE changed (company_id bigint, n bigint, before jsonb, after jsonb) ON COMMIT DROP"


def update_changed(*, held: bool) -> str:
    """Write companies whose columns differ, and put into `changed` both sides of every column that does."""
    new = {name: _new_value(name, held=held) for name in COLUMNS}
    sets = ", ".join(f"{name} = {value}" for name, value in new.items())
    join = "LEFT JOIN held h ON h.n = d.n" if held else ""
    kept = "s.industry_code IS NULL" + (" OR 'industry_code' = ANY (h.fields)" if held else "")
    return f"""
WITH told AS (
  UPDATE crm_company c SET {sets}, version = c.version + 1, updated_at = now(),
         industry_id = CASE WHEN {kept} THEN c.industry_id ELSE i.id END
  FROM decided d JOIN {{rows}} s ON s.n = d.n {join}
  LEFT JOIN crm_industrycode i ON i.standard = 'GB/T 4754-2017' AND i.code = s.industry_code
  WHERE c.id = d.company_id AND d.op = 'upsert' AND d.error = '' AND NOT d.is_new
    AND ({", ".join(new.values())}) IS DISTINCT FROM ({", ".join(f"c.{name}" for name in COLUMNS)})
  RETURNING c.id, d.n, {_told("old")}, {_told("new")})
INSERT INTO changed SELECT * FROM told
"""  # nosec B608 (constant names)


_INSERTED = ", ".join(f"coalesce(s.{n}, {EMPTY[n]})" if n in EMPTY else f"s.{n}" for n in COLUMNS)
INSERT_NEW = f"""
INSERT INTO crm_company (id, {_NAMES}, industry_id, source_id, first_run_id, version, created_at, updated_at)
SELECT d.company_id, {_INSERTED}, i.id, %(source)s, %(run)s, 1, now(), now()
FROM decided d JOIN {{rows}} s ON s.n = d.n
LEFT JOIN crm_industrycode i ON i.standard = 'GB/T 4754-2017' AND i.code = s.industry_code
WHERE d.is_new
"""  # nosec B608 (constant names)
LINK = (
    """
INSERT INTO crm_sourcelink (source_id, key, company_id, key_hash, digest, source_updated_at, gone, absent_runs)
SELECT %(source)s, d.key, d.company_id, s.key_hash, s.digest, s.updated_at, '', 0
FROM decided d JOIN {rows} s ON s.n = d.n WHERE d.op = 'upsert' AND d.company_id IS NOT NULL AND d.by_key IS NULL
""",
    """
UPDATE crm_sourcelink l SET digest = s.digest, gone = '', absent_runs = 0, company_id = d.company_id,
       source_updated_at = coalesce(s.updated_at, l.source_updated_at)
FROM decided d JOIN {rows} s ON s.n = d.n
WHERE l.id = d.link AND d.op = 'upsert' AND d.company_id IS NOT NULL
""",
)

# --- rows around a company; an absorbed company keeps the codes that it has ---
PARTS = "CREATE TEMP TABLE parts (company_id bigint, field text, before jsonb, after jsonb) ON COMMIT DROP"
_FORMER_NAME_OF_RENAMED = """
WITH put AS (
  INSERT INTO crm_companyname (company_id, name, valid_to)
  SELECT company_id, before->>'name', %(as_of)s::date FROM changed WHERE after ? 'name'
  ON CONFLICT DO NOTHING RETURNING company_id, name)
INSERT INTO parts SELECT company_id, 'former_names', NULL, jsonb_agg(name) FROM put GROUP BY company_id
"""
_CLOSE_CODES = """
WITH closed AS (
  UPDATE crm_companyidentifier x SET valid_to = greatest(%(as_of)s::date, x.valid_from + 1)
  FROM decided d JOIN crm_company c ON c.id = d.company_id
  WHERE x.company_id = d.company_id AND x.scheme = d.scheme AND x.valid_to IS NULL AND x.value <> d.code
    AND d.op = 'upsert' AND d.error = '' AND NOT d.is_new AND c.merged_into_id IS NULL
  RETURNING x.company_id, x.value, d.code)
INSERT INTO parts SELECT company_id, 'uscc', to_jsonb(value), to_jsonb(code) FROM closed
"""
_CODES_OF_NEW = """
INSERT INTO crm_companyidentifier (company_id, scheme, value, valid_from)
SELECT company_id, scheme, code, NULL FROM decided WHERE is_new AND code IS NOT NULL
"""
_OPEN_CODES = """
INSERT INTO crm_companyidentifier (company_id, scheme, value, valid_from)
SELECT d.company_id, d.scheme, d.code, %(as_of)s::date
FROM decided d JOIN crm_company c ON c.id = d.company_id
WHERE d.op = 'upsert' AND d.error = '' AND d.code IS NOT NULL AND NOT d.is_new AND c.merged_into_id IS NULL
  AND d.by_code IS NULL
  AND NOT EXISTS (SELECT 1 FROM crm_companyidentifier x
                  WHERE x.company_id = d.company_id AND x.scheme = d.scheme AND x.valid_to IS NULL)
"""
_WITH = "FROM decided d JOIN {rows} s ON s.n = d.n"
_TAKEN = "d.company_id IS NOT NULL AND d.op = 'upsert' AND d.error = ''"
_FORMER_CODES = f"""
WITH put AS (
  INSERT INTO crm_companyidentifier (company_id, scheme, value, valid_to)
  SELECT DISTINCT ON (d.company_id, x->>'value') d.company_id, 'uscc', x->>'value',
         coalesce((x->>'until')::date, %(as_of)s::date)
  {_WITH}, jsonb_array_elements(s.former_codes) x
  WHERE {_TAKEN} AND s.former_codes IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM crm_companyidentifier y WHERE y.scheme = 'uscc' AND y.company_id = d.company_id AND y.value = x->>'value')
  RETURNING company_id, value)
INSERT INTO parts SELECT company_id, 'former_codes', NULL, jsonb_agg(value) FROM put GROUP BY company_id
"""  # nosec B608 (constant names)
_FORMER_NAMES = f"""
WITH put AS (
  INSERT INTO crm_companyname (company_id, name, valid_to)
  SELECT DISTINCT ON (d.company_id, x->>'name') d.company_id, x->>'name', (x->>'until')::date
  {_WITH}, jsonb_array_elements(s.former_names) x
  WHERE {_TAKEN} AND s.former_names IS NOT NULL AND x->>'name' <> s.name
  ON CONFLICT DO NOTHING RETURNING company_id, name)
INSERT INTO parts SELECT company_id, 'former_names', NULL, jsonb_agg(name) FROM put GROUP BY company_id
"""  # nosec B608 (constant names)
_GRADES = f"""
WITH put AS (
  INSERT INTO crm_companygrade AS g (company_id, grade, issuer, level, valid_from, valid_to, source_id)
  SELECT DISTINCT ON (d.company_id, x->>'grade', x->>'valid_from')
         d.company_id, x->>'grade', x->>'issuer', x->>'level', (x->>'valid_from')::date, (x->>'valid_to')::date, %(source)s
  {_WITH}, jsonb_array_elements(s.grades) x WHERE {_TAKEN} AND s.grades IS NOT NULL
  ON CONFLICT (company_id, grade, valid_from) DO UPDATE
     SET valid_to = coalesce(excluded.valid_to, g.valid_to), issuer = coalesce(nullif(excluded.issuer, ''), g.issuer),
         level = coalesce(nullif(excluded.level, ''), g.level)
     WHERE g.source_id = %(source)s
       AND (coalesce(excluded.valid_to, g.valid_to), coalesce(nullif(excluded.issuer, ''), g.issuer),
            coalesce(nullif(excluded.level, ''), g.level)) IS DISTINCT FROM (g.valid_to, g.issuer, g.level)
  RETURNING company_id, grade, valid_from, valid_to)
INSERT INTO parts
SELECT company_id, 'grades', NULL,
       jsonb_agg(jsonb_build_object('grade', grade, 'from', valid_from, 'to', valid_to) ORDER BY grade, valid_from)
FROM put GROUP BY company_id
"""  # nosec B608 (constant names)
AROUND_NEW = (_CODES_OF_NEW,)
AROUND_KNOWN = (_FORMER_NAME_OF_RENAMED, _CLOSE_CODES, _OPEN_CODES)
LISTS = {"former_codes": _FORMER_CODES, "former_names": _FORMER_NAMES, "grades": _GRADES}

# --- gone: a company is marked by its own source alone, the link by each ---
_GONE = """
WITH was AS (
  SELECT c.id, c.status FROM {who} AND c.source_id = %(source)s AND c.status NOT IN ('removed', 'absent')
    AND NOT EXISTS (SELECT 1 FROM crm_sourcelink o WHERE o.company_id = c.id AND o.source_id = %(source)s AND o.gone = '')
  FOR UPDATE OF c
), gone AS (
  UPDATE crm_company t SET status = '{status}' FROM was WHERE t.id = was.id RETURNING t.id, was.status AS was)
INSERT INTO parts SELECT id, 'status', to_jsonb(was), '"{status}"'::jsonb FROM gone
"""
TOMBSTONES = (
    "UPDATE decided SET notice = '来源移除了一家本系统没有的企业' WHERE outcome = 'gone' AND by_key IS NULL",
    """
UPDATE crm_sourcelink l SET gone = d.op, digest = 0 FROM decided d
WHERE l.source_id = %(source)s AND l.key = d.key AND d.op IN ('removed', 'redacted') AND l.gone <> d.op
""",
    _GONE.format(who="decided d JOIN crm_company c ON c.id = d.by_key WHERE d.op IN ('removed', 'redacted')", status="removed"),
)
UNSEEN = "CREATE TEMP TABLE unseen (key_hash bigint) ON COMMIT DROP"
ABSENT = (
    """
UPDATE crm_sourcelink l SET absent_runs = l.absent_runs + 1,
       gone = CASE WHEN l.absent_runs + 1 >= %(runs)s THEN 'absent' ELSE '' END
FROM unseen u WHERE l.source_id = %(source)s AND l.key_hash = u.key_hash AND l.gone = ''
""",
    _GONE.format(
        who="unseen u JOIN crm_sourcelink l ON l.key_hash = u.key_hash AND l.source_id = %(source)s AND l.gone = 'absent'"
            " JOIN crm_company c ON c.id = l.company_id WHERE true", status="absent"),
)
BACK = """
UPDATE crm_sourcelink SET absent_runs = 0 WHERE source_id = %(source)s AND absent_runs > 0 AND gone = ''
  AND key_hash NOT IN (SELECT key_hash FROM unseen)
"""

# --- the books ---
VERSIONS = """
UPDATE crm_company SET version = version + 1, updated_at = now()
WHERE id IN (SELECT company_id FROM parts EXCEPT SELECT company_id FROM changed
             EXCEPT SELECT company_id FROM decided WHERE is_new)
"""
EVENTS = """
INSERT INTO crm_companyevent (company_id, run_id, kind, before, after, at)
SELECT company_id, %(run)s, CASE WHEN after->>'status' IN ('removed', 'absent') THEN 'delete' ELSE 'update' END, before, after,
       now()
FROM (SELECT coalesce(x.company_id, p.company_id) AS company_id, coalesce(x.before, '{}') || coalesce(p.before, '{}') AS before,
             coalesce(x.after, '{}') || p.after AS after
      FROM changed x FULL JOIN (
        SELECT company_id, jsonb_object_agg(field, before) FILTER (WHERE before IS NOT NULL) AS before,
               jsonb_object_agg(field, after) AS after
        FROM (SELECT company_id, field, (jsonb_agg(before))->0 AS before, (jsonb_agg(after))->0 AS after FROM parts
              GROUP BY company_id, field) one GROUP BY company_id) p USING (company_id)
      WHERE p.company_id IS NOT NULL AND coalesce(x.company_id, p.company_id) NOT IN (
        SELECT company_id FROM decided WHERE is_new)
      UNION ALL
      SELECT x.company_id, x.before, x.after FROM changed x
      WHERE NOT EXISTS (SELECT 1 FROM parts p WHERE p.company_id = x.company_id)) told
ORDER BY company_id
"""
TWINS = """
INSERT INTO crm_possiblematch (company_id, other_id, score, reasons, state, created_at)
SELECT DISTINCT d.company_id, c.id, 1.000, '["名称相同，代码不同"]'::jsonb, 'open', now()
FROM decided d JOIN {rows} s USING (n) JOIN crm_company c ON c.name = s.name AND c.id <> d.company_id
WHERE d.is_new AND d.notice <> '' ON CONFLICT DO NOTHING
"""
COUNTS = """
SELECT (SELECT count(*) FROM decided WHERE is_new),
       (SELECT count(*) FROM (SELECT company_id FROM changed UNION
           SELECT company_id FROM parts WHERE company_id NOT IN (SELECT company_id FROM decided WHERE is_new)
       ) u WHERE company_id NOT IN (SELECT company_id FROM parts WHERE field = 'status')),
       (SELECT count(*) FROM decided WHERE error <> ''),
       (SELECT count(*) FROM decided WHERE outcome = 'review' AND error = '' AND company_id IS NULL),
       (SELECT count(*) FROM parts p WHERE field = 'status' AND after = '"removed"' AND EXISTS (
           SELECT 1 FROM decided d WHERE d.company_id = p.company_id AND d.op = 'removed')),
       (SELECT count(*) FROM parts p WHERE field = 'status' AND after = '"removed"' AND EXISTS (
           SELECT 1 FROM decided d WHERE d.company_id = p.company_id AND d.op = 'redacted')),
       (SELECT count(*) FROM parts WHERE field = 'status' AND after = '"absent"'),
       (SELECT count(*) FROM changed WHERE after->>'status' IN ('deregistered', 'revoked_deregistered', 'cancelled', 'revoked'))
"""
PARKED = """
SELECT d.n, d.key, s.seq, s.digest,
       jsonb_strip_nulls(to_jsonb(s)) - ARRAY['n', 'key', 'key_hash', 'seq', 'op', 'digest', 'updated_at',
       'name_pinyin', 'name_initials'], d.error
FROM decided d JOIN {rows} s USING (n)
WHERE (d.error <> '' OR d.outcome = 'review' AND d.company_id IS NULL) AND d.n > %(after)s ORDER BY d.n LIMIT %(limit)s
"""
# What a person has looked at stays his: a record that comes again as it was adds nothing to the row that waits, or that was
# set aside. Where another version came, good or bad, nobody needs to mend the old one, nor to say which company it is.
SUPERSEDED = (
    """
UPDATE crm_quarantinedrow n SET state = 'superseded'
WHERE n.run_id = %(run)s AND n.state = 'open' AND n.source_key <> '' AND n.digest <> 0 AND %(mode)s <> 'replay'
  AND EXISTS (SELECT 1 FROM crm_quarantinedrow q JOIN crm_syncrun r ON r.id = q.run_id
              WHERE r.source_id = %(source)s AND q.run_id <> %(run)s AND q.source_key = n.source_key
                AND q.digest = n.digest AND q.state IN ('open', 'dismissed'))
""",
    """
UPDATE crm_quarantinedrow q SET state = 'superseded' FROM crm_syncrun r
WHERE r.id = q.run_id AND r.source_id = %(source)s AND q.state = 'open' AND q.source_key <> '' AND %(mode)s <> 'replay'
  AND (EXISTS (SELECT 1 FROM decided d JOIN {rows} s USING (n) WHERE d.key = q.source_key AND d.error = ''
               AND d.company_id IS NOT NULL AND (q.run_id <> %(run)s OR s.seq > q.seq))
       OR q.run_id <> %(run)s AND EXISTS (
               SELECT 1 FROM crm_quarantinedrow n
               WHERE n.run_id = %(run)s AND n.source_key = q.source_key AND n.state = 'open'))
""",
    """
DELETE FROM crm_possiblematch p USING crm_quarantinedrow q, crm_syncrun r
WHERE q.id = p.row_id AND r.id = q.run_id AND r.source_id = %(source)s AND q.state = 'superseded' AND p.state = 'open'
""",
)
NOTICES = "SELECT n, key, notice FROM decided WHERE notice <> '' AND n > %(after)s ORDER BY n LIMIT %(limit)s"
