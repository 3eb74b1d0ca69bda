"""Accounts and jobs: the administrator keeps them, the auditor reads them and the audit, nobody else meets them."""

from __future__ import annotations

from django.contrib.auth.models import Group

from office import scope
from office.models import AuditBlock, AuditEntry, AuditLink, Department, Job, User
from office.roles import ADMINISTRATOR, AUDITOR, ROLES

_KEEPERS = {ADMINISTRATOR, AUDITOR}

for _model in (Department, User, Job, Group):
    scope.declare(_model, {role: scope.every if role in _KEEPERS else scope.nobody for role in ROLES})
for _model in (AuditBlock, AuditEntry, AuditLink):
    scope.declare(_model, {role: scope.every if role == AUDITOR else scope.nobody for role in ROLES})
