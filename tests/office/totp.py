"""RFC 6238 by the letter, written apart from the library that the program uses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time


def code_at(secret: str, *, steps: int = 0) -> str:
    counter = int(time.time()) // 30 + steps
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[19] & 15
    return str((int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF) % 10**6).zfill(6)
