"""The chain's picture: its tiers as columns, its services as a lane, its supply as lines; SVG without script."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString, mark_safe

from chains.reports.lanes.markup import element
from chains.reports.lanes.model import LaneLink, LaneNode, check_nodes, merge_links
from chains.reports.lanes.pictures import empty_picture, tall_picture, wide_picture

__all__ = ["LaneLink", "LaneNode", "draw"]


def draw(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> SafeString:
    """Both forms of the picture in one block; the stylesheet shows the one that fits. Same input, same bytes.

    Nodes are placed in the order given where the lines leave a choice. Raises ValueError for a node given twice,
    an unknown tier, lane, status or action, and a link with an end that is not among the nodes.
    """
    check_nodes(nodes)
    lines = merge_links(nodes, links)
    if nodes:
        forms = [wide_picture(nodes, lines), tall_picture(nodes, lines)]
    else:
        forms = [empty_picture("wide"), empty_picture("tall")]
    picture = element("div", {"class": "picture"}, *forms)
    # Safe: `picture` is Markup, which only `element` makes, and `element` escapes every attribute and every word.
    return mark_safe(str(picture))  # noqa: S308  # nosec B308 B703 (escaped by `element`, see above)
