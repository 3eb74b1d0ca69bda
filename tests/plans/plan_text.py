"""Reads the plan's own text, where it lies beside the repository, into anchors and blocks. Only the tests use it.

The text is never committed. A page break looks like a paragraph break there, so a block that does not end a sentence
is joined to the next one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PLAN_TEXT = Path(__file__).resolve().parents[3] / "shared" / "plan" / "luohu-145-plan.txt"

_CHAPTER = re.compile(r"^([一二三四五六])、(.+)$")
_SECTION = re.compile(r"^（([一二三四五六])）(.+)$")
_ITEM = re.compile(r"^(\d)\. ?(.+)$")
_BOX = re.compile(r"^专栏 ?(\d) ?(.+)$")
_TITLED = re.compile(r"^([表图]\d) (.+)$")
_SENTENCE_END = "。！？"
# Page breaks that the rule above cannot see: one tail begins after a full stop that the scan put in by mistake.
_CONTINUATIONS = ("构，鼓励其",)


@dataclass
class PlanText:
    """`anchors` in order; `titles`: heading → as printed; `blocks`: paragraph → text; `table`: rows of Table 1."""

    anchors: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    table: list[list[str]] = field(default_factory=list)
    pages: dict[str, int] = field(default_factory=dict)

    def open(self, anchor: str, title: str) -> None:
        self.titles[anchor] = title
        self.anchors.append(anchor)

    def add(self, heading: str, text: str) -> None:
        number = 1 + sum(1 for anchor in self.blocks if anchor.rpartition("#")[0] == heading)
        self.blocks[f"{heading}#{number}"] = text
        self.anchors.append(f"{heading}#{number}")


@dataclass
class _Place:
    """Where the reader stands: chapter, section and item, and the heading that paragraphs belong to."""

    chapter: str = ""
    section: str = ""
    item: str = ""
    heading: str = "前言"

    def enter(self, line: str) -> tuple[str, str] | None:
        """(anchor, title) where the line is a heading, a box, a table's or a figure's title."""
        if match := _CHAPTER.match(line):
            self.chapter = self.section = self.item = self.heading = match[1]
        elif match := _SECTION.match(line):
            self.section = self.item = self.heading = f"{self.chapter}({match[1]})"
        elif match := _ITEM.match(line):
            self.item = self.heading = f"{self.section}{match[1]}"
        elif match := _BOX.match(line):
            self.heading = f"{self.item}专栏{match[1]}"
        elif match := _TITLED.match(line):
            return f"{self.section}{match[1]}", match[2]
        return (self.heading, match[2]) if match else None


def read_plan_text(path: Path = PLAN_TEXT) -> PlanText:
    return parse_plan_text(path.read_text(encoding="utf-8"))


def parse_plan_text(text: str) -> PlanText:
    contents, _, body = text.partition("前 言")
    plan, place, pending = PlanText(pages=_contents_pages(contents)), _Place(), ""
    plan.open("前言", "前言")
    for line in filter(None, map(str.strip, body.splitlines())):
        if "\t" in line:
            plan.table.append(line.split("\t"))
            continue
        if pending and not _ends(pending, line):
            pending += line
            continue
        if pending:
            plan.add(place.heading, pending)
        entered = place.enter(line)
        pending = "" if entered else line
        if entered:
            plan.open(*entered)
    if pending:
        plan.add(place.heading, pending)
    return plan


def _ends(pending: str, following: str) -> bool:
    return pending[-1] in _SENTENCE_END and not following.startswith(_CONTINUATIONS)


def _contents_pages(contents: str) -> dict[str, int]:
    pages, chapter = {}, ""
    for line in contents.splitlines():
        if match := re.match(r"^([一二三四五六])、.*?\.+\t?\s*(\d+)$", line):
            chapter = match[1]
            pages[chapter] = int(match[2])
        elif match := re.match(r"^\(([一二三四五六])\).*?\.+\t?\s*(\d+)$", line):
            pages[f"{chapter}({match[1]})"] = int(match[2])
    return pages
