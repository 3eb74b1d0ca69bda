"""The permission matrix as the bureau wants it, written by hand and read by nothing but the tests.

The program's own tables (office/roles.py, the apps' scopes.py) are what is tested; nothing here is derived from them.
Columns: officer, team lead, department, 链长, operator, auditor, administrator, a person without a role.

    all     every row                   own     the rows of his people, chains or buildings        -     nothing
"""

from __future__ import annotations

PEOPLE = ("officer", "lead", "director", "leader", "operator", "auditor", "sysadmin", "outsider")

_BUREAU = "all all all - - all - -"
_PUBLIC = "all all all all all all - -"
_CHAIN = "all all all own - all - -"
_KEEPERS = "- - - - - all all -"

VIEW = {
    "plans.Plan": _PUBLIC, "plans.Clause": _PUBLIC, "plans.Indicator": _PUBLIC, "plans.ContextFigure": _PUBLIC,
    "crm.Company": "all all all own own all - -",
    "crm.IndustryCode": _PUBLIC, "crm.Source": _BUREAU, "crm.SyncRun": _BUREAU, "crm.SyncIssue": _BUREAU,
    "crm.QuarantinedRow": _BUREAU, "crm.FieldConflict": _BUREAU,
    "crm.PossibleMatch": _BUREAU, "crm.IdentityChange": _BUREAU,
    "crm.Contact": "own own own own - all - -", "crm.Disclosure": "own own own - - all - -",
    "projects.Zone": _PUBLIC, "projects.Carrier": "all all all all own all - -",
    "projects.Project": "own own own own own all - -",
    "chains.Chain": _CHAIN, "chains.ChainVersion": _CHAIN, "chains.Node": _CHAIN, "chains.GapReport": _CHAIN,
    "chains.Placement": _CHAIN, "chains.Placement#project": "own own own own - all - -",
    "office.AuditBlock": "- - - - - all - -",
    "office.User": _KEEPERS, "office.Department": _KEEPERS, "office.Job": _KEEPERS, "auth.Group": _KEEPERS,
}
# Whoever is not named changes nothing.
CHANGE = {
    "crm.Company": "all all - - - - - -",
    "crm.Contact": "own own - - - - - -",
    "crm.QuarantinedRow": "all all - - - - - -",
    "projects.Project": "own own - - - - - -",
    "projects.Zone": "- - all - - - - -", "projects.Carrier": "- - all - - - - -",
    "chains.Chain": "- - all - - - - -",
    "chains.Placement": "all all - - - - - -", "chains.Placement#project": "own own - - - - - -",
    "office.User": "- - - - - - all -", "office.Department": "- - - - - - all -",
}
# Rows that are decided by buttons: no page of theirs is saved.
DECIDE = {"crm.FieldConflict": "all all - - - - - -"}
ADD = {
    "crm.Company": "officer lead", "crm.Contact": "officer lead",
    "projects.Project": "officer lead", "chains.Placement": "officer lead",
    "projects.Zone": "director", "projects.Carrier": "director",
    "office.User": "sysadmin", "office.Department": "sysadmin",
}
DELETE: dict[str, str] = {}  # nothing is deleted on screen: rows end, are rejected or marked

# Admin pages beside the standard ones: name → who opens them for a row of his, as in VIEW.
EXTRA_ADMIN = {
    "chains_chain_upload": "all all - - - - - -",
    "chains_chain_report_now": "all all - - - - - -",
    "auth_user_password_change": "- - - - - - all -",
    "crm_contact_reveal": "own own - - - - - -",
    "crm_contact_erase": "- own own - - - - -",
    "crm_source_sync_now": "- all all - - - - -", "crm_syncrun_retry": "- all all - - - - -",
    "crm_quarantinedrow_replay": "all all - - - - - -", "crm_quarantinedrow_dismiss": "all all - - - - - -",
    "crm_fieldconflict_keep": "all all - - - - - -", "crm_fieldconflict_take": "all all - - - - - -",
    "office_job_retry": "- - - - - - all -",
    "crm_company_merge": "- all all - - - - -", "crm_company_split": "- all all - - - - -",
    "crm_company_take_out": "- all all - - - - -", "crm_identitychange_undo": "- all all - - - - -",
    "crm_possiblematch_judge": "all all - - - - - -",
}
# Whose row such a page is about, where it is about one.
EXTRA_ROW = {
    "chains_chain_report_now": "chains.Chain", "auth_user_password_change": "office.User",
    "crm_contact_reveal": "crm.Contact", "crm_contact_erase": "crm.Contact",
    "crm_source_sync_now": "crm.Source", "crm_syncrun_retry": "crm.SyncRun", "office_job_retry": "office.Job",
    "crm_quarantinedrow_replay": "crm.QuarantinedRow", "crm_quarantinedrow_dismiss": "crm.QuarantinedRow",
    "crm_fieldconflict_keep": "crm.FieldConflict", "crm_fieldconflict_take": "crm.FieldConflict",
    "crm_company_merge": "crm.Company", "crm_company_split": "crm.Company", "crm_company_take_out": "crm.Company",
    "crm_identitychange_undo": "crm.IdentityChange", "crm_possiblematch_judge": "crm.PossibleMatch",
}
# Pages that answer a POST alone, as the next step of a list's action: (name, field that names the rows, model).
POST_ONLY = {"crm_contact_export": ("contact", "crm.Contact", "own own - - - - - -")}
# Pages of the admin as a whole: any signed-in person of the staff; what they list is narrowed by the rows' own scope.
WHOLE_ADMIN = {
    "index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n", "view_on_site",
    "app_list", "search",
}
# Our own pages: name → who opens them for a chain of his.
PAGES = {
    "home": "all all all own all all all -",  # operators and administrators are led on to the back office
    "gap-model": "all all all all - all - -", "plan": "all all all all all all - -",
    "chain": _CHAIN, "chain-file": _CHAIN, "chain-node": _CHAIN, "report": _CHAIN, "report-file": _CHAIN, "report-node": _CHAIN,
}
# Open to people who have not signed in.
OPEN = {"healthz", "login", "logout", "account_login", "mfa_authenticate", "sso-start", "sso-callback"}
# Everybody's own account: no address of these names a person.
ACCOUNT = {
    "mfa_index", "account_reauthenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
}

# The API: base name of a resource → what it is about; routes by name; parts of a resource with an expectation of their own.
API = {
    "api-company": "crm.Company", "api-project": "projects.Project", "api-carrier": "projects.Carrier",
    "api-chain": "chains.Chain", "api-placement": "chains.Placement", "api-gap-report": "chains.GapReport",
}
API_ROUTES = {
    *(f"{base}-{word}" for base in API for word in ("list", "detail")),
    "api-project-commitments", "api-project-handover", "api-project-transition", "api-placement-decide",
}
API_PARTS = {"api-project-commitments": "own own own own - all - -"}

# Columns that a role does not see: (person, model) → fields.
HIDDEN = {
    ("operator", "projects.Project"): ["total_investment", "expected_output", "next_step"],
    ("operator", "crm.Company"): [
        "annual_revenue", "revenue_year", "registered_capital", "registered_capital_text", "employees",
    ],
}


def reach(table: dict[str, str], key: str, person: str) -> str:
    """all, own or - ; raises KeyError for a row that the table does not have."""
    return table[key].split()[PEOPLE.index(person)]


def may_add(key: str, person: str) -> bool:
    return person in ADD.get(key, "").split()
