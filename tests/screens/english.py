"""Which English words a page shows: text that people see or hear, less codes, acronyms and an explicit list."""

from __future__ import annotations

import re
from collections.abc import Collection
from html.parser import HTMLParser

# pre: the text of a file, shown as it is
HIDDEN_TAGS = {"script", "style", "svg", "template", "pre"}
VOID_TAGS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SPOKEN_ATTRIBUTES = ("title", "placeholder", "aria-label", "alt", "data-label")
BUTTON_TYPES = {"submit", "button", "reset"}
ICON_CLASS = "material-symbols-outlined"  # the word is a ligature that the font draws as an icon

# Names that Chinese official writing itself leaves in Latin letters; everything else has a Chinese name.
ALLOWED = frozenset({"AIoT", "Mini", "SaaS", "PaaS", "IaaS", "DevOps", "Linux", "Ctrl", "Command", "esc", "cookie"})
ACRONYM = re.compile(r"[A-Z]{1,6}s?")
# All capitals, yet a word of a screen and no acronym.
SHOUTED = frozenset({
    "ADD", "ALL", "CANCEL", "CLEAR", "CLOSE", "DELETE", "EDIT", "ERROR", "FALSE", "FILTER", "GO", "HOME", "LOGIN",
    "LOGOUT", "NEW", "NEXT", "NO", "NONE", "NULL", "OK", "RESET", "RUN", "SAVE", "SEARCH", "SUBMIT", "TODO", "TRUE",
    "VIEW", "YES",
})
NOT_PROSE = re.compile(
    r"https?://\S+"  # addresses
    r"|[\w.+-]+@[\w-]+\.[\w.]+"  # mail addresses
    r"|\b[\w*-]*\.(?:json|csv|xlsx|docx|pdf|html)\b"  # file names
    r"|\bchain/\d+"  # the name of a file format
    r"|\S*\*{3,}"  # masked: a password's salt
    r"|\b(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]+(?:\.\d+)*"  # anything with a digit: C000123, 5G, Web3.0, 2026-07
)
WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool]] = []  # tag, and whether what stands inside is hidden
        self.texts: list[str] = []

    @property
    def hidden(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        hidden = self.hidden or tag in HIDDEN_TAGS or ICON_CLASS in values.get("class", "").split()
        if not hidden:
            self.texts += [values[name] for name in SPOKEN_ATTRIBUTES if values.get(name)]
            if tag == "input" and values.get("type") in BUTTON_TYPES:
                self.texts.append(values.get("value", ""))
        if tag not in VOID_TAGS:
            self.open.append((tag, hidden))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID_TAGS:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.open) - 1, -1, -1):
            if self.open[place][0] == tag:
                del self.open[place:]
                return

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.texts.append(" ".join(data.split()))


def visible_texts(html: str) -> list[str]:
    """The pieces of text of a page that a person sees, or hears from a screen reader."""
    parser = _Visible()
    parser.feed(html)
    parser.close()
    return parser.texts


def _is_english(word: str, known: Collection[str]) -> bool:
    if len(word) == 1 or word in ALLOWED or word in known:
        return False
    return word in SHOUTED or not ACRONYM.fullmatch(word)


def english_in(html: str, *, codes: Collection[str] = ()) -> list[str]:
    """Every visible text that holds an English word, as "words ← text".

    `codes` are values of the data that stay as they are, such as user names.
    """
    found = []
    longest_first = sorted(codes, key=len, reverse=True)
    whole = re.compile("|".join(rf"(?<![A-Za-z0-9_-]){re.escape(code)}(?![A-Za-z0-9_-])" for code in longest_first))
    for text in visible_texts(html):
        prose = NOT_PROSE.sub(" ", whole.sub(" ", text) if codes else text)
        words = [word for word in WORD.findall(prose) if _is_english(word, codes)]
        if words:
            found.append(f"{' '.join(words)} ← {text[:160]}")
    return list(dict.fromkeys(found))
