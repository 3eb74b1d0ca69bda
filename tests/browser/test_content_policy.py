"""The pages work under their content policy, and what somebody plants in one does not run."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from chains.services.make_report import make_report
from config import urls
from crm.models import Company
from office.models import User
from office.roles import OFFICER
from tests import factories as make
from tests.browser.conftest import Watched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "pass-word-1234"
PLANTED = "<p id='x'>x</p><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


def planted(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<title>quiet</title>{PLANTED}<a href=\"javascript:document.title='taken'\">a</a>")


planted.login_required = False  # type: ignore[attr-defined]
urlpatterns = [path("planted/", planted), *urls.urlpatterns]


@pytest.fixture
def site(live_server: Any, watched: Watched) -> Watched:
    chain = make.chain()
    make.place(chain, "chip", make.company("东莞示例大芯有限公司", district="441900"))
    make_report(chain=chain, as_of=make.DAY, now=make.NOW)
    make.user("root", OFFICER)
    watched.base = live_server.url  # type: ignore[attr-defined]
    watched.page.goto(f"{live_server.url}/login/")
    watched.page.fill("input[name=username]", "root")
    watched.page.fill("input[name=password]", PASSWORD)
    watched.page.click("button.primary")
    watched.page.wait_for_url(f"{live_server.url}/")
    return watched


def visit(site: Watched, *addresses: str) -> None:
    for address in addresses:
        answer = site.page.goto(f"{site.base}{address}")  # type: ignore[attr-defined]
        assert answer.status == 200, address
        site.page.wait_for_load_state("networkidle")


def test_our_own_pages_have_nothing_to_complain_of(site: Watched) -> None:
    visit(
        site, "/", "/plan/", "/model/", "/chains/demo/", "/chains/demo/reports/1/", "/chains/demo/nodes/chip/", "/account/",
        "/account/totp/",
    )
    assert (site.complaints, site.errors) == ([], [])


def test_the_admins_list_searches_and_turns_dark(site: Watched) -> None:
    visit(site, "/admin/", "/admin/projects/project/", "/admin/chains/chainversion/", "/admin/crm/company/")
    page = site.page
    page.fill("input[name=q]", "大芯")
    page.press("input[name=q]", "Enter")
    page.wait_for_url("**q=**")
    assert page.locator("#result_list tbody tr").count() == 1
    page.click("[x-on\\:click*='openUserLinks']")
    page.click("[x-on\\:click=\"switchTheme('dark')\"]")
    page.wait_for_function("document.documentElement.classList.contains('dark')")
    visit(site, "/admin/")
    assert page.evaluate("document.documentElement.classList.contains('dark')")
    assert (site.complaints, site.errors) == ([], [])


def test_the_admins_form_has_tabs_rows_and_a_calendar(site: Watched) -> None:
    page = site.page
    visit(site, f"/admin/crm/company/{Company.objects.get().pk}/change/")
    rows = page.locator("input[name^=former_names-][name$=-name]:not([name*=__prefix__])")
    before = rows.count()
    page.locator("#former_names-group .add-row").first.click()
    assert rows.count() == before + 1
    page.locator("input[name=established_on] ~ .datetimeshortcuts a[id^=calendarlink]").first.click()
    page.locator(".calendarbox:visible td a").first.click()
    assert page.input_value("input[name=established_on]").count("/") == 2
    page.click("[x-on\\:click=\"activeTab = 'placements'\"]")
    assert page.locator("input[name=name]").first.is_hidden()
    assert (site.complaints, site.errors) == ([], [])


def test_the_admin_looks_up_a_company_while_one_types(site: Watched) -> None:
    page = site.page
    visit(site, "/admin/projects/project/add/")
    page.locator("select[name=company] + .select2-container").click()
    page.fill(".select2-search__field", "大芯")
    page.locator(".select2-results__option", has_text="东莞示例大芯有限公司").click()
    assert page.input_value("select[name=company]") == str(Company.objects.get().pk)
    assert (site.complaints, site.errors) == ([], [])


@pytest.mark.urls("tests.browser.test_content_policy")
def test_canary_what_is_planted_does_not_run_and_is_reported(live_server: Any, watched: Watched) -> None:
    watched.page.goto(f"{live_server.url}/planted/")
    watched.page.click("a")
    watched.page.wait_for_timeout(300)
    assert watched.page.title() == "quiet"
    assert len(watched.complaints) >= 3


@pytest.mark.urls("tests.browser.test_content_policy")
def test_canary_without_the_policy_it_would_run(live_server: Any, watched: Watched, settings: Any) -> None:
    settings.CONTENT_SECURITY_POLICY = None
    watched.page.goto(f"{live_server.url}/planted/")
    watched.page.wait_for_function("document.title == 'taken'")


@pytest.mark.urls("tests.browser.test_content_policy")
def test_the_admin_alone_has_its_grants(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    for address in ("/", "/plan/", "/login/", "/account/", "/healthz", "/admin-not/", "/admin/no-such-page/"):
        policy = client.get(address)["Content-Security-Policy"]
        assert "unsafe" not in policy, address
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
    granted = client.get("/admin/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in granted + ";"
    assert "style-src 'self' 'unsafe-inline'" in granted
