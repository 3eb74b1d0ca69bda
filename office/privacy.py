"""Telephone numbers and e-mail addresses: one written form to store and compare, and a mask that cannot be undone.

Names are kept: an officer has to know whom a record is about, and a name alone reaches nobody. What reaches a person
(telephone, e-mail, WeChat) is masked for every role, and shown only through a logged reveal or export.
"""

from __future__ import annotations

import re
import unicodedata

STARS = "****"
HIDDEN = 4  # digits that a mask hides at least
HEAD, TAIL = 3, 4
LOCAL = 7  # a number that can be dialled inside a city
LONG = 10  # from here on a number carries a network or area prefix

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(?P<area>010|02\d|0[3-9]\d{2}|000)(?P<local>\d{7,8})")
_SERVICE = re.compile(r"[48]00\d{7}")
_FOREIGN = re.compile(r"\+\d{6,15}")
_SHORT = re.compile(r"\d{3,8}")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#)\s*(?P<extension>\d{1,6})$", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[\s()\-‐-―.·/_]+")

_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－＠", "0123456789+-@")
# In running text: only what is surely a number that reaches somebody.
_IN_TEXT = re.compile(
    r"(?<!\d)(?:(?:\+|00)?86[\s-]?)?1[3-9]\d(?:[\s-]?\d{4}){2}(?!\d)"
    r"|(?<!\d)0\d{2,3}[\s-]?\d{7,8}(?!\d)"
    r"|(?<!\d)\+\d{1,3}[\s-]?\d{3,5}[\s-]?\d{3,8}(?!\d)"
)
_EMAIL_IN_TEXT = re.compile(r"[\w.%+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")


class PhoneError(ValueError):
    """The text is no telephone number that we know how to store."""


def canonical_phone(text: str) -> str:
    """ "+86 138-0000 1234" → "13800001234", "０７５５－2233 4455转8012" → "075522334455-8012"; raises PhoneError.

    What it returned it leaves as it is.
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if found := _EXTENSION.search(folded):
        return f"{_digits(folded[: found.start()])}-{found['extension']}"
    try:
        return _digits(folded)
    except PhoneError:
        number, dash, extension = folded.rpartition("-")  # "0755-22334455-8012"
        if not dash or not re.fullmatch(r"\d{1,6}", extension):
            raise
        return f"{_digits(number)}-{extension}"


def _digits(text: str) -> str:
    digits = re.sub(r"^(?:\+|00)86(?=\d{9,})", "", _PUNCTUATION.sub("", text))
    if not any(shape.fullmatch(digits) for shape in (_MOBILE, _LANDLINE, _SERVICE, _FOREIGN, _SHORT)):
        raise PhoneError("号码看不懂：请填手机号、带区号的固定电话（可加“转分机”）、400/800 号码或以 + 开头的境外号码")
    return digits


def format_phone(canonical: str) -> str:
    """As people dial it: a landline with a hyphen after its area code, which also keeps a spreadsheet from eating the 0."""
    number, _dash, extension = canonical.partition("-")
    if found := _LANDLINE.fullmatch(number):
        number = f"{found['area']}-{found['local']}"
    return f"{number}转{extension}" if extension else number


def mask_phone(text: str) -> str:
    """ "138****5678", "0755-****4455", and nothing of a number too short to hide in. Any text comes out masked."""
    if not text:
        return ""
    try:
        number, _dash, extension = canonical_phone(text).partition("-")
    except PhoneError:
        return STARS
    if found := _LANDLINE.fullmatch(number):
        head, rest = f"{found['area']}-", found["local"]
    else:
        plus = "+" if number.startswith("+") else ""
        digits = number.removeprefix("+")
        prefix = digits[:HEAD] if len(digits) >= LONG else ""
        head, rest = plus + prefix, digits.removeprefix(prefix)
    shown = min(TAIL, max(0, len(rest) - HIDDEN)) if len(rest) >= LOCAL else 0
    return head + STARS + (rest[-shown:] if shown else "") + (f"转{STARS}" if extension else "")


def mask_email(text: str) -> str:
    """ "z****@example.com": the first letter and the domain; nothing of a name of one letter."""
    if not text:
        return ""
    name, at, domain = text.rpartition("@")
    return f"{name[0] if len(name) > 1 else ''}{STARS}@{domain}" if at else STARS


def mask_word(text: str) -> str:
    """For what has no structure of its own (a WeChat id)."""
    return STARS if text else ""


def mask_text(text: str) -> str:
    """Every telephone number and e-mail address inside a text, for logs and error reports."""
    return _EMAIL_IN_TEXT.sub(_masked_email, _IN_TEXT.sub(_masked_phone, text.translate(_FULL_WIDTH)))


def carries_personal(text: str) -> bool:
    """Whether a text holds something that reaches a person."""
    return mask_text(text) != text.translate(_FULL_WIDTH)


def _masked_phone(found: re.Match[str]) -> str:
    return mask_phone(found.group())


def _masked_email(found: re.Match[str]) -> str:
    return mask_email(found.group().replace("%40", "@"))
