from plans.models.figures import ContextFigure, Indicator
from plans.models.plan import Clause, Plan

__all__ = ["Clause", "ContextFigure", "Indicator", "Plan"]
