from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.sync import strict

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4) | st.just('":'), inner),
    max_leaves=15,
)


@given(VALUES, st.sampled_from([None, (",", ":"), (" ,", " :"), (",\n", "\t:\n")]), st.booleans())
def test_reads_what_json_reads(value: Any, separators: Any, ascii_only: bool) -> None:
    raw = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(raw.decode())
    except UnicodeDecodeError:
        with pytest.raises(strict.NotStrict):
            strict.load(raw)
        return
    assert strict.load(raw) == expected


BLANKS = st.text(alphabet=" \t\r\n", max_size=2)


@given(st.text(max_size=3), VALUES, BLANKS, BLANKS, st.booleans())
def test_a_key_written_twice_is_never_missed(key: str, value: Any, before: str, after: str, deep: bool) -> None:
    try:
        name, inner = json.dumps(key, ensure_ascii=False).encode().decode(), json.dumps(value)
    except UnicodeEncodeError:
        return
    raw = f'{{"x{key and "y"}":[{inner}],{name}{before}:{after}1,{json.dumps(key)}{after}:{before}2}}'
    if deep:
        raw = f'[{{"a":{raw}}}]'
    with pytest.raises(strict.NotStrict, match="重复的键"):
        strict.load(raw.encode())
    assert strict.load(f"{{{name}{before}:1}}".encode()) == {key: 1}  # canary: once is fine


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"NaN", b'{"a": Infinity}', b'"\xff"', b"[" * 90_000, b"1e999", b"\xef\xbb\xbf{}", b"{} {}"]
)
def test_what_is_no_clean_json_is_refused(raw: bytes) -> None:
    with pytest.raises(strict.NotStrict):
        strict.load(raw)
    strict.lenient(raw)
