from __future__ import annotations

from typing import Any

from allauth.mfa.stages import AuthenticateStage

from office.signin.second_factor import is_given


class SecondFactorStage(AuthenticateStage):
    """The one step after the first: not asked again where the identity provider has just asked."""

    def handle(self) -> tuple[Any, bool]:
        user = self.login.user
        if user is not None and is_given(self.request, user):
            return None, True
        return super().handle()
