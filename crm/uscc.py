"""统一社会信用代码 (GB 32100-2015): pure checks, Chinese messages."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from operator import mul

from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength

from crm.codes import read_rows

SAMPLE_REGION = "000000"
# Registrars with a letter, which python-stdnum does not know: 中央军委改革和编制办公室, 农业, 其他.
LETTER_REGISTRARS = "ANY"
_LENGTH = 18
# A million codes a run: the usual, clean code is checked by tables; every other one goes the long way for its message.
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CLEAN = re.compile(rf"[0-9]{{8}}[{_ALPHABET}]{{10}}")
_VALUES = bytes(_ALPHABET.find(chr(code)) % 256 for code in range(128)) + bytes(128)
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


class UsccError(ValueError):
    """The text is no valid code; the message says which rule it breaks."""


@lru_cache(maxsize=1)
def _prefixes() -> frozenset[str]:
    return frozenset(row["registrar"] + row["category"] for row in read_rows("uscc_registrar_codes.csv"))


def has_valid_check_digit(code: str) -> bool:
    """Of 18 letters of the alphabet."""
    values = code.encode().translate(_VALUES)
    return bool((31 - sum(map(mul, values, _WEIGHTS)) % 31) % 31 == values[17])  # noqa: PLR2004


def is_clean_uscc(text: str) -> bool:
    """Whether it is a valid code, in the form it is stored in, of a registrar with a digit."""
    return _CLEAN.fullmatch(text) is not None and text[:2] in _prefixes() and has_valid_check_digit(text)


def check_uscc(text: str) -> str:
    """The code in its compact upper-case form; raises UsccError."""
    if is_clean_uscc(text):
        return text
    code = unicodedata.normalize("NFKC", text).replace(" ", "").replace("-", "").upper()
    if len(code) != _LENGTH:
        raise UsccError(f"统一社会信用代码应为 18 位，现为 {len(code)} 位")
    if code[0] in LETTER_REGISTRARS:
        return _check_letter_registrar(code)
    if code[:2] not in _prefixes():
        raise UsccError(f"登记管理部门和机构类别代码 {code[:2]} 不存在")
    try:
        return str(stdnum_uscc.validate(code))
    except InvalidChecksum:
        raise UsccError("统一社会信用代码校验位不符，请核对是否抄错") from None
    except (InvalidFormat, InvalidLength, InvalidComponent):
        raise UsccError("统一社会信用代码含有不允许的字符（不使用 I、O、S、V、Z）") from None


def _check_letter_registrar(code: str) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    if not code[2:8].isdigit() or any(char not in alphabet for char in code):
        raise UsccError("统一社会信用代码含有不允许的字符（不使用 I、O、S、V、Z）")
    if stdnum_uscc.calc_check_digit(code[:17]) != code[17]:
        raise UsccError("统一社会信用代码校验位不符，请核对是否抄错")
    return code


def is_sample(code: str) -> bool:
    """Codes of region 000000 belong to nobody: sample companies."""
    return code[2:8] == SAMPLE_REGION
