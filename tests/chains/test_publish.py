"""Publishing a map: versions, what survives the round trip, what is refused, and what the database keeps still."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from chains import loading
from chains.analysis.chainfile import ChainFileError, parse_chain
from chains.models import ChainVersion, Node, NodeSpec
from chains.services.publish import UnknownClause, publish_chain
from tests import factories as make

pytestmark = pytest.mark.django_db


def publish(**changes):
    return publish_chain(document=parse_chain(make.chain_document(**changes)), now=make.NOW)


@pytest.fixture(autouse=True)
def plan():
    return make.clause()


def test_a_chain_file_comes_back_as_it_went_in_with_its_unknown_keys() -> None:
    version = publish().version
    body = make.chain_document()
    body["nodes"][0]["custom"] = {"deep": [1, 2]}
    body["supply"][0]["note"] = "kept"
    body["supply"][0]["alternatives"][0]["note"] = "kept too"
    body["custom_top"] = "kept three"
    version = publish(**body).version
    whole = loading.document(version, as_of=make.DAY)
    given = parse_chain(body).to_dict()
    for node, original in zip(whole["nodes"], given["nodes"], strict=True):
        assert {key: node[key] for key in original} == original
    assert whole["supply"] == given["supply"]
    assert (whole["custom_top"], whole["chain"]["custom"]) == ("kept three", "kept")


def test_the_same_map_is_not_published_twice() -> None:
    first, second = publish(), publish()
    assert (first.created, second.created) == (True, False)
    assert first.version == second.version


def test_another_date_is_not_another_map() -> None:
    publish()
    body = make.chain_document()
    body["chain"]["as_of"] = "2027-01-01"
    assert publish(**body).created is False


def test_an_edit_makes_the_next_version_and_leaves_the_first_as_it_was() -> None:
    first = publish().version
    body = make.chain_document()
    body["nodes"][0]["target_capacity"] = 12.5
    second = publish(**body).version
    assert (first.number, second.number) == (1, 2)
    assert first.specs.get(node__code="chip").target_capacity == 10.0
    assert second.specs.get(node__code="chip").target_capacity == 12.5
    assert Node.objects.count() == 4


def test_a_removed_node_keeps_its_identity_and_leaves_the_new_map() -> None:
    chain = publish().version.chain
    company = make.company("深圳市示例屏有限公司")
    make.place(chain, "oled", company)
    body = make.chain_document()
    body["nodes"] = [node for node in body["nodes"] if node["code"] != "oled"]
    body["supply"][1]["alternatives"].pop()
    version = publish(**body).version
    assert Node.objects.filter(code="oled").exists()
    assert loading.company_placements(version) == []


def test_an_unknown_clause_is_named_and_nothing_is_written() -> None:
    body = make.chain_document()
    body["nodes"][1]["clause"] = "九(九)9"
    with pytest.raises(UnknownClause, match="screen 引用 九"):
        publish(**body)
    assert ChainVersion.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        ("supply[0].alternatives[0].node", lambda body: body["supply"][0]["alternatives"][0].update(node="nobody")),
        ("nodes[0].target_capacity", lambda body: body["nodes"][0].update(target_capacity=-1.0)),
        ("supply[0].alternatives[0].node", lambda body: body["supply"][0]["alternatives"][0].update(node="handset")),
        ("nodes[1].weight", lambda body: body["nodes"][1].update(weight=float("nan"))),
    ],
)
def test_a_bad_file_is_refused_whole_with_the_path_of_each_bad_value(path, spoil) -> None:
    body = make.chain_document()
    spoil(body)
    with pytest.raises(ChainFileError) as caught:
        parse_chain(body)
    assert path in [problem.path for problem in caught.value.problems]
    assert ChainVersion.objects.count() == 0


class TestFrozen:
    def test_a_published_map_refuses_an_update_even_in_sql(self) -> None:
        spec = publish().version.specs.first()
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            NodeSpec.objects.filter(pk=spec.pk).update(weight=9)
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM chains_supplyalternative")

    def test_canary_without_the_trigger_the_update_would_pass(self) -> None:
        spec = publish().version.specs.first()
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER chains_nodespec_frozen ON chains_nodespec")
        assert NodeSpec.objects.filter(pk=spec.pk).update(weight=9) == 1
