"""Rules of this house that no linter knows, over the syntax trees of our own code and over templates.

Each rule takes a file and yields the lines that break it. ALLOWED lists the few places that may, each with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("chains", "projects", "crm", "plans", "office")
Rule = Callable[[ast.AST], Iterator[int]]

# (rule, file) → why it may
ALLOWED = {
    ("mark_safe", "chains/reports/lanes/__init__.py"): "`element` makes the markup and escapes every word and attribute",
    ("outbound", "office/http.py"): "the one client",
    ("outbound", "office/signin/outbound.py"): "hands the calls of allauth's `requests` session to the one client",
    ("outbound", "office/signin/adapters.py"): "names the type of that session",
    ("outbound", "office/signin/oidc.py"): "names the errors of that session",
    ("outbound", "config/startup/web.py"): "asks our own web server on loopback whether it is up, before packages exist",
    ("outbound", "config/startup/valkey.py"): "asks our own broker on its unix socket whether it is up",
}


def _name(node: ast.AST) -> str:
    """The dotted name of what is called or read: admin.site.register → "admin.site.register"."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    return ((node, _name(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def mark_safe(tree: ast.AST) -> Iterator[int]:
    """Text that skips escaping. SafeString may name a type; to make one by hand is the same as mark_safe."""
    for node, name in _calls(tree):
        if name.split(".")[-1] in ("mark_safe", "SafeString", "SafeText", "safe"):
            yield node.lineno


def format_html(tree: ast.AST) -> Iterator[int]:
    """A first argument that was put together escapes nothing that was put in."""
    for node, name in _calls(tree):
        if name.split(".")[-1] in ("format_html", "format_html_join"):
            texts = node.args[: 2 if name.endswith("join") else 1]
            if any(not isinstance(text, ast.Constant) for text in texts):
                yield node.lineno


def csrf_exempt(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and _name(node).split(".")[-1] == "csrf_exempt":
            yield node.lineno


def all_fields(tree: ast.AST) -> Iterator[int]:
    """A form or serializer that takes whatever column is added next year; `exclude` without `fields` does the same."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        values = {
            target.id: part for part in node.body if isinstance(part, ast.Assign)
            for target in part.targets if isinstance(target, ast.Name)
        }
        fields = values.get("fields")
        if fields is not None and isinstance(fields.value, ast.Constant) and fields.value.value == "__all__":
            yield fields.lineno
        if node.name == "Meta" and "exclude" in values and fields is None:
            yield values["exclude"].lineno


def raw_sql(tree: ast.AST) -> Iterator[int]:
    """Not cursors: their statements are constants, and ruff and bandit watch how they are made."""
    for node, name in _calls(tree):
        method = isinstance(node.func, ast.Attribute) and node.func.attr in ("raw", "extra")
        if method or name.split(".")[-1] == "RawSQL":
            yield node.lineno


def code_from_data(tree: ast.AST) -> Iterator[int]:
    for line, name in _imports(tree):
        if name.split(".")[0] in ("pickle", "cPickle", "marshal", "shelve", "dill", "jsonpickle"):
            yield line
    for node, name in _calls(tree):
        if name in ("eval", "exec", "compile", "__import__"):
            yield node.lineno
        if name in ("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load"):
            yield node.lineno


def outbound(tree: ast.AST) -> Iterator[int]:
    """Whoever leaves the machine goes through office/http.py."""
    ways = ("httpx", "httpcore", "requests", "aiohttp", "urllib3", "urllib.request", "http.client", "socket", "smtplib",
            "ftplib", "telnetlib", "xmlrpc", "websockets", "paramiko")
    for line, name in _imports(tree):
        if any(name == way or name.startswith(f"{way}.") for way in ways):
            yield line


def unscoped(tree: ast.AST) -> Iterator[int]:
    """A view that takes every row there is: `visible_to` or a filter says which this person may see."""
    for node, name in _calls(tree):
        if name.endswith((".objects.all", "._default_manager.all", ".objects.values", ".objects.values_list")):
            yield node.lineno


PYTHON_RULES: dict[str, Rule] = {
    "mark_safe": mark_safe, "format_html": format_html, "csrf_exempt": csrf_exempt, "all_fields": all_fields,
    "raw_sql": raw_sql, "code_from_data": code_from_data, "outbound": outbound,
}
FACE_RULES: dict[str, Rule] = {"unscoped": unscoped}
FACES = ("views", "api")
SCRIPTS = re.compile(r"<script(?![^>]*\bsrc=)|\son[a-z]+\s*=|javascript:", re.I)
TEMPLATE_RULES = {
    "safe": re.compile(r"\|\s*safe(seq)?\b|{%\s*autoescape\s+off|{%\s*filter\s+safe"),
    "inline": re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle\s*=|\son[a-z]+\s*=|javascript:", re.I),
    "elsewhere": re.compile(r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//""", re.I),
}


def faults(source: str, name: str) -> list[str]:
    """Broken rules of one file as "rule file:line"."""
    if name.endswith(".html"):
        # The admin's policy grants inline style, as its theme needs; scripts stay refused there too.
        rules_of_template = {**TEMPLATE_RULES, "inline": SCRIPTS} if "/templates/admin/" in name else TEMPLATE_RULES
        return [
            f"{rule} {name}:{number}"
            for rule, pattern in rules_of_template.items() if (rule, name) not in ALLOWED
            for number, line in enumerate(source.splitlines(), 1) if pattern.search(line)
        ]
    face = any(part.removesuffix(".py") in FACES for part in Path(name).parts)
    rules = PYTHON_RULES | (FACE_RULES if face else {})
    tree = ast.parse(source)
    return [f"{rule} {name}:{line}" for rule, check in rules.items() if (rule, name) not in ALLOWED for line in check(tree)]


def our_files() -> list[Path]:
    folders = [ROOT / app for app in (*APPS, "config")]
    return sorted(
        path for folder in folders for ending in ("*.py", "*.html") for path in folder.rglob(ending)
        if "migrations" not in path.parts
    )
