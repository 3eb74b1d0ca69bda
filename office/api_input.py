"""What comes in through the API, read strictly: a body, a page, a filter. Whatever cannot be meant is refused by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from office import scope

BODY_LIMIT = 1024 * 1024
DEFAULT_PAGE, LARGEST_PAGE, FARTHEST = 50, 200, 1_000_000
DIGITS = 9


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = f"请求内容超过 {BODY_LIMIT // 1024} KB"


class StrictJson(JSONParser):
    """JSON objects of bounded size and depth, without what the database cannot store."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        raw = stream.read(BODY_LIMIT + 1)
        if len(raw) > BODY_LIMIT:
            raise BodyTooLarge
        try:
            found = super().parse(_Bytes(raw), media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON 嵌套过深") from None
        if not isinstance(found, dict):
            raise ParseError("请求内容须为 JSON 对象")
        for text in _texts(found):
            if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
                raise ParseError("文字中有不能存储的字符")
        return found


class _Bytes:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def read(self, size: int = -1) -> bytes:
        raw, self.raw = self.raw, b""
        return raw


def _texts(value: Any) -> Iterable[str]:
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            yield here
        elif isinstance(here, dict):
            waiting += [*here.keys(), *here.values()]
        elif isinstance(here, list):
            waiting += here


class Pages(LimitOffsetPagination):
    """`?limit=50&offset=100`, at most 200 rows. A senseless number is refused: it would silently answer another question."""

    default_limit = DEFAULT_PAGE
    max_limit = LARGEST_PAGE

    def get_limit(self, request: Request) -> int:
        return whole(request, "limit", default=DEFAULT_PAGE, least=1, most=LARGEST_PAGE)

    def get_offset(self, request: Request) -> int:
        return whole(request, "offset", default=0, least=0, most=FARTHEST)


def whole(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else -1
    if not least <= number <= most:
        raise ValidationError({name: [f"须为 {least} 至 {most} 的整数"]})
    return number


class Strict(serializers.Serializer):
    """A name that is not offered, or not to be written, is an answer of 400: nothing is dropped in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            wrong = {
                str(name)[:64]: ["只读，不能修改"] if name in self.fields else ["没有这个字段"]
                for name in data if name not in self.fields or self.fields[name].read_only
            }
            if wrong:
                raise ValidationError(wrong)
        return super().to_internal_value(data)


class RowSerializer(Strict, serializers.ModelSerializer):
    """A row in the columns that its reader may see. Every field is named in Meta.fields."""

    def get_fields(self) -> dict[str, serializers.Field]:
        hidden = scope.hidden_fields(self.context["request"].user, self.Meta.model)
        return {name: field for name, field in super().get_fields().items() if (field.source or name) not in hidden}


class ScopedCode(serializers.SlugRelatedField):
    """A row of another model named by its code, among those that the person may see."""

    def __init__(self, model: Any, **kwargs: Any) -> None:
        self.model = model
        kwargs.setdefault("slug_field", "code")
        if not kwargs.get("read_only"):
            kwargs["queryset"] = model._default_manager.all()
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        return scope.visible_to(self.context["request"].user, super().get_queryset())

    def __deepcopy__(self, memo: Any) -> ScopedCode:
        return type(self)(*self._args, **self._kwargs)


class FiniteFloat(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        number: float = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number
