"""A list on a phone: the theme cuts each cell at one line, and a cell of ours may have several."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import PossibleMatch
from office.roles import OFFICER
from tests import factories as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
CUT = "cells => cells.filter(cell => cell.scrollHeight > cell.clientHeight + 1).map(cell => cell.className.split(' ')[0])"


@pytest.mark.parametrize("styled", [True, False], ids=["as it is", "canary"])
def test_no_cell_of_a_list_is_cut_on_a_phone(browser: Any, live_server: Any, client: Client, styled: bool) -> None:
    one, two = make.company("示例企业甲", number=1, address="示例路" * 20), make.company("示例企业乙", number=2)
    PossibleMatch.objects.create(company=one, other=two, score="0.930", reasons=["名称相近"])
    client.force_login(make.user("officer", OFFICER))
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    context.add_cookies([{"name": n, "value": cookie.value, "url": live_server.url} for n, cookie in client.cookies.items()])
    page = context.new_page()
    if not styled:
        page.route("**/admin*.css", lambda route: route.abort())
    page.goto(live_server.url + reverse("admin:crm_possiblematch_changelist"))
    cut = page.eval_on_selector_all("#result_list tbody td", CUT)
    context.close()
    assert (cut == []) == styled, cut
