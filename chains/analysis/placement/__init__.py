"""挂链: from what a company says of itself to probabilities on chain nodes, with evidence for every point.

Pure: plain data in, plain data out. A company's placements depend on that company and on the chain's nodes alone,
never on the other companies of the call or on other chains.
"""

from chains.analysis.placement.nodes import nodes_from_chain
from chains.analysis.placement.parameters import PLACER_1, PlacerParameters
from chains.analysis.placement.placing import place
from chains.analysis.placement.records import Candidate, CompanyText, Evidence, NodeText, PlacementError, Product

__all__ = [
    "PLACER_1",
    "Candidate",
    "CompanyText",
    "Evidence",
    "NodeText",
    "PlacementError",
    "PlacerParameters",
    "Product",
    "nodes_from_chain",
    "place",
]
