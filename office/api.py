"""The base of every API resource: rows within the person's scope, fields named one by one, changes only at the version seen.

    GET              200, 403 without the right to view, 404 outside the scope (the same as for a row that is not there)
    PATCH, POST      403 without the right to change; then 428 without If-Match, 400 naming each wrong field,
                     412 with both values where somebody wrote in between; a change and its check hold one lock
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelError
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from rest_framework import mixins, serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler
from rest_framework.viewsets import GenericViewSet

from office import scope, versions
from office.api_input import Pages, StrictJson

PAGING = {"limit", "offset", "ordering"}
CODE = serializers.RegexField(r"^[A-Za-z0-9_-]{1,48}$", error_messages={"invalid": "编号不合规"})
NUMBER = serializers.RegexField(r"^[0-9]{1,18}$", error_messages={"invalid": "编号须为正整数"})
VERSION = re.compile(r'"([0-9]{1,9})"')


class VersionMissing(APIException):
    status_code = 428
    default_detail = "请在 If-Match 中写明所见的版本（读取时的 ETag）"


class Conflict(APIException):
    status_code = 409
    default_detail = "与已有的记录冲突，没有保存"


class Changed(APIException):
    """Somebody wrote in between: what stands now beside what was sent."""

    status_code = 412
    default_detail = "没有保存：读取之后，这条记录已被修改。请核对两边的内容，再以新的版本提交"

    def __init__(self, current: Any, yours: Any) -> None:
        super().__init__()
        self.current, self.yours = current, yours


class ModelRights(BasePermission):
    """The right of Django's permission table: view for reading, change for everything else, unless the view names another."""

    def has_permission(self, request: Request, view: Any) -> bool:
        named = view.rights.get(view.action)
        verb = "view" if request.method in SAFE_METHODS else "change"
        meta = view.model._meta
        right = named or f"{meta.app_label}.{verb}_{meta.model_name}"
        return bool(request.user and request.user.is_authenticated and request.user.has_perm(right))


class ScopedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """`filters`: query name → (lookup, the field that reads its value). `ordering`: the first is the default."""

    model: ClassVar[type[Model]]
    key_field: ClassVar[serializers.Field] = CODE
    rights: ClassVar[Mapping[str, str]] = {}
    filters: ClassVar[Mapping[str, tuple[str, serializers.Field]]] = {}
    ordering: ClassVar[tuple[str, ...]] = ("pk",)
    related: ClassVar[tuple[str, ...]] = ()
    domain_errors: ClassVar[tuple[type[Exception], ...]] = ()

    parser_classes = [StrictJson]
    permission_classes = [ModelRights]
    pagination_class = Pages
    lookup_field = "code"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "head", "patch", "post"]

    def get_queryset(self) -> QuerySet[Any]:
        rows = self.model._default_manager.select_related(*self.related)
        return scope.visible_to(self.request.user, rows)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """No filtering and no sorting by what may not be seen: a hidden amount could be guessed by halving."""
        hidden = scope.hidden_fields(self.request.user, self.model)
        known = {name: pair for name, pair in self.filters.items() if pair[0].split("__")[0] not in hidden}
        conditions, wrong = {}, {}
        for name, value in self.request.query_params.items():
            if name in known:
                lookup, field = known[name]
                conditions[lookup] = _read(field, value, name)
            elif name not in PAGING:
                wrong[name[:64]] = ["没有这个参数"]
        if wrong:
            raise ValidationError(wrong)
        return queryset.filter(**conditions).order_by(self._order(hidden), "pk")

    def _order(self, hidden: frozenset[str]) -> str:
        wanted = self.request.query_params.get("ordering", self.ordering[0])
        if wanted.removeprefix("-") not in {name.removeprefix("-") for name in self.ordering} - hidden:
            raise ValidationError({"ordering": ["不能按此项排序"]})
        return wanted

    def get_object(self) -> Any:
        key = _read(self.key_field, self.kwargs[self.lookup_field], self.lookup_field)
        row = self.get_queryset().filter(**{self.lookup_field: key}).first()
        if row is None:
            raise NotFound("没有这条记录，或者您看不到它")
        return row

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.get_object())

    def answer(self, row: Any) -> Response:
        version = getattr(row, "version", None)
        headers = {"ETag": f'"{version}"'} if isinstance(version, int) else {}
        return Response(self.get_serializer(row).data, headers=headers)

    def change(
        self, request: Request, reader: type[serializers.Serializer], apply: Callable[[Any, dict[str, Any]], object]
    ) -> Response:
        """Read the body with `reader`, lock the row at the version named, and hand both to `apply`, all or nothing."""
        row = self.get_object()
        if not scope.changeable_by(request.user, self.model).filter(pk=row.pk).exists():
            raise PermissionDenied("这条记录您只能查看")
        seen = _seen(request)
        body = reader(row, data=request.data, partial=request.method == "PATCH", context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                apply(self.locked(row.pk, seen, body), dict(body.validated_data))
        except self.domain_errors as error:
            raise ValidationError({"non_field_errors": [str(error)]}) from error
        except IntegrityError as error:
            raise Conflict from error
        after = self.get_queryset().filter(pk=row.pk).first()
        return self.answer(after) if after is not None else Response(status=204)  # handed to somebody out of his reach

    def locked(self, pk: int, seen: int | None, body: serializers.Serializer) -> Any:
        try:
            return versions.lock(self.model, seen=seen, pk=pk)
        except versions.Stale as stale:
            now = self.get_queryset().filter(pk=stale.row.pk).first()
            current = self.get_serializer(now).data if now is not None else None
            yours = {name: value for name, value in body.initial_data.items() if name in body.fields}
            raise Changed(current, yours) from stale


def _read(field: serializers.Field, value: str, name: str) -> Any:
    try:
        return field.run_validation(value)
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from None


def _seen(request: Request) -> int | None:
    """The version in If-Match. One that we never gave matches nothing; `*` would be a save without looking."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        raise VersionMissing
    found = VERSION.fullmatch(header)
    return int(found[1]) if found else None


def handle_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """{"detail": …} always; "errors" by field with a 400; both values with a 412."""
    if isinstance(error, ModelError):
        named = error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
        error = ValidationError({"non_field_errors" if name == "__all__" else name: text for name, text in named.items()})
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, Changed):
        response.data |= {"current": error.current, "yours": error.yours}
        if error.current is not None:
            response["ETag"] = f'"{error.current["version"]}"'
    elif isinstance(error, ValidationError):
        errors = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        asked = context["request"].method in SAFE_METHODS
        response.data = {"detail": "请求有误" if asked else "提交的内容有误，没有保存", "errors": errors}
    return response
