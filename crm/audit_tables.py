from crm.models import (
    Company,
    CompanyEvent,
    CompanyGrade,
    CompanyIdentifier,
    CompanyName,
    Contact,
    Disclosure,
    QuarantinedRow,
    SourceLink,
    SyncRun,
)
from office.audit import watch, watch_app

watch_app("crm")
watch(SourceLink, out="a million digests of a source's records; what they change is recorded where it lands")
watch(SyncRun, skip=["staged_cursor", "page_hash", "progress"])  # move with every page
watch(QuarantinedRow, skip=["digest"])  # what the source sent stands beside it
# A sync brings a million at once, and every later change is recorded: of a new row the hash will do.
for model in (Company, CompanyIdentifier, CompanyName, CompanyGrade, CompanyEvent):
    watch(model, insert="digest")
# Who a person is stays out of the audit: salted fingerprints say that it changed, and erasing takes the salt away.
watch(Contact, personal=list(Contact.PERSONAL_FIELDS), skip=["privacy_salt"])
watch(Disclosure, skip=["fields"])  # names of columns; the row itself is append-only and says them in words
