"""What the audit costs on a bulk update, and how fast its chain is verified.

    python -m benchmarks.audit                 updates of 100,000 rows with and without triggers; 1,000,000 entries verified
    python -m benchmarks.audit --rows 20000 --runs 9 --entries 100000

In a database of its own, which is dropped afterwards. Runs with and without take turns, so that a busy machine slows
both alike; the figure is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from typing import Any

from benchmarks.scratch import scratch

COMPANIES = """
INSERT INTO crm_company (name, status, district_code, business_scope, address, products, is_sample, version, created_at,
                         updated_at)
SELECT '示例企业' || i || '科技有限公司', 'active', '000000', repeat('软件开发；电子产品研发；', 6) || i, '示例路' || i || '号',
       '[]', true, 1, now(), now() FROM generate_series(1, %s) i
"""
PEOPLE = """
INSERT INTO office_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined,
                         display_name, title, is_sample)
VALUES ('x', false, 'bench', '', '', '', false, true, now(), '甲', '', true)
"""
PROJECTS = """
INSERT INTO projects_project (code, name, company_id, track, stage, stage_since, side_state, officer_id, source_place,
                              summary, next_step, is_sample, version, created, updated)
SELECT 'P' || c.id, '示例项目' || c.id, c.id, 'building', %s, '2026-01-01', 'active', u.id, '', '简介' || c.id, '', true, 1,
       now(), now() FROM crm_company c, office_user u
"""
UPDATES = {
    "crm_company": "UPDATE crm_company SET employees = coalesce(employees, 0) + 1, version = version + 1, updated_at = now()",
    "projects_project": (
        "UPDATE projects_project SET next_step = '第' || version || '步', version = version + 1, updated = now()"
    ),
}
# Every row once in a round, so that the update itself has no chain of dead versions to walk.
SMALL = """
DO $$ DECLARE one bigint; done integer := 0; BEGIN
    LOOP FOR one IN SELECT id FROM projects_project LOOP
        EXIT WHEN done >= %s;
        UPDATE projects_project SET next_step = 'n' || done WHERE id = one;
        done := done + 1;
    END LOOP; EXIT WHEN done >= %s; END LOOP;
END $$
"""


def fill(cursor: Any, rows: int) -> None:
    from projects import lifecycle

    cursor.execute(COMPANIES, [rows])
    cursor.execute(PEOPLE)
    cursor.execute(PROJECTS, [lifecycle.FIRST_STAGE])


def timed(cursor: Any, table: str, *, audited: bool) -> float:
    cursor.execute(f"ALTER TABLE {table} {'ENABLE' if audited else 'DISABLE'} TRIGGER audit_update")
    cursor.execute(f"VACUUM {table}")
    start = time.perf_counter()
    cursor.execute(UPDATES[table])
    return time.perf_counter() - start


def cost(cursor: Any, table: str, rows: int, runs: int) -> float:
    timed(cursor, table, audited=False)  # the first finds no free space in the table's pages, the later ones do
    timed(cursor, table, audited=True)
    without, with_ = [], []
    for _ in range(runs):
        without.append(timed(cursor, table, audited=False))
        with_.append(timed(cursor, table, audited=True))
    ratio = statistics.median(with_) / statistics.median(without)
    print(f"update of {rows} rows of {table}, {runs} runs each: median, fastest")
    for name, times in (("without audit", without), ("with audit", with_)):
        print(f"  {name:14} {statistics.median(times):7.2f} s {min(times):7.2f} s")
    print(f"  ratio          {ratio:7.2f}   {min(with_) / min(without):7.2f}", flush=True)
    return ratio


def check(cursor: Any, entries: int) -> float:
    from office.audit.verify import verify

    cursor.execute("SELECT count(*) FROM audit.entry")
    while cursor.fetchone()[0] < entries:
        cursor.execute(UPDATES["projects_project"])
        cursor.execute("SELECT count(*) FROM audit.entry")
    start = time.perf_counter()
    result = verify()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{result.entries} entries in {result.links} blocks verified in {seconds:.1f} s, memory peaked at {peak} MB")
    print(f"  {result.entries / seconds:,.0f} entries a second; {result.fault or 'all well'}")
    return seconds


def check_small(cursor: Any, statements: int) -> float:
    """The slowest kind for the verifier: a block, a link and a page for every entry."""
    from office.audit.verify import verify

    before = verify().anchor
    start = time.perf_counter()
    cursor.execute(SMALL, [statements, statements])
    wrote = time.perf_counter() - start
    start = time.perf_counter()
    result = verify(since=before)
    seconds = time.perf_counter() - start
    print(f"{result.entries} statements of one row written in {wrote:.1f} s, verified in {seconds:.1f} s")
    print(f"  1,000,000 such entries would take {seconds / result.entries * 1e6:.0f} s; {result.fault or 'all well'}")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--table", choices=list(UPDATES), action="append")
    options = parser.parse_args()
    with scratch("bench_audit") as cursor:
        fill(cursor, options.rows)
        for table in options.table or list(UPDATES):
            cost(cursor, table, options.rows, options.runs)
        if options.entries:
            check(cursor, options.entries)
            check_small(cursor, options.entries // 10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
