from django.db import migrations

from office import version_triggers


class Migration(migrations.Migration):
    dependencies = [("crm", "0002_contacts"), ("office", "0004_versions")]

    operations = [
        version_triggers.counts("crm_company", "updated_at", "is_operating"),
        version_triggers.counts_for("crm_companyidentifier", "crm_company", "company_id"),
        version_triggers.counts_for("crm_companyname", "crm_company", "company_id"),
        version_triggers.counts_for("crm_companygrade", "crm_company", "company_id"),
        version_triggers.counts("crm_contact", "updated_at", "last_used_on", "keep_until"),  # using one prolongs its term
    ]
