from chains.models.chains import Chain, ChainLeader, ChainVersion, LeadFirm
from chains.models.nodes import Node, NodeSpec, SupplyAlternative, SupplyGroup
from chains.models.placements import Placement
from chains.models.reports import GapReport, GapReportRow

__all__ = [
    "Chain", "ChainLeader", "ChainVersion", "GapReport", "GapReportRow", "LeadFirm", "Node", "NodeSpec", "Placement",
    "SupplyAlternative", "SupplyGroup",
]
