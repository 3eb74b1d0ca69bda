from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0010_asked_at")]

    operations = [
        migrations.AddField("quarantinedrow", "dismissed_because", models.CharField(
            blank=True, db_default="", default="", editable=False, max_length=200, verbose_name="忽略的理由",
        )),
    ]
