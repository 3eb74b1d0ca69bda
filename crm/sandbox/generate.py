"""A made-up enterprise database: deterministic from its seed, no clock, no I/O but the vocabulary file.

The companies have plausible Shenzhen shape and belong to nobody: brands are put together from rare characters, codes
lie in region 000000, addresses on invented roads, and every record says `sample`. What a company really does
(`World.truth`) is never served: it is there to score the placement against.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from stdnum.cn.uscc import calc_check_digit

from crm.codes import division_name, street_name, streets

VOCABULARY = Path(__file__).with_name("vocabulary.json")
WORLD_DAY = dt.date(2026, 11, 20)
REVENUE_YEAR = 2025
CHAINLESS_SHARE = 0.25
Record = dict[str, Any]

_MOD11_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# grade → (issuer, years it holds, chance for a maker or software firm, chance for any other)
_GRADES: dict[str, tuple[str, int | None, float, float]] = {
    "high_tech": ("科技部门", 3, 0.30, 0.02), "tech_sme": ("科技部门", 1, 0.25, 0.02),
    "innovative_sme": ("工业和信息化部门", 3, 0.16, 0.01), "provincial_srdi": ("工业和信息化部门", 3, 0.10, 0.004),
    "national_little_giant": ("工业和信息化部门", 3, 0.025, 0.0), "gazelle": ("科技部门", 2, 0.01, 0.001),
    "headquarters": ("发展改革部门", None, 0.004, 0.008), "listed": ("证券交易所", None, 0.006, 0.004),
}


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(VOCABULARY.read_text(encoding="utf-8"))
    return loaded


def uscc_for(number: int) -> str:
    """The valid sample code number `number` (0 …): 91 000000, an organisation code of its own, check digit."""
    digits = ""
    for _ in range(6):
        number, rest = divmod(number, len(_ORG_ALPHABET))
        digits = _ORG_ALPHABET[rest] + digits
    body = "MA" + digits
    values = [int(c) if c.isdigit() else ord(c) - 55 for c in body]
    check = (11 - sum(v * w for v, w in zip(values, _MOD11_WEIGHTS, strict=True)) % 11) % 11
    front = "91000000" + body + ("X" if check == 10 else str(check))  # noqa: PLR2004
    return front + calc_check_digit(front)


@dataclass(slots=True)
class World:
    """The state behind the sandbox: present records, the change log, and what is really true."""

    seed: int
    records: dict[str, Record] = field(default_factory=dict)
    truth: dict[str, tuple[str, ...]] = field(default_factory=dict)
    log: list[tuple[int, str, str, Record]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    made: int = 0

    @property
    def seq(self) -> int:
        return self.log[-1][0] if self.log else 0

    def put(self, record: Record) -> None:
        """Write one version of a record with the next sequence number."""
        stamped = {**record, "seq": self.seq + 1}
        self.records[record["id"]] = stamped
        self.log.append((stamped["seq"], "upsert", record["id"], stamped))

    def remove(self, key: str) -> None:
        gone = self.records.pop(key)
        tombstone = {"id": key, "creditCode": gone["creditCode"], "seq": self.seq + 1}
        self.log.append((tombstone["seq"], "delete", key, tombstone))

    def found(self) -> Record:
        """A new company, registered in the world's name book, not yet written."""
        self.made += 1
        record, acts = make_company(Random(f"{self.seed}:{self.made}"), self.made, self.names)  # noqa: S311  (sample data)
        self.truth[record["id"]] = acts
        return record

    def advance(self, count: int) -> list[str]:
        """`count` deterministic changes; returns what happened, one word each."""
        return [change(self, Random(f"{self.seed}/{self.seq}")) for _ in range(count)]  # noqa: S311  (sample data)


def make_world(seed: int, companies: int) -> World:
    world = World(seed)
    for _ in range(companies):
        world.put(world.found())
    return world


def make_company(rng: Random, number: int, taken: set[str]) -> tuple[Record, tuple[str, ...]]:
    """One record as the source serves it, and the codes of the activities behind it."""
    words = vocabulary()
    district = _weighted(rng, words["districts"], [d["share"] for d in words["districts"]])
    main = _activity(rng, district["group"])
    acts = [main]
    if main["chain"] and rng.random() < 0.18:  # noqa: PLR2004
        other = _activity(rng, district["group"], chain=main["chain"])
        acts += [other] if other is not main else []
    revenue = _revenue(rng, main)
    name, brand = _name(rng, district["code"], main, taken)
    founded = WORLD_DAY - dt.timedelta(days=int(rng.betavariate(1.3, 2.2) * 30 * 365) + 60)
    street = _street(rng, district["code"])
    record: Record = {
        "id": f"SZ{number:07d}", "creditCode": uscc_for(104_729 * number % len(_ORG_ALPHABET) ** 6),
        "formerCreditCodes": [],
        "name": name, "shortName": brand + main["names"][0], "formerNames": _former_names(rng, name, brand, founded),
        "regStatus": _weighted(rng, [s for s, _ in words["statuses"]], [w for _, w in words["statuses"]]),
        "regCapital": _capital(rng, main), "establishDate": founded.isoformat(), "districtCode": district["code"],
        "streetCode": street, "address": _address(rng, district["code"], street), "industryCode": main["industry"],
        "businessScope": _scope(rng, acts), "annualRevenue": None if revenue is None else f"{revenue:.2f}",
        "revenueYear": None if revenue is None else REVENUE_YEAR, "employees": _employees(rng, main, revenue),
        "products": _products(rng, acts), "grades": _grades(rng, main), "legalPerson": "（示例，不提供）",
        "updatedAt": _updated(rng), "sample": True,
    }
    return record, tuple(a["code"] for a in acts)


def _weighted(rng: Random, items: list[Any], weights: list[float]) -> Any:
    return rng.choices(items, cum_weights=list(accumulate(weights)))[0]


@lru_cache(maxsize=64)
def _menu(group: str, chain: str | None) -> tuple[list[Any], list[float]]:
    """Activities of a district group with running weights; chain "" stands for the firms outside every chain."""
    acts = [a for a in vocabulary()["activities"] if (bool(a["chain"]) if chain is None else a["chain"] == chain)]
    return acts, list(accumulate(a["density"][group] for a in acts))


def _activity(rng: Random, group: str, chain: str | None = None) -> dict[str, Any]:
    if chain is None and rng.random() < CHAINLESS_SHARE:
        chain = ""
    acts, weights = _menu(group, chain)
    picked: dict[str, Any] = rng.choices(acts, cum_weights=weights)[0]
    return picked


def _name(rng: Random, district: str, main: dict[str, Any], taken: set[str]) -> tuple[str, str]:
    words = vocabulary()
    city = {"4403": "深圳市", "4419": "东莞市", "4401": "广州市", "4413": "惠州市", "4406": "佛山市"}[district[:4]]
    while True:
        brand = rng.choice(words["brand_first"]) + rng.choice(words["brand_second"])
        form = rng.choices(["有限公司", "股份有限公司", "（深圳）有限公司"], [92, 6, 2])[0]
        if form.startswith("（"):
            city = ""
        name = f"{city}{brand}{rng.choice(main['names'])}{form}"
        if name not in taken:
            taken.add(name)
            return name, brand


def _former_names(rng: Random, name: str, brand: str, founded: dt.date) -> list[Record]:
    if rng.random() >= 0.12:  # noqa: PLR2004
        return []
    until = founded + (WORLD_DAY - founded) * rng.uniform(0.2, 0.9)
    old = rng.choice(vocabulary()["brand_second"]) + rng.choice(vocabulary()["brand_first"])
    return [{"name": name.replace(brand, old), "until": until.isoformat()}]


def _revenue(rng: Random, main: dict[str, Any]) -> float | None:
    """Lognormal around the activity's usual revenue (元), for one company in eight unknown."""
    value = float(main["revenue_wan"]) * 10_000 * math.exp(rng.gauss(0, 1.1))
    return None if rng.random() < 0.12 else round(value, 2)  # noqa: PLR2004


def _employees(rng: Random, main: dict[str, Any], revenue: float | None) -> int | None:
    if rng.random() < 0.08:  # noqa: PLR2004
        return None
    output_per_head = 1_200_000 if main["industry"] < "5" else 1_800_000
    base = (revenue or main["revenue_wan"] * 10_000) / output_per_head
    return max(1, int(base ** 0.85 * math.exp(rng.gauss(0, 0.5))))


def _capital(rng: Random, main: dict[str, Any]) -> str:
    wan = round(max(3.0, main["revenue_wan"] * 0.12 * math.exp(rng.gauss(0, 1.0))), 2)
    kind = rng.random()
    if kind < 0.04:  # noqa: PLR2004
        return f"{wan:.0f}万港元"
    if kind < 0.055:  # noqa: PLR2004
        return f"{max(1, wan / 7):.0f}万美元"
    if kind < 0.25:  # noqa: PLR2004
        return f"{wan:,.2f}万元人民币"
    return f"{wan:.2f}万人民币" if kind < 0.6 else f"{max(1, round(wan, -1)):.0f}万人民币"  # noqa: PLR2004


@lru_cache(maxsize=16)
def _streets_of(district: str) -> tuple[str, ...]:
    return tuple(code for code, (name, area) in sorted(streets().items()) if area == district and name.endswith("街道"))


def _street(rng: Random, district: str) -> str:
    known = _streets_of(district)
    return rng.choice(known) if known else ""


def _address(rng: Random, district: str, street: str) -> str:
    words = vocabulary()["road_words"]
    road = rng.choice(words) + rng.choice(words) + rng.choice(["路", "街", "大道"])
    city = "深圳市" if district.startswith("4403") else ""
    place = f"{city}{division_name(district)}{street_name(street)}"
    return f"{place}{road}{rng.randint(1, 300)}号{rng.randint(1, 30)}层{rng.randint(1, 20):02d}室（示例地址）"


def _scope(rng: Random, acts: list[dict[str, Any]]) -> str:
    """A business scope with the boilerplate that real ones carry around the few words that matter."""
    words = vocabulary()
    general: list[str] = []
    for act in acts:
        general += rng.sample(act["scope"], rng.randint(max(1, len(act["scope"]) - 1), len(act["scope"])))
        if rng.random() < 0.5:  # noqa: PLR2004
            general.append(rng.choice(act["products"]) + rng.choice(["的销售", "的技术服务", "的购销"]))
    general += rng.sample(words["generic_scope"], rng.randint(2, 6))
    if rng.random() < 0.06:  # noqa: PLR2004  (firms write in what they hope to do one day)
        general.append(rng.choice(rng.choice(words["activities"])["scope"]))
    if rng.random() < 0.4:  # noqa: PLR2004
        rng.shuffle(general)
    licensed = rng.sample(words["licensed_scope"], rng.randint(0, 2))
    text = f"一般经营项目是：{'；'.join(general)}{words['tail_general']}"
    if licensed:
        text += f"，许可经营项目是：{'；'.join(licensed)}{words['tail_licensed']}"
    return text + "。"


def _products(rng: Random, acts: list[dict[str, Any]]) -> list[Record]:
    if rng.random() >= 0.34:  # noqa: PLR2004
        return []
    names = [p for act in acts for p in act["products"]]
    names = rng.sample(names, min(len(names), rng.randint(1, 4)))
    parts = [rng.uniform(0.2, 1.0) for _ in names]
    total = sum(parts) / rng.uniform(0.75, 0.98)
    return [{"name": n, "revenueShare": round(p / total, 3)} for n, p in zip(names, parts, strict=True)]


def _grades(rng: Random, main: dict[str, Any]) -> list[Record]:
    technical = main["industry"][:2] in {"26", "27", "35", "38", "39", "40", "64", "65", "73", "75"}
    found = []
    for code, (issuer, years, chance_technical, chance_other) in _GRADES.items():
        if rng.random() >= (chance_technical if technical else chance_other):
            continue
        start = WORLD_DAY - dt.timedelta(days=rng.randint(10, 1_500))
        end = None if years is None else start.replace(day=min(start.day, 28), year=start.year + years).isoformat()
        found.append({"grade": code, "issuer": issuer, "level": "", "validFrom": start.isoformat(), "validTo": end})
    return found


def _updated(rng: Random) -> str:
    moment = dt.datetime(2026, 11, 1, 8, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    return (moment - dt.timedelta(minutes=rng.randint(0, 500_000))).isoformat()


def change(world: World, rng: Random) -> str:
    """One step of the world: pick a company and let something usual happen to it."""
    kinds = {"revenue": 30, "capital": 12, "grade": 10, "move": 10, "rename": 6, "status": 8, "scope": 8, "recode": 2,
             "found": 10, "remove": 4}
    kind = rng.choices(list(kinds), list(kinds.values()))[0]
    if kind == "found":
        world.put(world.found())
        return kind
    key = rng.choice(sorted(world.records))
    if kind == "remove":
        world.remove(key)
        return kind
    world.put(_changed(world, dict(world.records[key]), kind, rng))
    return kind


def _changed(world: World, record: Record, kind: str, rng: Random) -> Record:
    day = WORLD_DAY.isoformat()
    record["updatedAt"] = day + "T09:00:00+08:00"
    if kind == "revenue":
        record |= {"annualRevenue": f"{float(record['annualRevenue'] or 1e7) * rng.uniform(0.6, 1.6):.2f}",
                   "revenueYear": REVENUE_YEAR}
    elif kind == "capital":
        record["regCapital"] = f"{rng.randint(1, 500) * 10 + 0.5:.2f}万人民币"
    elif kind == "grade":
        new = {"grade": "high_tech", "issuer": "科技部门", "level": "", "validFrom": day, "validTo": "2029-12-31"}
        record["grades"] = [g for g in record["grades"] if g["grade"] != "high_tech"] + [new]
    elif kind == "move":
        record["districtCode"] = rng.choice(["440303", "440304", "440305", "440307"])
        record["streetCode"] = _street(rng, record["districtCode"])
        record["address"] = _address(rng, record["districtCode"], record["streetCode"])
    elif kind == "rename":
        record["formerNames"] = [*record["formerNames"], {"name": record["name"], "until": day}]
        record["name"] = record["name"].replace("有限公司", f"（{world.seq}）有限公司")
    elif kind == "status":
        record["regStatus"] = rng.choice(["存续", "注销", "迁出", "吊销,未注销"])
    elif kind == "scope":
        record["businessScope"] = record["businessScope"].replace("项目是：", "项目是：供应链管理；", 1)
    elif kind == "recode":
        record["formerCreditCodes"] = [*record["formerCreditCodes"], {"creditCode": record["creditCode"], "until": day}]
        record["creditCode"] = uscc_for(31 ** 5 * 7 + world.seq)
    return record
