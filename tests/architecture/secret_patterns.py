"""What a secret looks like in text."""

from __future__ import annotations

import re

PATTERNS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "cloud key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bLTAI[0-9A-Za-z]{16,24}\b|\bAKID[0-9A-Za-z]{32}\b"),
    "token": re.compile(r"\b(?:ghp|gho|ghs|glpat|xox[bp]|sk|hf|npm|pypi)[-_][A-Za-z0-9_-]{20,}"),
    "json web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "robot": re.compile(r"(?:webhook/send\?key=|access_token=)[0-9a-f-]{32,}|open-apis/bot/v2/hook/[0-9a-f-]{30,}"),
    "password in an address": re.compile(r"\b[a-z]+://[^\s:/@'\"{}<>]+:([^\s:/@'\"{}<>]{3,})@[\w.-]+"),
    "assignment": re.compile(
        r"(?i)\b\w*(?:password|passwd|secret|api_?key|token|access_?key)\w*[\"']?\s*[:=]\s*[\"']([^\"'\s{}<>%$]{12,})[\"']"
    ),
}
# What stands in the place of a secret where there is none: words that say so, Chinese, dots, or a name in code.
STAND_IN = re.compile(r"…|\.\.\.|example|invalid|wrong|test|demo|pass-?word|changeme|django-insecure|[\u4e00-\u9fff]", re.I)
NAME = re.compile(r"[A-Za-z_]+(?:[.-][A-Za-z_]+)*/?|/[\w/-]+/?|[A-Z0-9_]+")


def secrets_in(text: str) -> list[str]:
    """Lines that hold something like a secret, as "kind: line"; longer than a person writes is data and is cut."""
    found = []
    for line in text.splitlines():
        for kind, pattern in PATTERNS.items():
            for match in pattern.finditer(line[:2000]):
                value = match[1] if pattern.groups and match[1] is not None else None
                if value is not None and (STAND_IN.search(value) or NAME.fullmatch(value)):
                    continue
                found.append(f"{kind}: {line.strip()[:120]}")
    return found
