"""The rules of local_rules.py hold, each catches what it is for, and whoever is excused has a reason."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.local_rules import ALLOWED, FACE_RULES, PYTHON_RULES, ROOT, TEMPLATE_RULES, faults, our_files

PLANTED = {
    "mark_safe": ["mark_safe(name)", "safestring.mark_safe(x)", "SafeString(x)"],
    "format_html": ["format_html(f'<b>{name}</b>')", "format_html('<b>' + name)", "format_html('<b>%s' % x)",
                    "html.format_html(template, x)", "format_html_join('', f'{x}', rows)"],
    "csrf_exempt": ["@csrf_exempt\ndef view(request): ...", "view = decorators.csrf_exempt(view)"],
    "all_fields": ["class Meta:\n    fields = '__all__'", "class Meta:\n    exclude = ['password']"],
    "raw_sql": ["Company.objects.raw('select 1')", "rows.extra(where=['1=1'])", "RawSQL('1', [])",
                "expressions.RawSQL('1', [])"],
    "code_from_data": ["import pickle", "from pickle import loads", "eval(text)", "exec(text)", "yaml.load(text)",
                       "yaml.unsafe_load(text)", "import marshal", "__import__(name)"],
    "outbound": ["import httpx", "import requests", "from urllib.request import urlopen", "import urllib.request",
                 "from urllib import request", "import socket", "from http import client", "import smtplib",
                 "def f():\n    import httpx"],
    "unscoped": ["rows = Company.objects.all()", "return list(Project.objects.all())", "Node.objects.values('name')"],
    "safe": ["{{ name|safe }}", "{{ name | safe }}", "{% autoescape off %}", "{{ rows|safeseq|join:'' }}",
             "{% filter safe %}"],
    "inline": ["<script>x</script>", "<style>p{}</style>", '<p style="color:red">', '<a onclick="x()">',
               '<a href="javascript:x">'],
    "elsewhere": ['<script src="https://cdn.example/x.js"></script>', "<link href='//cdn.example/x.css'>"],
}
FINE = [
    ("chains/services/x.py", "format_html('<b>{}</b>', name)\nformat_html_join('', '<i>{}</i>', rows)\nrows: SafeString\n"),
    ("chains/services/x.py", "yaml.safe_load(text)\nast.literal_eval(text)\nre.compile('x')\n"),
    ("chains/services/x.py", "from urllib.parse import urlsplit\n"),
    ("chains/services/x.py", "Chain.objects.all()\nclass Meta:\n    fields = ['a']\n"),
    ("chains/views/x.py", "Chain.objects.filter(code=code)\nget_object_or_404(Chain, code=code)\n"),
    ("chains/templates/x.html", '<script src="/static/x.js"></script><link href="/x.css">{{ unsafe|default:"" }}'),
    ("projects/admin/forms.py", "class Meta:\n    fields = ['a']\n    exclude = ['officer']\n"),
]


def test_no_rule_is_broken() -> None:
    found = [
        fault for path in our_files()
        for fault in faults(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert found == []


def test_there_is_something_to_look_at() -> None:
    files = our_files()
    assert len([path for path in files if path.suffix == ".py"]) > 150
    assert len([path for path in files if path.suffix == ".html"]) > 15


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, sources in PLANTED.items() for source in sources])
def test_canary_a_planted_fault_is_seen(rule: str, source: str) -> None:
    name = "chains/templates/x.html" if rule in TEMPLATE_RULES else "chains/views/x.py"
    assert rule in {fault.split()[0] for fault in faults(source, name)}


def test_every_rule_has_its_canary() -> None:
    assert set(PLANTED) == {*PYTHON_RULES, *FACE_RULES, *TEMPLATE_RULES}


@pytest.mark.parametrize(("name", "source"), FINE)
def test_what_is_fine_is_left_alone(name: str, source: str) -> None:
    assert faults(source, name) == []


def test_whoever_is_excused_still_needs_it() -> None:
    for (rule, name), reason in ALLOWED.items():
        assert len(reason) > 10
        source = (ROOT / name).read_text(encoding="utf-8")
        check = PYTHON_RULES.get(rule)
        assert check is not None
        assert list(check(ast.parse(source))), f"{name} no longer needs its excuse from {rule}"


# -- the other linters

SECURITY = re.compile(r"#\s*(?:ruff:\s*)?(?:noqa:?\s*(?P<codes>[A-Z0-9, ]*)|nosec(?P<tests>[B0-9, ]*))(?P<rest>.*)$")


def bare_ignores(source: str) -> list[int]:
    """Lines that silence a security rule (ruff's S, bandit's B, or everything) without saying why."""
    found = []
    for number, line in enumerate(source.splitlines(), 1):
        match = SECURITY.search(line)
        if match is None:
            continue
        codes = [code.strip() for code in (match["codes"] or "").split(",") if code.strip()]
        security = match["codes"] is None or not codes or any(re.match(r"S\d|BLE", code) for code in codes)
        if security and not re.search(r"\(.{5,}\)", match["rest"]):
            found.append(number)
    return found


@pytest.mark.parametrize(("line", "bare"), [
    ("x = 1  # noqa: S105", True), ("x = 1  # nosec", True), ("x = 1  # nosec B608", True), ("x = 1  # noqa", True),
    ("# ruff: noqa: S608", True), ("x = 1  # noqa: S105  (a name, no secret)", False),
    ("x  # nosec B608 (constant names)", False),
    ("x  # noqa: S308  # nosec B308 (escaped above)", False), ("x  # noqa: PLR2004", False), ("x = 'plain'", False),
])
def test_canary_an_ignore_without_a_reason_is_seen(line: str, bare: bool) -> None:
    assert bool(bare_ignores(line)) is bare


def test_every_silenced_security_rule_says_why() -> None:
    bare = {
        path.relative_to(ROOT).as_posix(): lines
        for path in our_files() if path.suffix == ".py" and (lines := bare_ignores(path.read_text(encoding="utf-8")))
    }
    assert bare == {}


def bandit(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bandit", "-r", "-q", "-ll", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_bandit_finds_nothing() -> None:
    result = bandit("chains", "projects", "crm", "plans", "office", "config", "manage.py")
    assert result.returncode == 0, result.stdout


def test_canary_bandit_would(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text('import subprocess\nsubprocess.run(f"ls {input()}", shell=True)\n')
    assert bandit(str(tmp_path)).returncode == 1


def test_canary_ruff_sees_a_planted_secret(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text('password = "hunter"\neval(input())\n')
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--no-cache", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "S105" in result.stdout
    assert "S307" in result.stdout
