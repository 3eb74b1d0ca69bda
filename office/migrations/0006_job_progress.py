from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("office", "0005_version_default")]

    operations = [
        migrations.AddField("job", "progress", models.JSONField(blank=True, db_default={}, default=dict, verbose_name="进度")),
        migrations.AlterField("job", "state", models.CharField(
            choices=[("queued", "待办"), ("running", "执行中"), ("done", "完成"), ("dead", "已放弃"), ("merged", "并入新时段")],
            default="queued", max_length=8, verbose_name="状态",
        )),
        migrations.AlterModelOptions("job", options={
            "ordering": ["-created", "-id"], "permissions": [("retry_job", "重试后台任务")], "verbose_name": "后台任务",
            "verbose_name_plural": "后台任务",
        }),
    ]
