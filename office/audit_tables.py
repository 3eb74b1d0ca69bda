from office.audit import watch, watch_app

watch_app("office")
watch_app("auth")
watch("office.User", secret=["password"], skip=["last_login"])  # each sign-in is a row of its own elsewhere
# Leases come and go by the minute, progress by the second.
watch("office.Job", skip=["attempts", "not_before", "lease_until", "lease_token", "progress"])
watch("auth.Permission", out="made by Django from the models at every migrate")
watch("contenttypes.ContentType", out="made by Django from the models at every migrate")
watch("sessions.Session", out="keys that sign people in; nothing that a person entered")
watch("admin.LogEntry", out="a log itself, superseded by the audit")
# Who has a second factor and which outside account is his is worth knowing later; the keys themselves are not kept.
watch("mfa.Authenticator", secret=["data"], skip=["last_used_at"])
watch("socialaccount.SocialAccount", secret=["extra_data"], skip=["last_login"])
watch("socialaccount.SocialToken", out="the provider's tokens are not stored")
watch("socialaccount.SocialApp", out="the provider comes from the environment; a row opens no way")
watch("account.EmailAddress", out="signing in by mail does not exist here")
watch("account.EmailConfirmation", out="signing in by mail does not exist here")
for name in ("AccessAttempt", "AccessAttemptExpiration", "AccessFailureLog", "AccessLog"):
    watch(f"axes.{name}", out="records of sign-ins themselves, purged after their time")
