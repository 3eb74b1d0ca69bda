"""Analysis and facts → the content of a gap report. Pure: same input, same content, so it can be frozen and compared.

The words of the report are made here and nowhere else; exporters print them and compute nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Json = dict[str, Any]

ACTION_WORDS = {"fill": "补链", "strengthen": "强链", "extend": "延链", "none": "—"}
STATUS_WORDS = {"missing": "空白", "weak": "薄弱", "strong": "优势"}
TIER_WORDS = {"upstream": "上游", "midstream": "中游", "downstream": "下游"}
CONTRIBUTION_WORDS = {
    "base": "基础", "criticality": "关键度", "dominance": "支配度", "local_demand": "本地需求", "policy": "政策",
}
EVIDENCE_WORDS = {"industry": "行业代码 {}", "similarity": "表述相近：{}", "product": "产品“{}”", "keyword": "{}"}
MOST_CANDIDATES = 5
MOST_CARRIERS = 3


@dataclass(frozen=True)
class ProjectFact:
    """A project aimed at a node: who comes, how far it is, who looks after it."""

    code: str
    name: str
    company: str
    stage: str
    phase: str
    since: str
    officer: str
    capacity: float | None
    next_step: str
    sample: bool


@dataclass(frozen=True)
class CandidateFact:
    """A company that does what a node needs, and what its landing would change."""

    code: str
    name: str
    district: str
    probability: float
    size: float | None
    expected_fall: float
    why: tuple[str, ...]
    followed_by: str
    sample: bool


@dataclass(frozen=True)
class CarrierFact:
    code: str
    name: str
    zone: str
    area_sqm: float | None
    clause: str


@dataclass(frozen=True)
class Facts:
    """What stands around the analysis: all by node code, save the carriers, which the plan names for a chain."""

    leader: str = ""
    contact: str = ""
    version: int = 1
    clause: str = ""
    targets: tuple[Json, ...] = ()
    lead_firms: tuple[str, ...] = ()
    carriers: tuple[CarrierFact, ...] = ()
    projects: Mapping[str, Sequence[ProjectFact]] = field(default_factory=dict)
    candidates: Mapping[str, Sequence[CandidateFact]] = field(default_factory=dict)
    unknown_size: Mapping[str, int] = field(default_factory=dict)
    company_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """Everything that a report says: `rows` in order of rank and the `context` of its first page."""

    rows: tuple[Json, ...]
    context: Json
    content_hash: str


def build(document: Json, analysis: Json, facts: Facts) -> Content:
    """Turn one analysis into report content; rank is by today's gap, widest first, the node's code breaking ties."""
    ordered = sorted(analysis["nodes"], key=lambda node: (-node["current"]["gap"], node["code"]))
    specs = {node["code"]: node for node in document["nodes"]}
    rows = tuple(_row(rank, node, specs[node["code"]], facts) for rank, node in enumerate(ordered, start=1))
    context = _context(document, analysis, facts, rows)
    return Content(rows, context, _content_hash(rows, context, analysis))


def _content_hash(rows: Sequence[Json], context: Json, analysis: Json) -> str:
    """A fingerprint of all that a reader sees except the date, so that an unchanged chain makes no new report."""
    undated = {key: value for key, value in analysis.items() if key not in ("as_of", "input_hash", "nodes")}
    # Intervals come from draws seeded by the input hash, which holds the date: leave them out as well.
    still = [{key: value for key, value in row.items() if key != "interval"} for row in rows]
    chain = {key: value for key, value in undated.pop("chain").items() if key != "interval"}
    text = json.dumps([still, context, undated, chain], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _row(rank: int, node: Json, spec: Json, facts: Facts) -> Json:
    code = node["code"]
    projects = [asdict(fact) for fact in facts.projects.get(code, ())]
    candidates = [asdict(fact) for fact in facts.candidates.get(code, ())][:MOST_CANDIDATES]
    officers = list(dict.fromkeys(project["officer"] for project in projects))
    return {
        "rank": rank, "code": code, "name": spec["name"], "tier": spec["tier"],
        "status": node["status"], "fragile": node["fragile"],
        "action": node["action"], "action_clause": node["action_clause"],
        "covered_by_pipeline": bool(node.get("covered_by_pipeline", False)),
        "gap": node["current"]["gap"], "gap_with_pipeline": node["with_pipeline"]["gap"],
        "contributions": node["current"]["contributions"],
        "interval": {**node["interval"], "thin": _is_thin(node)},
        "projects": projects, "candidates": candidates,
        "carriers": [asdict(fact) for fact in facts.carriers[:MOST_CARRIERS]] if node["action"] != "none" else [],
        "people": officers or ([facts.contact] if facts.contact else []),
        "next_step": next_step(node, projects, candidates, facts.contact),
    }


def evidence_words(item: Mapping[str, Any]) -> str:
    """One piece of placement evidence as a page prints it."""
    return EVIDENCE_WORDS.get(item.get("kind", ""), "{}").format(item["text"])


def _is_thin(node: Json) -> bool:
    """Companies may be here, but too little of their mass is settled to believe a figure to one decimal."""
    return bool(node["presence"] > 0 and node["interval"]["insufficient_data"])


def next_step(node: Json, projects: Sequence[Json], candidates: Sequence[Json], contact: str) -> str:
    """One sentence saying whom to call next: a project's own next step first, then the best company nobody follows."""
    if node["action"] == "none":
        return ""
    for project in projects:
        if project["next_step"]:
            return f"{project['officer']}：{project['next_step']}（{project['name']}，{project['stage']}）"
    if projects:
        first = projects[0]
        return f"请{first['officer']}更新“{first['name']}”的下一步（现为{first['stage']}，自 {first['since']}）"
    for candidate in candidates:
        if not candidate["followed_by"]:
            who = contact or "招商专班"
            return f"{who}联系{candidate['name']}（{candidate['district']}，匹配概率 {candidate['probability']:.0%}）"
    if candidates:
        first = candidates[0]
        return f"与{first['followed_by']}会商{first['name']}的引进"
    return "企业库中没有候选企业：扩大检索范围或补充该环节的关键词"


def _context(document: Json, analysis: Json, facts: Facts, rows: Sequence[Json]) -> Json:
    chain = analysis["chain"]
    acting = [row for row in rows if row["action"] != "none"]
    counts = {status: sum(row["status"] == status for row in rows) for status in STATUS_WORDS}
    return {
        "chain": document["chain"]["code"], "name": document["chain"]["name"], "unit": document["chain"].get("unit", ""),
        "leader": facts.leader, "contact": facts.contact, "version": facts.version, "clause": facts.clause,
        "targets": list(facts.targets), "lead_firms": list(facts.lead_firms),
        "carriers": [asdict(fact) for fact in facts.carriers],
        "status_counts": counts,
        "action_counts": {action: sum(row["action"] == action for row in rows) for action in ("fill", "strengthen", "extend")},
        "fragile": [row["name"] for row in rows if row["fragile"] and row["status"] != "missing"],
        "unknown_size": dict(facts.unknown_size),
        "projects": sum(len(row["projects"]) for row in rows),
        "findings": findings(chain, counts, acting, facts.company_names),
    }


def findings(
    chain: Json, counts: Mapping[str, int], acting: Sequence[Json], names: Mapping[str, str]
) -> list[str]:
    """The sentences of the first page, in the order in which a 链长 asks: how whole, where broken, who comes, what is open."""
    lines = []
    now, then = chain["current"]["completeness"], chain["with_pipeline"]["completeness"]
    total = sum(counts.values())
    if now is None:
        lines.append("本链尚未指定终端产出，完整度无从计算：请在链文件中标出终端环节。")
    else:
        lines.append(
            f"完整度 {now:.1%}，在途项目按概率落地后为 {then:.1%}；{total} 个环节中空白 {counts['missing']} 个、"
            f"薄弱 {counts['weak']} 个、优势 {counts['strong']} 个。"
        )
    if acting:
        widest = "、".join(f"{row['name']}（{ACTION_WORDS[row['action']]} {row['gap']:.1f}）" for row in acting[:3])
        lines.append(f"缺口最大的三处：{widest}。")
    coming = [row for row in acting if row["projects"]]
    if coming:
        places = "、".join(f"{row['name']}（{len(row['projects'])} 个）" for row in coming[:5])
        lines.append(f"已有项目指向 {len(coming)} 个缺口环节：{places}。")
    orphans = [row for row in acting if row["action"] == "fill" and not row["projects"]]
    if orphans:
        places = "、".join(row["name"] for row in orphans[:5])
        more = f"等 {len(orphans)} 处" if len(orphans) > 5 else ""  # noqa: PLR2004
        lines.append(f"尚无项目的补链环节：{places}{more}，须定人跟进。")
    worst = chain["current"].get("worst_company")
    if worst and worst.get("remaining") is not None and worst["remaining"] < 0.9:  # noqa: PLR2004
        name = names.get(worst["company"], worst["company"])
        lines.append(f"单点风险：若{name}退出，完整度只余现值的 {worst['remaining']:.0%}。")
    return lines
