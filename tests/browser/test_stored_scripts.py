"""SE-05: what people and sources type is text on every page, whatever it looks like; nothing of it runs.

Fifty ways of smuggling a script are stored in the names, notes and reasons of real rows. Each page that shows them is
opened in a browser: it may neither open a dialogue nor run a line. Twice: under the content policy, and without it, so that
the escaping is seen to hold by itself.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from chains.models import Chain, Node
from chains.services.make_report import make_report
from crm.models import Company, CompanyName, Contact, QuarantinedRow, SyncIssue, SyncRun
from crm.models import Source as DataSource
from office.models import User
from office.roles import ADMINISTRATOR, AUDITOR, OFFICER
from projects.models import Project
from projects.services.transition import change_side_state
from tests import factories as make
from tests.browser.conftest import Watched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RUN = "window.taken=1"
CORPUS = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    f"<script src=data:,{RUN}></script>",
    f"<script\x0b>{RUN}</script>",
    f"<<script>{RUN}//<</script>",
    f"</textarea><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"--><script>{RUN}</script>",
    f"]]><script>{RUN}</script>",
    f"'><script>{RUN}</script>",
    f"\"><script>{RUN}</script>",
    f"`><script>{RUN}</script>",
    f"'\"><img src=x onerror={RUN}>",
    f"<img src=x onerror=\"{RUN}\">",
    f"<img/src=x/onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><a xlink:href='javascript:{RUN}'><text>x</text></a></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<body onload={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"<iframe src=javascript:parent.{RUN}>",
    f"<object data=javascript:{RUN}>",
    f"<embed src=javascript:{RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}>",
    f"<math href=javascript:{RUN}>x",
    f"<form><button formaction=javascript:{RUN}>",
    f"<isindex action=javascript:{RUN}>",
    f"<base href=javascript:{RUN}//>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<style>@import 'javascript:{RUN}'</style>",
    f"<div style=\"background:url(javascript:{RUN})\">",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"${{{RUN}}}",
    f"{{% raw %}}<script>{RUN}</script>",
    f"\" x-data x-init=\"{RUN}",
    f"' x-on:click.window='{RUN}",
    f"\" onfocus=\"{RUN}\" autofocus x=\"",
    f"\\\"; {RUN}; //",
    f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"%3Cscript%3E{RUN}%3C/script%3E",
    f"＜script＞{RUN}＜/script＞",
    f"<scr<script>ipt>{RUN}</script>",
    f"<a href='javascript:{RUN}'>点</a>",
    f"alert(1)//<img src=x onerror=alert(1);{RUN}>",
]


def test_the_corpus_has_fifty_ways() -> None:
    assert len(set(CORPUS)) == 50


def plant() -> dict[str, str]:
    """Rows full of scripts; returns addresses by the person who opens them."""
    officer = make.user("officer", OFFICER)
    document = make.chain_document()
    for node, text in zip(document["nodes"], CORPUS[14:], strict=False):
        node["name"] = text[:60]
    chain = make.chain(**document)
    Chain.objects.update(summary=CORPUS[0], group=CORPUS[17][:32])
    firms = [make.company(text, number=number, short_name=text[:60], address=text, business_scope=text,
                          district="440303" if number % 2 else "441900") for number, text in enumerate(CORPUS, start=1)]
    for firm, text in zip(firms, CORPUS, strict=True):
        CompanyName.objects.create(company=firm, name=text)
        make.place(chain, "chip", firm)
    project = make.project(officer, firms[0])
    Project.objects.update(name=CORPUS[15][:120], next_step=CORPUS[12], summary=CORPUS[11], source_place=CORPUS[0][:60])
    change_side_state(project_id=project.pk, target="paused", by=officer, on=make.DAY, reason=CORPUS[13])
    change_side_state(project_id=project.pk, target="active", by=officer, on=make.DAY, reason="")
    make.aim(chain, "chip", project)
    contact = Contact.objects.create(
        company=firms[0], name=CORPUS[0][:60], title=CORPUS[11][:60], wechat=CORPUS[12][:60], purpose="project", basis="self",
        collected_on=make.DAY, last_used_on=make.DAY, keep_until=make.DAY.replace(year=2100), keeper=officer,
    )
    source = DataSource.objects.create(code="s", name=CORPUS[13][:60])
    run = SyncRun.objects.create(source=source, slot="one", mode="full", status="failed", reason=CORPUS[14])
    bad = QuarantinedRow.objects.create(run=run, source_key=CORPUS[13][:60], payload={CORPUS[0]: CORPUS[16]})
    issue = SyncIssue.objects.create(run=run, row=bad, source_key=CORPUS[13][:60], reason=CORPUS[15])
    User.objects.filter(pk=officer.pk).update(display_name=CORPUS[0][:60], title=CORPUS[12][:60])
    make_report(chain=chain, as_of=make.DAY, now=make.NOW)
    node = Node.objects.get(code="chip")
    change = lambda row: reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])  # noqa: E731
    past = lambda row: reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])  # noqa: E731
    business = [
        "/", "/chains/demo/", "/chains/demo/nodes/chip/", "/admin/", "/admin/crm/company/", "/admin/projects/project/",
        "/admin/chains/placement/", "/admin/chains/node/", "/admin/crm/contact/", "/admin/crm/syncrun/",
        "/admin/crm/syncissue/",
        change(firms[0]), change(firms[1]), past(firms[0]), change(project), past(project), change(contact), past(contact),
        change(node), change(issue), change(chain), "/admin/projects/project/as-of/", "/admin/crm/company/?q=%3Cscript%3E",
    ]
    return dict.fromkeys(business, "officer") | {"/admin/office/user/": "boss", change(officer): "boss"} | {
        "/admin/office/auditblock/": "auditor", past(officer): "auditor"
    }


def open_all(live_server: Any, watched: Watched, pages: dict[str, str]) -> list[str]:
    """Where a script ran or a dialogue opened."""
    for name, role in (("boss", ADMINISTRATOR), ("auditor", AUDITOR)):
        make.user(name, role)
    dialogues: list[str] = []
    watched.page.on("dialog", lambda dialogue: (dialogues.append(watched.page.url), dialogue.dismiss()))
    taken, signed_in = [], ""
    for place, person in sorted(pages.items(), key=lambda item: item[1]):
        if person != signed_in:
            client = Client()
            client.force_login(User.objects.get(username=person))
            watched.page.context.clear_cookies()
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
            watched.page.context.add_cookies([cookie])
            signed_in = person
        answer = watched.page.goto(f"{live_server.url}{place}")
        assert answer.status == 200, (place, answer.status)
        watched.page.wait_for_timeout(150)
        if watched.page.evaluate("window.taken"):
            taken.append(place)
    return taken + dialogues


@pytest.mark.parametrize("policy", [True, False])
def test_nothing_that_is_stored_runs(live_server: Any, watched: Watched, settings: Any, policy: bool) -> None:
    pages = plant()
    if not policy:
        settings.CONTENT_SECURITY_POLICY = settings.ADMIN_CONTENT_SECURITY_POLICY = None
    assert open_all(live_server, watched, pages) == []
    if policy:
        assert watched.complaints == [], "the policy had to stop what escaping should have made text"


def test_canary_a_page_that_does_not_escape_is_seen(
    live_server: Any, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without escaping and without the policy the first list runs one of the fifty."""
    from django.utils.safestring import mark_safe

    from crm.admin.company import CompanyAdmin

    for number, text in enumerate(CORPUS, start=1):
        make.company(text, number=number)
    make.user("officer", OFFICER)
    monkeypatch.setattr(CompanyAdmin, "uscc", lambda self, company: mark_safe(company.name))  # noqa: S308  (the planted fault)
    with override_settings(CONTENT_SECURITY_POLICY=None, ADMIN_CONTENT_SECURITY_POLICY=None):
        assert open_all(live_server, watched, {"/admin/crm/company/": "officer"}) != []
    assert Company.objects.count() == len(CORPUS)
