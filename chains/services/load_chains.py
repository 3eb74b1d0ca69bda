"""The chains of `fixtures/chains/` and the people who answer for them; safe to repeat."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from chains.analysis.chainfile import read_chain
from chains.models import Chain, ChainLeader, LeadFirm
from chains.services.publish import publish_chain
from office.csvfile import read_lines
from office.models import User
from plans.models import Clause

# The order in which the plan treats them, and every list shows them.
ORDER = (
    "software", "smart-terminal", "new-material", "safety-environment", "health", "digital-creative", "modern-fashion",
    "blockchain", "finance", "business-services", "trade", "gold-jewellery", "cultural-creative",
)


@dataclass(frozen=True)
class ChainsResult:
    chains: int
    published: int

    def __str__(self) -> str:
        return f"{self.chains} 条（新发布 {self.published} 版）"


def load_chains(*, folder: Path, now: dt.datetime) -> ChainsResult:
    """Publish each chain file on an empty chain. A chain that has a version is the bureau's own from then on."""
    published = 0
    paths = sorted(folder.glob("*.json"), key=lambda path: (path.stem not in ORDER, _place(path.stem), path.stem))
    for path in paths:
        if Chain.objects.filter(code=path.stem, versions__isnull=False).exists():
            continue
        result = publish_chain(
            document=read_chain(path.read_bytes()), now=now, note="随系统载入：据罗湖区产业发展“十四五”规划",
        )
        Chain.objects.filter(pk=result.version.chain_id).update(order=_place(path.stem))
        published += result.created
    return ChainsResult(len(paths), published)


def _place(code: str) -> int:
    return ORDER.index(code) + 1 if code in ORDER else len(ORDER) + 1


def load_people_of_chains(*, folder: Path, firms: Path) -> None:
    """Demo chain leaders and contacts, and the lead firms that the plan names, where a chain has none yet."""
    chains = {chain.code: chain for chain in Chain.objects.all()}
    people = {user.username: user for user in User.objects.filter(is_sample=True)}
    clauses = {clause.anchor: clause for clause in Clause.objects.all()}
    with transaction.atomic():
        for line in read_lines(folder / "chain_people.csv", ["chain", "leader", "contact", "since"]):
            chain = chains[line["chain"]]
            if not chain.leaders.exists():
                term = DateRange(dt.date.fromisoformat(line["since"]), None)
                ChainLeader.objects.create(chain=chain, user=people[line["leader"]], term=term)
            if chain.contact is None:
                chain.contact = people[line["contact"]]
                chain.save(update_fields=["contact"])
        for line in read_lines(firms, ["chain", "name", "clause"]):
            LeadFirm.objects.get_or_create(
                chain=chains[line["chain"]], name=line["name"], defaults={"clause": clauses[line["clause"]]}
            )
