"""What the database should hold, computed without one: fold the source's log through the pure parser."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db import connection

from crm.sandbox.generate import World
from crm.sync.connector import load_connector
from crm.sync.records import read_values

_TEXTS = (
    "name",
    "short_name",
    "name_pinyin",
    "status",
    "industry_code",
    "district_code",
    "street_code",
    "address",
    "established_on",
    "registered_capital_text",
    "registered_capital_currency",
    "business_scope",
)
_COLUMNS = (
    *_TEXTS,
    "registered_capital",
    "annual_revenue",
    "revenue_year",
    "employees",
    "products",
    "uscc",
    "former",
    "grades",
)
CONNECTOR = load_connector("sandbox")
State = dict[str, str]


class Oracle:
    """A pure model of the target. Between two syncs only a record's last version counts: the rest was never seen."""

    def __init__(self, world: World) -> None:
        self.world, self.point = world, 0
        self.merged: dict[str, dict[str, Any]] = {}

    def after(self, point: int) -> Oracle:
        """The model after one more sync that stood at that sequence number."""
        later = Oracle(self.world)
        later.point, later.merged = point, dict(self.merged)
        latest = {key: (op, record) for _seq, op, key, record in self.world.log[self.point : point]}
        for key, (op, record) in latest.items():
            if op == "delete":
                if key in later.merged:
                    later.merged[key] = later.merged[key] | {"status": "removed"}
                continue
            values, errors = read_values(record, CONNECTOR)
            if not errors:
                later.merged[key] = _fold(later.merged.get(key, {}), values)
        return later

    def state(self, keys: Collection[str] | None = None) -> State:
        """source key → digest of business columns; of these keys alone where some are named."""
        return {key: _digest(values) for key, values in self.merged.items() if keys is None or key in keys}


def expected_state(world: World, *points: int) -> State:
    """After syncs that stood at these sequence numbers, and one at the end."""
    oracle = Oracle(world)
    for point in (*points, world.seq):
        oracle = oracle.after(point)
    return oracle.state()


def _fold(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    new = dict(new)
    former = set(old.get("former", ())) | {entry["name"] for entry in new.pop("former_names", [])}
    if old and old["name"] != new["name"]:
        former.add(old["name"])
    grades = dict(old.get("grades", {}))
    for g in new.pop("grades", []):
        grades[f"{g['grade']} {g['valid_from']}"] = g["valid_to"]
    new.pop("former_codes", None)
    if "street_code" not in new and new["district_code"] != old.get("district_code"):
        new["street_code"] = ""
    return old | new | {"former": sorted(former - ({new["name"]} if not old else set())), "grades": grades}


def _digest(values: dict[str, Any]) -> str:
    shown = {name: values.get(name) or "" for name in _TEXTS}
    for name in ("registered_capital", "annual_revenue"):
        shown[name] = None if values.get(name) is None else f"{Decimal(values[name]):.4f}"
    for name in ("revenue_year", "employees", "uscc"):
        shown[name] = values.get(name)
    shown["products"] = values.get("products") or []
    shown["former"], shown["grades"] = values.get("former", []), values.get("grades", {})
    assert set(shown) == set(_COLUMNS)
    return hashlib.sha256(json.dumps(shown, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def state_of_database(keys: Collection[str] | None = None) -> State:
    """The same digests from the tables, in one query."""
    which = "" if keys is None else "WHERE c.id IN (SELECT company_id FROM crm_sourcelink WHERE key = ANY(%s))"
    with connection.cursor() as db:
        db.execute(f"""
            SELECT (SELECT l.key FROM crm_sourcelink l WHERE l.company_id = c.id), jsonb_build_object(
                {", ".join(f"'{name}', to_jsonb({name})" for name in _TEXTS)},
                'registered_capital', registered_capital::text, 'annual_revenue', annual_revenue::text,
                'revenue_year', revenue_year, 'employees', employees, 'products', products,
                'uscc', (SELECT min(value) FROM crm_companyidentifier i WHERE i.company_id = c.id AND valid_to IS NULL),
                'former', (SELECT coalesce(jsonb_agg(name ORDER BY name COLLATE "C"), '[]') FROM crm_companyname n
                           WHERE n.company_id = c.id),
                'grades', (SELECT coalesce(jsonb_object_agg(grade || ' ' || valid_from, valid_to), '{{}}')
                           FROM crm_companygrade g WHERE g.company_id = c.id))
            FROM crm_company c {which}""", None if keys is None else [list(keys)])  # noqa: S608
        rows = db.fetchall()
    return {key: _digest(_loaded(value)) for key, value in rows}


def _loaded(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found
