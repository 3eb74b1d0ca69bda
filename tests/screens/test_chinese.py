"""Every page speaks Chinese: no English word of the framework, the theme or our own models reaches the screen."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, models, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.views import defaults
from pytest_django import DjangoDbBlocker

from chains.models import Chain, Placement
from chains.services.journey import make_all_reports
from chains.services.load_chains import load_chains, load_people_of_chains
from crm.services.load_codes import load_codes
from office import scope
from office.models import Department
from office.roles import ensure_roles
from office.services.load_people import load_demo_people
from plans.services.load_plan import load_plan
from projects.services.load_places import load_places
from tests.screens.english import english_in
from tests.screens.rows import a_row

pytestmark = pytest.mark.django_db
World = dict[type[models.Model], models.Model | str]
NOW = dt.datetime(2026, 7, 1, 9, tzinfo=dt.UTC)
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
USERNAME = "u1"
STANDARD_PAGES = {"changelist", "add", "history", "delete", "change"}
# Fields whose values are codes and names that people chose, not words of the screen.
CODE_FIELDS = {
    "code", "username", "kind", "slot", "key", "version", "model_version", "scheme", "source_key", "share_of", "db_user",
}


def _load() -> None:
    fixtures = Path(settings.FIXTURES_DIR)
    ensure_roles()
    load_codes()
    load_plan(folder=fixtures / "luohu")
    load_places(folder=fixtures / "luohu")
    load_chains(folder=fixtures / "chains", now=NOW)
    load_demo_people(folder=fixtures / "demo")
    load_people_of_chains(folder=fixtures / "demo", firms=fixtures / "luohu" / "lead_firms.csv")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The data of a new installation and one row of every registered model, or the reason why it has none."""
    with django_db_blocker.unblock(), transaction.atomic():
        _load()
        rows: World = {}
        a_row(Placement)
        make_all_reports(as_of=NOW.date(), now=NOW)
        for model in REGISTERED:
            try:
                with transaction.atomic():
                    rows[model] = a_row(model)
            except (DatabaseError, ValueError, RecursionError, StopIteration) as error:
                rows[model] = f"{type(error).__name__}: {error}"
        yield rows
        transaction.set_rollback(True)


@pytest.fixture
def site(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Somebody who may see and do everything, whom the program itself does not know: words are read here, not rights."""
    person = get_user_model()
    client.force_login(person.objects.create_user(USERNAME, password="long-enough-pass", is_staff=True))
    monkeypatch.setattr(person, "has_perm", lambda self, perm, obj=None: True)
    monkeypatch.setattr(person, "has_module_perms", lambda self, app_label: True)
    monkeypatch.setattr(scope, "answer_for", lambda user, model, verb: True)
    with override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}):
        yield client


@pytest.fixture(scope="module")
def codes(world: World) -> frozenset[str]:
    found = {USERNAME}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            chosen = isinstance(field, models.SlugField) or field.name in CODE_FIELDS
            if chosen and not field.choices and isinstance(field, models.CharField) and model is not ContentType:
                found |= set(model._default_manager.values_list(field.name, flat=True)[:5000])
    return frozenset(code for code in found if re.search(r"[A-Za-z]{2}", code))


def address(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def row_of(world: World, model: type[models.Model]) -> models.Model:
    row = world[model]
    if isinstance(row, str):
        pytest.skip(f"{model._meta.label} 没有可用的行：{row}")
    return row


def assert_chinese(client: Client, path: str, codes: frozenset[str], *, status: int = 200) -> None:
    response = client.get(path)
    assert response.status_code == status, path
    assert english_in(response.content.decode(), codes=codes) == [], path


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_sign_in(client: Client, codes: frozenset[str], path: str) -> None:
    assert english_in(client.get(path, follow=True).content.decode(), codes=codes) == []
    refused = client.post(path, {"username": "nobody", "password": "wrong"}, follow=True)
    assert english_in(refused.content.decode(), codes=codes | {"nobody"}) == []


def test_sign_out(site: Client, codes: frozenset[str]) -> None:
    assert english_in(site.post("/admin/logout/", follow=True).content.decode(), codes=codes) == []
    site.force_login(get_user_model().objects.get(username=USERNAME))
    assert english_in(site.post("/logout/", follow=True).content.decode(), codes=codes) == []


@pytest.mark.parametrize("path", ["/", "/plan/", "/model/"])
def test_own_pages(site: Client, codes: frozenset[str], path: str) -> None:
    assert_chinese(site, path, codes)


def test_pages_of_a_chain(site: Client, codes: frozenset[str]) -> None:
    chain = Chain.objects.exclude(reports=None).first()
    assert_chinese(site, reverse("chain", args=[chain.code]), codes)
    assert_chinese(site, reverse("chain-node", args=[chain.code, chain.nodes.first().code]), codes)


def test_admin_index_and_applications(site: Client, codes: frozenset[str]) -> None:
    assert_chinese(site, reverse("admin:index"), codes)
    for label in sorted({model._meta.app_label for model in REGISTERED}):
        assert_chinese(site, reverse("admin:app_list", args=[label]), codes)


def test_passwords(site: Client, codes: frozenset[str]) -> None:
    user = get_user_model().objects.get(username=USERNAME)
    for path in (reverse("admin:password_change"), reverse("admin:auth_user_password_change", args=[user.pk])):
        assert_chinese(site, path, codes)
        refused = site.post(path, {"new_password1": "1", "new_password2": "2", "password1": "1", "password2": "2"})
        assert english_in(refused.content.decode(), codes=codes) == []
    assert_chinese(site, reverse("admin:password_change_done"), codes)


@pytest.mark.parametrize("path", ["/no-such-page/", "/admin/no-such-page/"])
def test_missing_page(site: Client, codes: frozenset[str], path: str) -> None:
    assert_chinese(site, path, codes, status=404)


def test_forbidden_page(client: Client, world: World, codes: frozenset[str]) -> None:
    client.force_login(get_user_model().objects.create_user("plain", password="long-enough-pass", is_staff=True))
    assert_chinese(client, address(get_user_model(), "changelist"), codes | {"plain"}, status=403)


@pytest.mark.parametrize("view", [defaults.server_error, defaults.bad_request])
def test_failure_page(view: Callable[..., HttpResponse]) -> None:
    answer = view(RequestFactory().get("/"), *([] if view is defaults.server_error else [ValueError()]))
    assert english_in(answer.content.decode()) == []


def test_search_over_all_modules(site: Client, codes: frozenset[str]) -> None:
    for words in ("企业", "甲乙丙"):
        assert_chinese(site, f"{reverse('admin:search')}?s={words}&extended=1", codes)


def test_message_after_saving(site: Client, codes: frozenset[str]) -> None:
    answer = site.post(address(Department, "add"), {"code": "d-1", "name": "一科"}, follow=True)
    assert "已新增部门“" in answer.content.decode()
    assert english_in(answer.content.decode(), codes=codes | {"d-1"}) == []


def test_forged_form(world: World, codes: frozenset[str]) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert english_in(answer.content.decode(), codes=codes) == []


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
class TestAdminOfModel:
    def test_list(self, site: Client, world: World, codes: frozenset[str], model: type) -> None:
        assert_chinese(site, address(model, "changelist"), codes)

    def test_list_without_a_hit(self, site: Client, codes: frozenset[str], model: type) -> None:
        assert_chinese(site, address(model, "changelist") + "?q=%E7%94%B2%E4%B9%99%E4%B8%99", codes)

    def test_new(self, site: Client, codes: frozenset[str], model: type) -> None:
        path = address(model, "add")
        if site.get(path).status_code == 403:
            pytest.skip("在业务后台不可新增")
        assert_chinese(site, path, codes)
        refused = site.post(path, _empty_form(site, path))
        assert english_in(refused.content.decode(), codes=codes) == []

    def test_change(self, site: Client, world: World, codes: frozenset[str], model: type) -> None:
        assert_chinese(site, address(model, "change", row_of(world, model).pk), codes)

    def test_history(self, site: Client, world: World, codes: frozenset[str], model: type) -> None:
        assert_chinese(site, address(model, "history", row_of(world, model).pk), codes)

    def test_delete(self, site: Client, world: World, codes: frozenset[str], model: type) -> None:
        path = address(model, "delete", row_of(world, model).pk)
        if site.get(path).status_code == 403:
            pytest.skip("在业务后台不可删除")
        assert_chinese(site, path, codes)

    def test_pages_of_its_own(self, site: Client, world: World, codes: frozenset[str], model: type) -> None:
        """Upload and the like: every further address of the model's admin that answers a GET with a page."""
        for pattern in admin.site.get_model_admin(model).get_urls():
            if pattern.name and pattern.name.rpartition("_")[2] not in STANDARD_PAGES:
                args = [row_of(world, model).pk] if pattern.pattern.regex.groups else []
                answer = site.get(reverse(f"admin:{pattern.name}", args=args))
                if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                    assert english_in(answer.content.decode(), codes=codes) == [], pattern.name

    def test_delete_chosen(self, site: Client, world: World, codes: frozenset[str], model: type) -> None:
        page = admin.site.get_model_admin(model)
        request = RequestFactory().get("/")
        request.user = get_user_model().objects.get(username=USERNAME)
        if "delete_selected" not in page.get_actions(request):
            pytest.skip("列表没有批量删除")
        chosen = {"action": "delete_selected", "_selected_action": [row_of(world, model).pk]}
        answer = site.post(address(model, "changelist"), chosen, follow=True)
        assert english_in(answer.content.decode(), codes=codes) == []


def _empty_form(client: Client, path: str) -> dict[str, str]:
    """What a person sends who fills in nothing: every field empty, and the counters of the inlines."""
    context = client.get(path).context
    counters = {
        f"{item.formset.management_form.prefix}-{name}": str(value)
        for item in context["inline_admin_formsets"] for name, value in item.formset.management_form.initial.items()
    }
    return dict.fromkeys(context["adminform"].form.fields, "") | counters


@pytest.mark.parametrize("fault", [
    "<p>Search results</p>",
    "<p>检索 results</p>",
    "<p>Filters</p>",
    "<p>source hash</p>",
    "<p>SAVE</p>",
    "<p>[{name, revenue_share}]</p>",
    '<input placeholder="Type to search">',
    '<button aria-label="Toggle password visibility"></button>',
    '<input type="submit" value="Save">',
    '<a title="Go back"><span class="material-symbols-outlined">arrow_back</span></a>',
    "<option>Yes</option>",
    "<title>企业 | Django 业务后台</title>",
])
def test_planted_english_is_noticed(site: Client, codes: frozenset[str], fault: str) -> None:
    page = site.get("/admin/").content.decode()
    clean, dirty = english_in(page, codes=codes), english_in(page.replace("</body>", f"{fault}</body>"), codes=codes)
    assert len(dirty) == len(clean) + 1


@pytest.mark.parametrize("fine", [
    "<p>GB/T 4754-2017 · AI · VR/AR · USCC · API · 5G · C000123</p>",
    '<p class="x">代码 root，见 chain.json</p>',
    "<script>alert('Search results')</script><style>p { color: red }</style>",
    '<span class="material-symbols-outlined">arrow_back</span>',
    '<input type="text" name="search" value="typed words">',
])
def test_codes_and_hidden_text_are_left_alone(fine: str) -> None:
    assert english_in(fine, codes={"root"}) == []
