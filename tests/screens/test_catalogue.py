"""The Chinese catalogue is compiled, complete for the installed theme, and keeps every placeholder."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import unfold
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, ngettext
from django.utils.translation.template import templatize

PO = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.po"
THEME = Path(unfold.__file__).parent
GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "npgettext"}
CALL = re.compile(r"\b(n?p?gettext|_)\(((?:u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")[,\s]*)+)", re.S)
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sd]|{\w*}|</?[a-z]+|href=\"{}\"")


def _compiler():
    spec = importlib.util.spec_from_file_location("compile_catalogue", Path(settings.LOCALE_PATHS[0]) / "compile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMPILER = _compiler()
MESSAGES = COMPILER.read_po(PO.read_text(encoding="utf-8"))


def strings_of(source: str, name: str) -> Iterator[tuple[str, ...]]:
    """(singular,) or (singular, plural) of every translated literal of a template or a Python file."""
    if name.endswith(".html"):
        for function, literals in CALL.findall(templatize(source)):
            yield _without_context(function, list(ast.literal_eval(f"({literals.rstrip(', ')},)")))
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GETTEXT:
            values = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if values:
                yield _without_context(node.func.id, values)


def _without_context(function: str, values: list[str]) -> tuple[str, ...]:
    return tuple(values[1:] if function.startswith(("p", "np")) else values)


def untranslated(source: str, name: str) -> list[str]:
    missing = []
    with translation.override("zh-hans"):
        for texts in strings_of(source, name):
            shown = ngettext(texts[0], texts[1], 2) if len(texts) > 1 else gettext(texts[0])
            # A text of nothing but placeholders needs no entry.
            if shown == texts[-1] and re.search(r"[A-Za-z]{2}", PLACEHOLDER.sub("", shown)):
                missing.append(texts[0])
    return missing


def test_mo_is_compiled_from_po() -> None:
    assert PO.with_suffix(".mo").read_bytes() == COMPILER.to_mo(MESSAGES), "请运行 python config/locale/compile.py"


def test_mo_of_another_po_is_noticed() -> None:
    changed = COMPILER.read_po(PO.read_text(encoding="utf-8").replace("应用筛选", "筛一筛"))
    assert PO.with_suffix(".mo").read_bytes() != COMPILER.to_mo(changed)


@pytest.mark.parametrize("fault", [
    'msgid "a\nmsgstr "b"\n',
    'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n',
    "msgstr 无引号\n",
])
def test_broken_po_is_refused(fault: str) -> None:
    with pytest.raises(ValueError):
        COMPILER.read_po(fault)


def test_django_uses_the_catalogue() -> None:
    with translation.override("zh-hans"):
        assert gettext("Apply Filters") == "应用筛选"
        assert gettext("Log out") == "退出"
        assert ngettext("entry", "entries", 3) == "条记录"
        # Django's own catalogue says 取消选中 ("unselect") on the button that deletes.
        assert gettext("Delete selected %(model)s") == "删除所选的%(model)s"


def test_every_string_of_the_theme_has_a_translation() -> None:
    files = [path for ending in ("html", "py") for path in sorted(THEME.rglob(f"*.{ending}"))]
    assert len(files) > 200
    missing = {
        str(path.relative_to(THEME)): texts
        for path in files if (texts := untranslated(path.read_text(encoding="utf-8"), path.name))
    }
    assert missing == {}


@pytest.mark.parametrize(("source", "name"), [
    ('{% load i18n %}<a title="{% trans "Search results" %}"></a>', "a.html"),
    ("{% load i18n %}{% blocktranslate with n=x %}Search {{ n }} results{% endblocktranslate %}", "a.html"),
    ("{% load i18n %}{% blocktranslate count n=x %}One row{% plural %}Many rows{% endblocktranslate %}", "a.html"),
    ('{% include "x.html" with title=_("Search results") %}', "a.html"),
    ('label = _("Search results")', "a.py"),
    ('label = gettext_lazy("Search " "results")', "a.py"),
])
def test_untranslated_string_is_noticed(source: str, name: str) -> None:
    assert len(untranslated(source, name)) == 1


def test_placeholders_are_kept() -> None:
    faults = []
    for key, value in MESSAGES.items():
        source = key.split("\x04")[-1].split("\x00")[-1]
        if key and sorted(PLACEHOLDER.findall(source)) != sorted(PLACEHOLDER.findall(value)):
            faults.append(source)
    assert faults == []
