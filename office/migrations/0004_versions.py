from django.db import migrations, models

from office import version_triggers

VERSION = models.PositiveIntegerField(default=1, editable=False, verbose_name="版本")


class Migration(migrations.Migration):
    dependencies = [("office", "0003_audit")]

    operations = [
        migrations.AddField("department", "version", VERSION),
        migrations.AddField("user", "version", VERSION),
        version_triggers.functions(),
        version_triggers.counts("office_department"),
        version_triggers.counts("office_user", "last_login"),
        version_triggers.counts_for("office_user_groups", "office_user", "user_id"),
    ]
