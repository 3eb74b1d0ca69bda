"""The version column of a row that two people may have open at once.

The database raises it (office/version_triggers.py): services, `queryset.update`, raw SQL and the sync cannot forget to.
Who saves names the version that he saw; office/versions.py compares under the row's lock.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Versioned(models.Model):
    version = models.PositiveIntegerField(_("版本"), default=1, db_default=1, editable=False)

    class Meta:
        abstract = True
