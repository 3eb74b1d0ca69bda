"""Ranking of nodes for a company: kernels against plain definitions, the split, learning, and the evaluation's honesty."""

from __future__ import annotations

import hashlib
import json
import random
from io import StringIO
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.analysis.ranking import evaluation, kernels
from chains.analysis.ranking.evaluation import Places, bootstrap, by_kernel, evaluate, place
from chains.analysis.ranking.evidence import EVIDENCE, Evidence
from chains.analysis.ranking.known import BadLine, Pair, known, read_pairs, split, without
from chains.analysis.ranking.learning import Choices, hidden_folds, learn

PAIRS = st.lists(st.tuples(st.sampled_from("甲乙丙丁戊己"), st.sampled_from("abcde")), min_size=1, max_size=20)


def clustered(*, companies: int = 90, seed: int = 3) -> list[Pair]:
    """Companies of three trades, each at two to four nodes of its own trade: co-placement tells the trade."""
    draw = random.Random(seed)
    trades = [[f"{trade}{number:02}" for number in range(10)] for trade in ("芯片", "珠宝", "冷链")]
    return [
        (f"示例{number:03}", node)
        for number in range(companies) for node in draw.sample(trades[number % 3], draw.randint(2, 4))
    ]


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_walk_is_personalised_pagerank_of_the_two_sided_graph(pairs: list[Pair]) -> None:
    seen = known(pairs)
    onwards = 0.6
    walked = kernels.walk(seen.matrix, onwards)
    graph = nx.Graph([(("c", company), ("v", node)) for company, node in pairs])
    start = seen.nodes[0]
    # networkx restarts after each edge with 1 - sqrt(onwards): the same walk, seen at its even steps, up to a factor
    rank = nx.pagerank(graph, alpha=onwards**0.5, personalization={("v", start): 1}, tol=1e-13, max_iter=2000)
    at_nodes = np.array([rank.get(("v", node), 0) for node in seen.nodes])
    np.testing.assert_allclose(walked[0], at_nodes / at_nodes.sum(), atol=1e-8)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_ease_regresses_each_node_on_the_others(pairs: list[Pair]) -> None:
    """Column v is the ridge regression of X_v on the other columns, solved one by one."""
    matrix = known(pairs).matrix.toarray()
    found = kernels.ease(known(pairs).matrix, 2.0)
    for node in range(matrix.shape[1]):
        others = [other for other in range(matrix.shape[1]) if other != node]
        gram = matrix[:, others].T @ matrix[:, others] + 2.0 * np.eye(len(others))
        np.testing.assert_allclose(found[others, node], np.linalg.solve(gram, matrix[:, others].T @ matrix[:, node]), atol=1e-9)
        assert found[node, node] == 0


def test_kernels_count_what_they_say() -> None:
    seen = known([("甲", "a"), ("甲", "b"), ("乙", "a"), ("乙", "b"), ("乙", "c"), ("丙", "c")], nodes=["d"])
    assert kernels.together(seen.matrix).tolist() == [[0, 2, 1, 0], [2, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    assert kernels.given(seen.matrix)[2].tolist() == [0.5, 0.5, 0, 0]
    assert kernels.cosine(seen.matrix)[0, 1] == pytest.approx(2 / 3)
    assert kernels.adamic_adar(seen.matrix)[0, 1] == pytest.approx(1 / np.log(3) + 1 / np.log(4))


def test_names_are_alike_by_their_characters() -> None:
    alike = kernels.alike_by_name(["芯片设计", "芯片制造", "珠宝零售"])
    assert alike[0, 1] > 0.2
    assert alike[0, 2] == alike[0, 0] == 0
    assert kernels.alike_by_name(["", " "]).tolist() == [[0, 0], [0, 0]]


@given(PAIRS)
def test_split_hides_one_of_several_of_the_even_half(pairs: list[Pair]) -> None:
    parts = split(pairs)
    assert sorted({*parts.seen, *parts.hidden.items()}) == sorted(set(pairs))
    assert not set(parts.seen) & set(parts.hidden.items())
    for company in {company for company, _ in pairs}:
        even = int(hashlib.sha1(company.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 0
        several = len({node for name, node in pairs if name == company}) > 1
        assert (company in parts.hidden) == (even and several)
    assert split(reversed(pairs)) == parts


def test_without_takes_out_only_the_named() -> None:
    seen = known([("甲", "a"), ("甲", "b"), ("乙", "a")])
    rest = without(seen.matrix, [(seen.companies.index("甲"), 0)])
    assert rest.sum() == 2
    assert seen.matrix.sum() == 3


def test_tied_scores_share_their_rank() -> None:
    """Canary: a ranker that says the same of all nodes must come out as chance, not as best."""
    seen = known([("甲", "a")], nodes="abcde")
    places = place(seen.matrix, [(0, 1)], lambda _: np.zeros(5))
    assert places.rank.tolist() == [2.5]  # four nodes left, ranks 1 to 4
    assert places.auc.tolist() == [0.5]


def test_loss_slopes_as_it_says() -> None:
    draw = np.random.default_rng(0)
    choices = Choices.of([(draw.normal(size=(size, 3)), 1) for size in (4, 2, 7)])
    weight = draw.normal(size=3)
    for part in range(3):
        step = np.eye(3)[part] * 1e-6
        numeric = (choices.loss(weight + step)[0] - choices.loss(weight - step)[0]) / 2e-6
        assert choices.loss(weight)[1][part] == pytest.approx(numeric, abs=1e-6)


def test_learnt_ranking_finds_the_trade_and_contributions_add_up() -> None:
    seen = known(clustered())
    alike = kernels.alike_by_name(seen.nodes)
    weights, evidence = learn(seen.matrix, alike), Evidence(seen.matrix, alike)
    figures = evidence.of([0, 1])
    assert figures.shape == (2, len(seen.nodes), len(EVIDENCE))
    assert np.isfinite(figures).all()
    scores = weights.scores(figures)
    np.testing.assert_allclose(weights.contributions(figures).sum(axis=-1), scores)
    for row in (0, 1):
        trade = seen.nodes[seen.matrix[[row]].indices[0]][:2]
        assert seen.nodes[int(scores[row].argmax())].startswith(trade)


def test_nothing_to_learn_from_weighs_nothing() -> None:
    seen = known([("甲", "a"), ("乙", "b")])
    weights = learn(seen.matrix, kernels.alike_by_name(seen.nodes))
    assert not weights.weight.any()


def test_evaluation_sees_no_hidden_placement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Canary: with the hidden placements left in what may be seen, the ranks would be of other companies' nodes."""
    pairs = clustered()
    honest = evaluate(pairs)
    assert honest["recall@10"] > 0.8
    assert honest["examined"] == len(split(pairs).hidden)
    shuffled = [node for _, node in pairs]
    random.Random(5).shuffle(shuffled)
    assert evaluate([(company, node) for (company, _), node in zip(pairs, shuffled, strict=True)])["recall@10"] < 0.6
    leaking = evaluation.split(pairs)
    monkeypatch.setattr(evaluation, "split", lambda _: type(leaking)(tuple(pairs), leaking.hidden))
    assert evaluate(pairs)["recall@1"] != honest["recall@1"]


def test_evaluation_is_the_same_whatever_the_order_of_lines() -> None:
    pairs = clustered(companies=40)
    assert evaluate(pairs) == evaluate(list(reversed(pairs)))


def test_bootstrap_pairs_the_companies() -> None:
    """The same ranks differ by nothing at all; unpaired draws would give an interval around nothing."""
    places = Places(np.array([1.0, 7, 3, 30]), np.full(4, 40.0))
    assert all(bounds == [0, 0] for bounds in bootstrap(places, places).values())


def test_folds_hide_one_placement_of_each_company_with_several() -> None:
    seen = known([*clustered(companies=9), ("独", "芯片00")])
    hidden = [cell for fold in hidden_folds(seen.matrix, folds=3, seed=1) for cell in fold]
    assert sorted(row for row, _ in hidden) == [row for row, name in enumerate(seen.companies) if name != "独"]
    assert all(seen.matrix[row, column] for row, column in hidden)


def test_scores_by_kernel_add_the_company_s_nodes() -> None:
    seen = known([("甲", "a"), ("甲", "b"), ("乙", "c")])
    kernel = np.arange(9.0).reshape(3, 3)
    assert by_kernel(seen.matrix, kernel)(1).tolist() == [3, 5, 7]


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "第 2 行不是 JSON"), ("[]", "第 2 行缺少"), ('{"company": "甲", "node": " "}', "第 2 行缺少")],
)
def test_bad_line_is_named(line: str, said: str) -> None:
    with pytest.raises(BadLine, match=said):
        read_pairs(['{"company": "甲", "node": "a"}', line])


def test_command_prints_one_line_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "placements.jsonl"
    lines = [json.dumps({"company": company, "node": node}) for company, node in clustered(companies=30)]
    lines.append('{"company": "示例\u2028甲", "node": "芯片00"}')
    file.write_text("\ufeff" + "\r\n".join(["", *lines]), encoding="utf-8")
    out = StringIO()
    call_command("evaluate_ranking", placements=str(file), stdout=out)
    printed = json.loads(out.getvalue())
    assert set(printed) >= {"recall@1", "recall@5", "recall@10", "mrr", "auc", "baselines", "difference", "seconds"}
    assert printed["companies"] == 31
    with pytest.raises(CommandError, match="无法读取"):
        call_command("evaluate_ranking", placements=str(tmp_path / "none"))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="UTF-8"):
        call_command("evaluate_ranking", placements=str(file))
    file.write_text('{"company": "甲", "node": "a"}', encoding="utf-8")
    with pytest.raises(CommandError, match="没有可检验的企业"):
        call_command("evaluate_ranking", placements=str(file))
