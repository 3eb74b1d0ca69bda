"""A company's text as weighted items with what the company does there: make, design, trade or service."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from chains.analysis.placement import boilerplate
from chains.analysis.placement.parameters import PlacerParameters
from chains.analysis.placement.records import CompanyText, Product, Where

VERBS = {
    "make": "生产 制造 加工 制作 组装 装配 铸造 冶炼 酿造 印刷 养殖 种植 建造 施工 镶嵌 封装 代工",
    "design": "研发 研究 研制 开发 设计 技术开发 技术研发 试验发展 研究开发",
    "trade": "销售 批发 零售 购销 贸易 经销 分销 代销 直销 代理 进出口 进口 出口 采购 收购 批零 回收 网上销售 "
    "互联网销售",
    "service": "服务 咨询 维修 维护 安装 租赁 出租 检测 检验 测试 运营 培训 策划 推广 售后 运输 仓储 配送 管理 鉴定 "
    "评估 托管 调试 保养 售后服务 技术服务 技术咨询 技术转让 技术推广 技术支持",
}
# Verbs that say what is done with something else; the other ones can be a business by themselves (印刷, 仓储, 检测).
_BARE = (
    "生产 制造 加工 制作 组装 装配 研发 研究 研制 开发 设计 技术开发 技术研发 研究开发 销售 批发 零售 购销 贸易 经销 "
    "分销 代销 代理 进出口 进口 出口 采购 批零 网上销售 服务 咨询 维修 维护 安装 租赁 售后 售后服务 技术服务 技术咨询"
)
BARE_VERBS = frozenset(_BARE.split())
NAME_WORDS = {
    "trade": r"贸易|商贸|经贸|工贸|销售|批发|零售|商行|商场|供应链|进出口",
    "make": r"制造|生产|加工|工厂|工业|制品厂|厂$",
    "design": r"设计|研发|研究院|研究所|研究中心",
    "service": r"服务|咨询|检测|培训|物流|运营|租赁|管理",
}
_ACTIVITY = {word: activity for activity, words in VERBS.items() for word in words.split()}
_WORDS = "|".join(sorted(_ACTIVITY, key=lambda word: (-len(word), word)))
_JOIN = r"(?:以及|[及和与并兼或的之])"
_TRAILING = re.compile(rf"({_WORDS})(?:等?(?:业务|服务|活动|项目))?等?$")
_LEADING = re.compile(rf"^(?:专业|主要)?(?:从事|提供|经营|承接)?({_WORDS})(?={_JOIN}|.)")
_LEFT_JOIN, _RIGHT_JOIN = re.compile(rf"^{_JOIN}+"), re.compile(rf"{_JOIN}+$")
_VERB_AND_THING = re.compile(rf"({_WORDS})(?:以及|[及和与并兼])(?!(?:{_WORDS})|其|相关|配套)")
_NAME_WORDS = {activity: re.compile(pattern) for activity, pattern in NAME_WORDS.items()}
_LEGAL_BRACKET, _HEADINGS = re.compile(boilerplate.LEGAL_BRACKET), re.compile(boilerplate.HEADINGS)
_LICENSED = re.compile(boilerplate.LICENSED_HEADING)
_REMARKS = [re.compile(pattern) for pattern in (*boilerplate.EXCEPTIONS, boilerplate.LEGAL_CLAUSE)]
_STOP_ITEM = re.compile("|".join(f"(?:{pattern})" for pattern in boilerplate.STOP_ITEMS))
_COMPANY_FORMS, _NAME_REGION = re.compile(boilerplate.COMPANY_FORMS), re.compile(boilerplate.NAME_REGION)
_SENTENCE, _ITEM = re.compile(r"[;。!?\n]+"), re.compile(r"[、,:/()\[\]]+")


class Item(NamedTuple):
    """One thing named in a text and the verb words that go with it."""

    text: str
    thing: str  # the text without its verbs
    verbs: frozenset[str]

    @property
    def activities(self) -> frozenset[str]:
        return frozenset(_ACTIVITY[verb] for verb in self.verbs)

    @property
    def phrases(self) -> tuple[str, ...]:
        """Thing and verb side by side, so that the keyword 黄金批发 is found in 黄金、铂金的批发."""
        return tuple(sorted({self.thing + verb for verb in self.verbs} - {self.text}))


@dataclass(frozen=True)
class Segment:
    """One item of text; `activities` is empty when the text does not say what is done; `weight` is its place weight."""

    where: Where
    text: str
    activities: frozenset[str]
    weight: float
    phrases: tuple[str, ...] = ()
    row: int = 0  # which product of the list; one product may name several things


def fold(text: str) -> str:
    """One form for one word: NFKC, lower case, blanks only between Latin letters or digits."""
    text = re.sub(r"[\r\n]+", ";", unicodedata.normalize("NFKC", text)).lower()
    text = re.sub(r"[【〔]", "(", re.sub(r"[】〕]", ")", text))
    return re.sub(r"(?<![a-z0-9]) | (?![a-z0-9])", "", re.sub(r"\s+", " ", text.strip()))


def segments(company: CompanyText, parameters: PlacerParameters) -> list[Segment]:
    """Everything a company says, boilerplate removed, in reading order: name, scope items, products."""
    found = _name(company.name, parameters)
    general, licensed = scope_sections(company.scope)
    for position, item in enumerate(general):
        weight = max(parameters.position_floor, 1 / (1 + parameters.position_decay * position))
        found.append(Segment("scope", item.text, item.activities, weight, item.phrases))
    weight = parameters.position_floor
    found += [Segment("scope", item.text, item.activities, weight, item.phrases) for item in licensed]
    for row, product in enumerate(company.products):
        share = product_share(product)
        weight = parameters.position_floor if share is None else share
        items = scope_items(product.name)
        found += [Segment("products", item.text, item.activities, weight, item.phrases, row) for item in items]
    return found


def product_share(product: Product) -> float | None:
    """The revenue share held inside 0..1; None when it is not known."""
    return None if product.revenue_share is None else min(1.0, max(0.0, product.revenue_share))


def _name(name: str, parameters: PlacerParameters) -> list[Segment]:
    text = _COMPANY_FORMS.sub("", _NAME_REGION.sub("", fold(name)))
    if not text:
        return []
    activities = frozenset(activity for activity, words in _NAME_WORDS.items() if words.search(text))
    return [Segment("name", text, activities, parameters.name_weight)]


def scope_sections(scope: str) -> tuple[list[Item], list[Item]]:
    """Items of a scope, and those behind a heading of licensed business; these come first when they come alone."""
    general, *licensed = (_items(part) for part in _LICENSED.split(clean(scope)))
    listed = [item for part in licensed for item in part]
    return (general, listed) if general else (listed, [])


def scope_items(text: str) -> list[Item]:
    """Items of a text with the activities that its verbs give them; boilerplate and exceptions are gone."""
    general, licensed = scope_sections(text)
    return general + licensed


def _items(text: str) -> list[Item]:
    found: list[Item] = []
    for sentence in _SENTENCE.split(text):
        found += _with_verbs(split_items(sentence))
    return [item for item in found if not is_stop_item(item.text)]


def split_items(text: str) -> list[str]:
    """The parts of a folded text between commas, slashes, colons and brackets."""
    return [part for part in _ITEM.split(text) if part]


def clean(scope: str) -> str:
    """The scope without legal remarks, headings and what the company says it does not do."""
    text = fold(scope)
    text = _HEADINGS.sub(";", _LEGAL_BRACKET.sub("", text))
    for pattern in _REMARKS:
        text = pattern.sub("", text)
    return _VERB_AND_THING.sub(r"\1、", text)


def is_stop_item(text: str) -> bool:
    """Whether a whole item is one that everybody lists."""
    return _STOP_ITEM.fullmatch(text) is not None


def _with_verbs(items: list[str]) -> list[Item]:
    """Give every thing its verbs.

    "X、Y的研发、生产" gives both verbs to both things, "销售X、Y" likewise; "X销售、Y" says nothing of Y. A verb
    standing alone belongs to the things before it, or, when nothing stands before it, to those after it.
    """
    things: list[tuple[str, str]] = []
    verbs: list[set[str]] = []
    waiting: list[int] = []  # things that still look for a verb behind them
    served: list[int] = []  # things that the newest verb group was given to
    ahead: set[str] = set()  # verbs that wait for things
    for item in items:
        thing, trailing = _strip_trailing(item)
        own = not thing and not trailing <= BARE_VERBS
        if thing or own:
            things.append((item, thing or item))
            verbs.append(set())
        elif not things:
            ahead |= trailing
        if trailing:
            served = [*waiting, len(things) - 1] if thing else (waiting or served) + [len(things) - 1] * own
            waiting = []
            for place in served:
                verbs[place] |= trailing
            ahead = set() if thing else ahead
            continue
        rest, leading = _strip_leading(item)
        if leading:
            ahead = ahead | leading if len(things) == 1 else leading
            things[-1] = (item, rest)
        if ahead:
            verbs[-1] |= ahead
            served = [len(things) - 1]
        else:
            waiting.append(len(things) - 1)
    return [Item(text, thing, frozenset(found)) for (text, thing), found in zip(things, verbs, strict=True)]


def _strip_trailing(item: str) -> tuple[str, set[str]]:
    """What is left of an item when its verbs at the end are taken off, and those verbs."""
    found: set[str] = set()
    while match := _TRAILING.search(item):
        found.add(match[1])
        item = _RIGHT_JOIN.sub("", item[: match.start()])
    return item, found


def _strip_leading(item: str) -> tuple[str, set[str]]:
    """The same at the front; at least one character stays."""
    found: set[str] = set()
    while match := _LEADING.search(item):
        found.add(match[1])
        item = _LEFT_JOIN.sub("", item[match.end() :]) or item[match.end() :]
    return item, found
