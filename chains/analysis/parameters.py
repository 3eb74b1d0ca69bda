"""The policy parameters of the gap model, frozen under a version number.

A changed figure is a changed model: add a new instance with a new `model_version`, never edit a published one, so
that an old report can be computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# Chance that a project at this stage brings its capacity. Priors until observed conversion replaces them.
_STAGE_PROBABILITIES: Mapping[str, float] = MappingProxyType(
    {
        "lead": 0.0, "screening": 0.0, "negotiating": 0.0, "pre_signing": 0.0,
        "signed": 0.4,
        "registered": 0.7, "landed": 0.7, "moved_in": 0.7, "construction_started": 0.7, "completed": 0.7,
        "operating": 1.0, "in_production": 1.0, "full_capacity": 1.0, "target_met": 1.0,
    }
)


@dataclass(frozen=True)
class ModelParameters:
    """Everything in the model that is a choice rather than a derivation. All are plain numbers without a unit."""

    model_version: str

    # Strength s = P (adequacy A + specialisation L + n1 R)
    adequacy_weight: float = 0.5
    specialisation_weight: float = 0.2
    n1_weight: float = 0.3
    # ... and the two weights where the nation's mass, or the district's share of it, is not known.
    adequacy_weight_without_specialisation: float = 0.625
    n1_weight_without_specialisation: float = 0.375

    # gap = 100 (1 - S)(base + criticality B + dominance D + local demand Q + policy O)
    base_weight: float = 0.20
    criticality_weight: float = 0.35
    dominance_weight: float = 0.15
    local_demand_weight: float = 0.15
    policy_weight: float = 0.15

    presence_threshold: float = 0.5  # P below: 空白
    weak_threshold: float = 0.5  # s below: 薄弱
    dominance_threshold: float = 0.3  # D from here on: worth strengthening whatever its strength
    theta: float = 0.5  # s * max(y, e) from here on: an alternative that serves
    covered_threshold: float = 0.5  # covered strength from here on: 已有项目覆盖

    draws: int = 200
    thin_data: float = 0.5  # a share of confirmed mass below this is 数据不足

    stage_probabilities: Mapping[str, float] = field(default_factory=lambda: _STAGE_PROBABILITIES)


MODEL_1 = ModelParameters(model_version="1")
