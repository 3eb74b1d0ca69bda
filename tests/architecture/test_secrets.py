"""No secret in any file of the repository, in its history, or in the fixtures."""

from __future__ import annotations

import subprocess

import pytest

from tests.architecture.local_rules import ROOT
from tests.architecture.secret_patterns import PATTERNS, secrets_in

# Lines that look like a secret and are none, each with its reason.
KNOWN = {
    "tests/config/": "keys made up for the guards, which refuse or pass them",
    "tests/architecture/test_secrets.py": "the canaries",
    "tests/office/test_signin_": "passwords of people who exist for one test",
    "tests/office/test_redaction.py": "secrets planted to be hidden",
    "tests/office/test_people_admin.py": "passwords of people who exist for one test",
}
MAX_HISTORY = 60_000_000  # characters of patch; enough for years of this repository


def git(*words: str) -> str:
    result = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    if result.returncode:
        pytest.skip(f"不是 git 检出：{result.stderr.decode()[:100]}")
    return result.stdout.decode("utf-8", "replace")


def is_known(path: str) -> bool:
    return any(path.startswith(start) for start in KNOWN)


def test_no_file_holds_a_secret() -> None:
    names = [name for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0") if name]
    assert len(names) > 300
    found = {}
    for name in names:
        path = ROOT / name
        if is_known(name) or not path.is_file() or name.startswith("requirements"):
            continue
        if lines := secrets_in(path.read_bytes().decode("utf-8", "replace")):
            found[name] = lines
    assert found == {}


def test_no_past_version_held_one() -> None:
    found, path = [], ""
    log = git("log", "-p", "--all", "--no-color", "--unified=0", "--format=commit %h", "--", ".", ":!requirements*.txt")
    assert len(log) < MAX_HISTORY, "limit the walk by --since, and say so"
    for line in log.splitlines():
        if line.startswith("+++ "):
            path = line[6:]
        elif line.startswith("+") and not is_known(path) and (lines := secrets_in(line[1:])):
            found += [f"{path}: {text}" for text in lines]
    assert found == []


def test_nothing_of_ones_own_machine_is_kept() -> None:
    """Secrets that the program makes for itself lie under var/, which git does not take."""
    assert git("check-ignore", "var/secret_key", "var/demo_password", ".env", ".venv/x").split() == [
        "var/secret_key", "var/demo_password", ".env", ".venv/x",
    ]


@pytest.mark.parametrize(("kind", "line"), [
    ("private key", "-----BEGIN RSA PRIVATE KEY-----"),
    ("private key", "-----BEGIN PRIVATE KEY-----"),
    ("cloud key", "id = AKIA" + "ABCDEFGH12345678"),
    ("cloud key", "LTAI" + "5tAbCdEfGh1234567890"),
    ("token", "ghp_" + "a1B2" * 9),
    ("json web token", "eyJhbGciOiJSUzI1NiJ9." + "eyJzdWIiOiIxMjM0NSJ9." + "c2lnbmF0dXJlLWhlcmU"),
    ("robot", "https://qyapi.example/cgi-bin/webhook/send?key=" + "693a91f6-7111-4bc4-97a0-0ec2a1fa5aaa"),
    ("password in an address", "DATABASE_URL=postgresql://app:Tr0ub4dor@db.internal/app"),
    ("assignment", 'SECRET_KEY = "k3J9xQ2mZ8vB5nC7wR1tY6uP4s"'),
    ("assignment", "  'password': 'Xk29-fjq8-221z',"),
    ("assignment", 'api_key: "9f8e7d6c5b4a39281706"'),
])
def test_canary_a_planted_secret_is_seen(kind: str, line: str) -> None:
    assert any(found.startswith(kind) for found in secrets_in(line))


@pytest.mark.parametrize("line", [
    "export DATABASE_URL=postgresql://app:…@db.example/app", 'SECRET_KEY = os.environ.get("SECRET_KEY", "")',
    'password = request.POST["password"]', "postgresql://nobody@/nothing",
    'name="csrfmiddlewaretoken" value="{{ csrf_token }}"',
    'path("account/password/", view, name="account_reauthenticate")', 'token_endpoint: "token_endpoint_auth_method"',
])
def test_what_is_none_is_left_alone(line: str) -> None:
    assert secrets_in(line) == []


def test_every_kind_has_its_canary() -> None:
    mark = next(mark for mark in test_canary_a_planted_secret_is_seen.pytestmark if mark.name == "parametrize")
    assert {kind for kind, _line in mark.args[1]} == set(PATTERNS)
