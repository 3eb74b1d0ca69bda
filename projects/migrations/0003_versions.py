from django.db import migrations, models

from office import version_triggers

VERSION = models.PositiveIntegerField(default=1, editable=False, verbose_name="版本")


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_carrier_operators"), ("office", "0004_versions")]

    operations = [
        migrations.AddField("zone", "version", VERSION),
        migrations.AddField("carrier", "version", VERSION),
        version_triggers.counts("projects_zone"),
        version_triggers.counts("projects_carrier"),
        version_triggers.counts("projects_project", "updated"),
        version_triggers.counts_for("projects_carrieroperator", "projects_carrier", "carrier_id"),
        version_triggers.counts_for("projects_commitment", "projects_project", "project_id"),
    ]
