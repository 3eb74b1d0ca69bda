"""The open chain file, chain/1: text → document, or every reason why not.

A bad file is refused whole. What is refused beyond the schema: a node code used twice, a reference to a node that the
file does not have (so also to one that was deleted), a node that supplies itself, two rows for one company at one node
(its mass counts once, and which row is meant nobody can know), a key written twice in one object, values that JSON
does not have (NaN, Infinity), text that no database can hold, and nesting deeper than any chain needs.
Legal: two nodes of one name, the same node twice among the alternatives of a group (the best one counts), cycles,
several rows for one project at one node (its phases), a company whose revenue shares sum to more than 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from chains.analysis.schema import accepts, defaults, dotted, faults, is_finite

FORMAT = "chain/1"
MAX_DEPTH = 32
_EXACT_INTEGERS = 2**53  # beyond, a float and an int of the same value may be written differently

Row = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One bad value: where it stands (`nodes[3].target_capacity`) and, in Chinese, what is wrong with it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ChainFileError(ValueError):
    """The file is refused; `problems` names every bad value."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("；".join(map(str, problems)))


@dataclass(frozen=True)
class ChainDocument:
    """A chain file that passed every check, with the default of each key that it left out.

    The rows are plain dicts and belong to the document: do not change them.
    """

    _data: Row

    @classmethod
    def of(cls, data: Row) -> Self:
        """Wrap a copy of data that has passed `problems_of`."""
        own: Row = json.loads(json.dumps(data))
        _fill(own)
        return cls(own)

    @property
    def chain(self) -> Row:
        head: Row = self._data["chain"]
        return head

    @property
    def nodes(self) -> list[Row]:
        return self._rows("nodes")

    @property
    def supply(self) -> list[Row]:
        return self._rows("supply")

    @property
    def placements(self) -> list[Row]:
        return self._rows("placements")

    @property
    def pipeline(self) -> list[Row]:
        return self._rows("pipeline")

    def _rows(self, key: str) -> list[Row]:
        rows: list[Row] = self._data[key]
        return rows

    def to_dict(self) -> Row:
        """The whole document, unknown keys and filled defaults included; a fresh copy at each call."""
        data: Row = json.loads(json.dumps(self._data))
        return data

    def canonical(self) -> str:
        """JSON with sorted keys, no spaces, and one way to write a number: 4, 4.0 and 4e0 are the same chain."""
        data = json.loads(json.dumps(self._data), parse_float=_canonical_number, parse_int=_canonical_number)
        return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def input_hash(self) -> str:
        return "sha256:" + hashlib.sha256(self.canonical().encode()).hexdigest()


def parse_chain(data: object) -> ChainDocument:
    """Check a decoded JSON value; raises ChainFileError with all problems."""
    problems = problems_of(data)
    if problems or not isinstance(data, dict):
        raise ChainFileError(problems)
    return ChainDocument.of(data)


def read_chain(text: str | bytes) -> ChainDocument:
    """Decode and check the text of a chain file (UTF-8, with or without BOM); raises ChainFileError."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        data = json.loads(decoded, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise ChainFileError([Problem("$", f"不是 UTF-8 文本（第 {error.start} 字节）；请另存为 UTF-8")]) from error
    except json.JSONDecodeError as error:
        place = f"第 {error.lineno} 行第 {error.colno} 列"
        raise ChainFileError([Problem("$", f"不是完整的 JSON：{place}处无法读懂")]) from error
    except RecursionError as error:
        raise ChainFileError([Problem("$", f"嵌套超过 {MAX_DEPTH} 层")]) from error
    except ValueError as error:  # a number of thousands of digits
        raise ChainFileError([Problem("$", "含有位数过多的数字")]) from error
    return parse_chain(data)


def problems_of(data: object) -> list[Problem]:
    """Every problem of a decoded JSON value, at most one a path; empty for a good chain file."""
    found = list(_not_json(data))
    if any("嵌套" in problem.message for problem in found):
        return found
    if not accepts(data):
        found += [Problem(path, message) for path, message in faults(data)]
    if isinstance(data, dict):
        found += _meaning(data)
    first = {problem.path: problem for problem in reversed(found)}
    return [first[path] for path in dict.fromkeys(problem.path for problem in found)]


class _DuplicateKeys(dict[str, Any]):
    """An object in which the file wrote some keys twice; JSON leaves the meaning open, so the file is refused."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> Row:
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    marked = _DuplicateKeys(built)
    keys = [key for key, _ in pairs]
    marked.repeated = tuple(key for key in built if keys.count(key) > 1)
    return marked


def _canonical_number(literal: str) -> float | int:
    value = float(literal)
    return int(value) if value.is_integer() and abs(value) < _EXACT_INTEGERS else value


def _not_json(data: object) -> Iterator[Problem]:
    """Walk everything, unknown keys too, without recursion, for values that JSON or a database cannot hold."""
    waiting: list[tuple[Any, tuple[Any, ...]]] = [([data], ())]
    while waiting:
        container, path = waiting.pop()
        if len(path) > MAX_DEPTH:
            yield Problem(_place(path), f"嵌套超过 {MAX_DEPTH} 层")
            return
        if isinstance(container, _DuplicateKeys):
            yield from (Problem(_place((*path, key)), "同一对象中写了两次") for key in container.repeated)
        for key, value in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(container, dict) and (not isinstance(key, str) or not _is_storable(key)):
                yield Problem(_place(path), f"键 {key!r} 不是可保存的文字")
            elif isinstance(value, dict | list):
                waiting.append((value, (*path, key)))
            elif reason := _unfit(value):
                yield Problem(_place((*path, key)), reason)


def _place(path: tuple[Any, ...]) -> str:
    return dotted(path[1:]) or "$"


def _unfit(value: object) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return "" if _is_storable(value) else "含有无法保存的字符"
    if isinstance(value, int | float):
        return "" if is_finite(value) else "不是有限的数值（NaN、Infinity 或过大）"
    return f"不是 JSON 的值（{type(value).__name__}）"


def _is_storable(text: str) -> bool:
    """False for half of a surrogate pair, which UTF-8 cannot write, and for NUL, which PostgreSQL cannot hold."""
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _meaning(data: Row) -> Iterator[Problem]:
    """What a schema cannot say. Passes over rows of a wrong shape: the schema has named them already."""
    codes: dict[str, int] = {}
    for index, node in _dicts(data.get("nodes")):
        code = node.get("code")
        if not isinstance(code, str):
            continue
        if code in codes:
            yield Problem(f"nodes[{index}].code", f"环节代码“{code}”与 nodes[{codes[code]}] 重复")
        codes.setdefault(code, index)
    for index, group in _dicts(data.get("supply")):
        yield from _unknown(group, f"supply[{index}]", codes)
        for place, option in _dicts(group.get("alternatives")):
            path = f"supply[{index}].alternatives[{place}]"
            yield from _unknown(option, path, codes)
            if isinstance(option.get("node"), str) and option["node"] == group.get("node"):
                yield Problem(f"{path}.node", f"环节“{option['node']}”不能供应自己")
    yield from _placed_twice(data, codes)
    for index, project in _dicts(data.get("pipeline")):
        yield from _unknown(project, f"pipeline[{index}]", codes)


def _placed_twice(data: Row, codes: dict[str, int]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for index, placement in _dicts(data.get("placements")):
        yield from _unknown(placement, f"placements[{index}]", codes)
        company, node = placement.get("company"), placement.get("node")
        if isinstance(company, str) and isinstance(node, str):
            first = seen.setdefault((company, node), index)
            if first != index:
                yield Problem(
                    f"placements[{index}]", f"企业“{company}”在环节“{node}”已有 placements[{first}]，无法判断以哪一行为准"
                )


def _dicts(rows: object) -> Iterator[tuple[int, Row]]:
    if isinstance(rows, list):
        yield from ((index, row) for index, row in enumerate(rows) if isinstance(row, dict))


def _unknown(row: Row, path: str, codes: dict[str, int]) -> Iterator[Problem]:
    code = row.get("node")
    if isinstance(code, str) and code and code not in codes:
        yield Problem(f"{path}.node", f"文件中没有代码为“{code}”的环节")


def _fill(data: Row) -> None:
    """Write the schema's default where an optional key is missing."""
    data["chain"] = {**defaults("chain"), **data["chain"]}
    for key, definition in (("nodes", "node"), ("supply", "group"), ("placements", "placement"), ("pipeline", "project")):
        missing = defaults(definition)
        data[key] = [{**missing, **row} for row in data.get(key, [])]
    option = defaults("alternative")
    for group in data["supply"]:
        group["alternatives"] = [{**option, **row} for row in group["alternatives"]]
