from office.audit import watch, watch_app

watch_app("office")
watch_app("auth")
watch("office.User", secret=["password"], skip=["last_login"])  # each sign-in is a row of its own elsewhere
watch("office.Job", skip=["attempts", "not_before", "lease_until", "lease_token"])  # leases come and go by the minute
watch("auth.Permission", out="made by Django from the models at every migrate")
watch("contenttypes.ContentType", out="made by Django from the models at every migrate")
watch("sessions.Session", out="keys that sign people in; nothing that a person entered")
watch("admin.LogEntry", out="a log itself, superseded by the audit")
