from chains.models import GapReport, GapReportRow, Placement
from office.audit import watch, watch_app

watch_app("chains")
for model in (GapReport, GapReportRow):  # frozen, whole documents: their hash proves them
    watch(model, insert="digest")
watch(Placement, insert="digest")  # the placer makes them by the hundred thousand
