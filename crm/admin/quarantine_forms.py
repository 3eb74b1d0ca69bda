"""A quarantined record as a form: a field for each of its keys, each value kept of its kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from crm.models import Company, QuarantinedRow
from crm.sync.columns import COLUMNS
from office.conflicts import VersionedForm

LONG = 60  # letters from which on a text gets several lines
VALUES = "values"  # a record that was read already and waits for a decision holds its values here
_OURS = {"code": "代码", "scheme": "编码体系", "former_codes": "旧代码", "former_names": "曾用名", "grades": "企业等级"}


def content_of(row: QuarantinedRow) -> dict[str, Any]:
    """What the form shows: as corrected, or as it came. Whatever is no record has no fields."""
    content = row.payload if row.corrected is None else row.corrected
    if not isinstance(content, dict):
        return {}
    inner = content.get(VALUES)
    return dict(inner) if isinstance(inner, dict) else dict(content)


def wrapped(row: QuarantinedRow, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content back in the shape in which the row holds it."""
    return {**row.payload, VALUES: dict(content)} if is_read(row) else dict(content)


def is_read(row: QuarantinedRow) -> bool:
    """Whether the record was read already and only waits for a decision."""
    return isinstance(row.payload, dict) and isinstance(row.payload.get(VALUES), dict)


def field_name(key: str) -> str:
    """A key may hold anything, the name of a form's field may not."""
    return "value_" + hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=6).hexdigest()


def parse_json(text: str) -> Any:
    """Raises ValidationError that says where it is wrong, or what the database could not store."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
    except json.JSONDecodeError as error:
        raise ValidationError(f"不是合法的 JSON：第 {error.lineno} 行第 {error.colno} 个字符处有误") from None
    except (ValueError, RecursionError):
        raise ValidationError("不是合法的 JSON：有不能保存的字符、数字或嵌套过深") from None
    if "\\u0000" in plain:
        raise ValidationError("不能含有空字符")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


class JsonValueField(forms.CharField):
    """Text stays text, a number a number; lists and objects are edited as JSON. Untouched, the value stays as it was."""

    def __init__(self, original: Any, **kwargs: Any) -> None:
        self.original = original
        shown = self.prepare_value(original)
        long = isinstance(original, (list, dict)) or len(shown) > LONG
        rows = min(12, shown.count("\n") + 2)
        widget = UnfoldAdminTextareaWidget(attrs={"rows": rows}) if long else UnfoldAdminTextInputWidget()
        super().__init__(required=False, strip=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, (list, dict)) else None)

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.replace("\r\n", "\n")
        if text == self.prepare_value(self.original):
            return self.original
        if isinstance(self.original, str):
            return text
        if not text.strip():
            return None
        return text if self.original is None else self._of_its_kind(parse_json(text))

    def _of_its_kind(self, value: Any) -> Any:
        kinds = [(bool, bool, "true 或 false"), ((int, float), (int, float), "数字"), (list, list, "列表（[…]）"),
                 (dict, dict, "对象（{…}）")]
        for known, wanted, word in kinds:
            if isinstance(self.original, known):  # type: ignore[arg-type]
                if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):  # type: ignore[arg-type]
                    raise ValidationError(f"这一项应为{word}；确需改变类型，请填入下方“补充或改写”")
                break
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class AddedField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=_("补充或改写"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            help_text=_('缺少的字段在此补上，写成 JSON 对象，例如 {"字段名": "某某有限公司"}；与上方同名的以这里为准'),
        )

    def to_python(self, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        text = str(value or "").strip()
        found = parse_json(text) if text else {}
        if not isinstance(found, dict):
            raise ValidationError('应为 JSON 对象，例如 {"字段名": "某某有限公司"}')
        return found


class QuarantineForm(VersionedForm):
    """`keys`: form field → key of the record; set by `form_for`."""

    keys: Mapping[str, str] = {}

    class Meta:
        model = QuarantinedRow
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        content = content_of(self.instance)
        self.initial |= {name: content.get(key) for name, key in self.keys.items()}

    def values_of(self, row: Any) -> dict[str, Any]:
        content = content_of(row)
        return super().values_of(row) | {name: content.get(key) for name, key in self.keys.items()} | {"added": {}}

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if not self.errors:
            content = content_of(self.instance)
            posted = {key: data[name] for name, key in self.keys.items() if self.add_prefix(name) in self.data and name in data}
            content |= posted | (data.get("added") or {})
            if content != content_of(self.instance):
                self.instance.corrected = wrapped(self.instance, content)
        return data


def label_of(row: QuarantinedRow, key: str) -> str:
    """A record as sent keeps its source's names, since that is what its keepers must look for; one that was read has ours."""
    if is_read(row):
        return _OURS.get(key) or (str(Company._meta.get_field(key).verbose_name) if key in COLUMNS else key)
    return key or "（空名）"


def form_for(row: QuarantinedRow, reasons: Mapping[str, list[str]]) -> type[QuarantineForm]:
    """The form of this row; what is wrong with a field stands under it."""
    keys = {field_name(key): key for key in content_of(row)}
    content = content_of(row)
    fields: dict[str, forms.Field] = {
        name: JsonValueField(content[key], label=label_of(row, key), help_text="；".join(reasons.get(key, [])))
        for name, key in keys.items()
    }
    return type("QuarantineForm", (QuarantineForm,), {**fields, "added": AddedField(), "keys": keys})


class DismissForm(forms.Form):
    reason = forms.CharField(
        label=_("理由"), max_length=QuarantinedRow._meta.get_field("dismissed_because").max_length,
        widget=UnfoldAdminTextInputWidget, help_text=_("为什么不并入，例如：测试数据，数据源已确认；会写入记录"),
    )
