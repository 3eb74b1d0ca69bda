from plans.admin.figures import ContextFigureAdmin, IndicatorAdmin
from plans.admin.plan import ClauseAdmin, PlanAdmin

__all__ = ["ClauseAdmin", "ContextFigureAdmin", "IndicatorAdmin", "PlanAdmin"]
