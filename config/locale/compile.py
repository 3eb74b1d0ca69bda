"""Compile every .po below this folder into the .mo beside it, without gettext tools: python config/locale/compile.py"""

from __future__ import annotations

import ast
import re
import struct
from pathlib import Path

FIELD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?) ((?:"(?:[^"\\]|\\.)*"\s*)+)$', re.M)


def read_po(text: str) -> dict[str, str]:
    """Key → translation as a .mo holds them: context before \\x04, plural forms split by \\x00."""
    messages: dict[str, str] = {}
    for number, block in enumerate(re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text).strip()), 1):
        fields = {name: ast.literal_eval(f"({strings})") for name, strings in FIELD.findall(block + "\n")}
        if FIELD.sub("", block + "\n").strip() or "msgid" not in fields:
            raise ValueError(f"第 {number} 段读不懂，请检查引号与换行：\n{block}")
        key = "\x04".join(fields[name] for name in ("msgctxt", "msgid") if name in fields)
        key += "".join("\x00" + fields[name] for name in ("msgid_plural",) if name in fields)
        if key in messages:
            raise ValueError(f"第 {number} 段与前文重复：{key!r}")
        messages[key] = "\x00".join(value for name, value in fields.items() if name.startswith("msgstr"))
    return {key: value for key, value in messages.items() if value}


def to_mo(messages: dict[str, str]) -> bytes:
    """The GNU .mo file: header, table of keys, table of values (length and offset each), then the strings."""
    pairs, strings, tables = sorted((k.encode(), v.encode()) for k, v in messages.items()), b"", b""
    for text in [key for key, _ in pairs] + [value for _, value in pairs]:
        tables += struct.pack("<II", len(text), 28 + 16 * len(pairs) + len(strings))
        strings += text + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + tables + strings


if __name__ == "__main__":
    for po in sorted(Path(__file__).parent.rglob("*.po")):
        po.with_suffix(".mo").write_bytes(to_mo(read_po(po.read_text(encoding="utf-8"))))
        print(po.with_suffix(".mo").name)
