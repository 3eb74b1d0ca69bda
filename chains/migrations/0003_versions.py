from django.db import migrations, models

from office import version_triggers

VERSION = models.PositiveIntegerField(default=1, editable=False, verbose_name="版本")


class Migration(migrations.Migration):
    dependencies = [("chains", "0002_frozen_rows"), ("projects", "0003_versions")]

    operations = [
        migrations.AddField("chain", "version", VERSION),
        migrations.AddField("placement", "version", VERSION),
        version_triggers.counts("chains_chain"),
        version_triggers.counts("chains_placement"),
        version_triggers.counts_for("chains_chainleader", "chains_chain", "chain_id"),
        version_triggers.counts_for("chains_leadfirm", "chains_chain", "chain_id"),
        # A project's page shows what it is aimed at. A company's does not let anybody change where it stands.
        version_triggers.counts_for("chains_placement", "projects_project", "project_id"),
    ]
