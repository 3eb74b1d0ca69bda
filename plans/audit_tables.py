from office.audit import watch_app

watch_app("plans")
