from django.db import migrations, models

from office import version_triggers


class Migration(migrations.Migration):
    dependencies = [("crm", "0007_links_instead_of_columns"), ("office", "0006_job_progress")]

    operations = [
        migrations.AlterModelOptions("source", options={
            "ordering": ["code"], "permissions": [("sync_source", "立即同步")], "verbose_name": "数据源", "verbose_name_plural": "数据源",
        }),
        migrations.AddField("quarantinedrow", "version", models.PositiveIntegerField(
            db_default=1, default=1, editable=False, verbose_name="版本",
        )),
        version_triggers.counts("crm_quarantinedrow"),
    ]
