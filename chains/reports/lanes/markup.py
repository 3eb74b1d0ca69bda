"""SVG elements as text. Every attribute and every word passes through `element`, and `element` escapes them all."""

from __future__ import annotations

import re
import unicodedata
from html import escape

# XML knows no way to write these, escaped or not; one in a name would break the whole picture.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FONTS = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, sans-serif"
WIDE_KINDS = {"W", "F", "A"}
# A line is best broken after these, or before an opening bracket.
AFTER, BEFORE = "、与和及/·，）)—-", "（("
# Most Chinese words have two characters: an even number since one of these is the likelier place between two words.
PARTING = re.compile(r"[、与和及/·，（）()—\-\s]|[!-~]+")
ELLIPSIS = "…"


class Markup(str):
    """Text that `element` made, so it needs no second escaping."""

    __slots__ = ()


def element(tag: str, attributes: dict[str, object], *children: Markup | str) -> Markup:
    """`stroke_width` is written stroke-width; a number is written short; None leaves the attribute out."""
    written = "".join(
        f' {name.replace("_", "-")}="{_written(value)}"' for name, value in attributes.items() if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else _written(child) for child in children)
    return Markup(f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>")


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(NOT_XML.sub("", str(value)))


def text(x: float, y: float, size: float, fill: str, words: str, **more: object) -> Markup:
    return element("text", {"x": x, "y": y, "font_size": size, "fill": fill, **more}, words)


def ems(words: str) -> float:
    """Estimated width in em: a Chinese character takes one, a Latin capital .7, what is left .55."""
    return sum(
        1.0 if unicodedata.east_asian_width(letter) in WIDE_KINDS else 0.7 if letter.isupper() else 0.55
        for letter in words
    )


def wrap(words: str, room: float) -> list[str]:
    """One or two lines of at most `room` em, broken where the words part and cut with an ellipsis at the end."""
    words = " ".join(words.split())
    if ems(words) <= room:
        return [words]
    cuts = [at for at in range(1, len(words)) if ems(words[:at].rstrip()) <= room]
    fitting = [at for at in cuts if ems(words[at:].lstrip()) <= room]

    def badness(at: int) -> float:
        parted = words[at - 1] in AFTER or words[at] in BEFORE or words[at - 1] == " " or words[at] == " "
        inside_word = all(letter.isascii() and letter.isalnum() for letter in words[at - 1 : at + 1])
        orphan = words[at] in AFTER
        since = len(PARTING.split(words[:at])[-1])
        uneven = abs(ems(words[:at]) - ems(words[at:])) / room
        return uneven - 1.0 * parted + 0.4 * (since % 2) + 2.0 * inside_word + 3.0 * orphan

    at = min(fitting, key=badness) if fitting else max(cuts, key=lambda cut: (words[cut] in BEFORE, cut))
    rest = words[at:].strip()
    while ems(rest) > room:
        rest = rest.removesuffix(ELLIPSIS)[:-1] + ELLIPSIS
    return [words[:at].strip(), rest]
