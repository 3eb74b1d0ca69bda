"""Links from the admin to the pages that leaders read."""

from __future__ import annotations

from django.urls import reverse
from django.utils.safestring import SafeString

from chains.models import Chain, GapReport, Node
from office.admin_tools import link


def chain_page(chain: Chain, text: object = "") -> SafeString:
    return link(reverse("chain", args=[chain.code]), text or chain)


def node_page(node: Node, text: object = "") -> SafeString:
    """The node's page of the newest report. `node.chain` should be loaded."""
    return link(reverse("chain-node", args=[node.chain.code, node.code]), text or node.name)


def report_page(report: GapReport, text: object = "") -> SafeString:
    return link(reverse("report", args=[report.chain.code, report.number]), text or report)
