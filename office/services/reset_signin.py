from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from axes.models import AccessAttempt
from django.db import transaction

from office.models import User


@transaction.atomic
def reset_signin(
    *, user: User, second_factor: bool = False, single_sign_on: bool = False, lock: bool = False
) -> dict[str, int]:
    """Take away what keeps a person out; returns how much of each there was.

    Without his second factor a privileged person can do nothing but set up a new one.
    """
    done = {}
    if second_factor:
        done["second_factor"] = Authenticator.objects.filter(user=user).delete()[0]
    if single_sign_on:
        done["single_sign_on"] = SocialAccount.objects.filter(user=user).delete()[0]
    if lock:
        done["lock"] = AccessAttempt.objects.filter(username=user.username).delete()[0]
    return done
