"""The plan is a published text: everyone who works with it reads the whole of it."""

from __future__ import annotations

from office import scope
from office.roles import ADMINISTRATOR, ROLES
from plans.models import Clause, ContextFigure, Indicator, Plan

for _model in (Plan, Clause, Indicator, ContextFigure):
    scope.declare(_model, {role: scope.nobody if role == ADMINISTRATOR else scope.every for role in ROLES})
