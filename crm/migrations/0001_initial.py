import crm.models.company
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(
            "CREATE SEQUENCE crm_company_code_seq AS bigint", "DROP SEQUENCE crm_company_code_seq",
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=32, unique=True, verbose_name='代码')),
                ('name', models.CharField(max_length=64, verbose_name='名称')),
                ('base_url', models.CharField(blank=True, max_length=200, verbose_name='地址')),
                ('cursor', models.JSONField(blank=True, default=dict, editable=False, verbose_name='游标')),
                ('last_ok_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='最近成功')),
            ],
            options={
                'verbose_name': '数据源',
                'verbose_name_plural': '数据源',
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='IndustryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('standard', models.CharField(max_length=32, verbose_name='标准')),
                ('code', models.CharField(max_length=4, verbose_name='代码')),
                ('name', models.CharField(max_length=128, verbose_name='名称')),
                ('level', models.PositiveSmallIntegerField(verbose_name='层级')),
                ('parent_code', models.CharField(blank=True, max_length=4, verbose_name='上级代码')),
                ('section', models.CharField(max_length=1, verbose_name='门类')),
            ],
            options={
                'verbose_name': '行业代码',
                'verbose_name_plural': '行业代码',
                'ordering': ['standard', 'code'],
                'constraints': [models.UniqueConstraint(fields=('standard', 'code'), name='industrycode_once'), models.CheckConstraint(condition=models.Q(('level__gte', 1), ('level__lte', 4)), name='industrycode_level')],
            },
        ),
        migrations.CreateModel(
            name='Company',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(db_default=crm.models.company.NextCompanyCode(), editable=False, max_length=16, unique=True, verbose_name='编号')),
                ('name', models.CharField(max_length=200, verbose_name='企业名称')),
                ('short_name', models.CharField(blank=True, db_default='', max_length=64, verbose_name='简称')),
                ('name_pinyin', models.CharField(blank=True, db_default='', editable=False, max_length=600, verbose_name='名称拼音')),
                ('name_initials', models.CharField(blank=True, db_default='', editable=False, max_length=200, verbose_name='拼音首字母')),
                ('status', models.CharField(choices=[('active', '存续/在业'), ('moved_in', '迁入'), ('moved_out', '迁出'), ('suspended', '停业/歇业'), ('liquidation', '清算'), ('revoked', '吊销'), ('revoked_deregistered', '吊销已注销'), ('deregistered', '注销'), ('cancelled', '撤销'), ('removed', '来源已移除')], default='active', max_length=24, verbose_name='登记状态')),
                ('is_operating', models.GeneratedField(db_persist=True, expression=models.Q(('status__in', ('active', 'moved_in'))), output_field=models.BooleanField(), verbose_name='在营')),
                ('industry_code', models.CharField(blank=True, db_default='', help_text='GB/T 4754-2017', max_length=4, verbose_name='行业代码')),
                ('district_code', models.CharField(blank=True, db_default='', help_text='GB/T 2260', max_length=6, verbose_name='区划代码')),
                ('street_code', models.CharField(blank=True, db_default='', max_length=9, verbose_name='街道代码')),
                ('address', models.CharField(blank=True, db_default='', max_length=300, verbose_name='地址')),
                ('established_on', models.DateField(blank=True, null=True, verbose_name='成立日期')),
                ('registered_capital', models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True, verbose_name='注册资本（元）')),
                ('registered_capital_currency', models.CharField(blank=True, db_default='', max_length=3, verbose_name='注册资本币种')),
                ('registered_capital_text', models.CharField(blank=True, db_default='', max_length=64, verbose_name='注册资本原文')),
                ('annual_revenue', models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True, verbose_name='年营业收入（元）')),
                ('revenue_year', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='营收年度')),
                ('employees', models.PositiveIntegerField(blank=True, null=True, verbose_name='从业人数')),
                ('business_scope', models.TextField(blank=True, db_default='', verbose_name='经营范围')),
                ('products', models.JSONField(blank=True, default=list, help_text='每项为产品名称与营收占比', verbose_name='主要产品')),
                ('is_sample', models.BooleanField(default=False, editable=False, verbose_name='示例')),
                ('source_key', models.CharField(blank=True, db_default='', editable=False, max_length=64, verbose_name='数据源编号')),
                ('source_hash', models.CharField(blank=True, db_default='', editable=False, max_length=64, verbose_name='内容指纹')),
                ('source_updated_at', models.DateTimeField(editable=False, null=True, verbose_name='数据源更新时间')),
                ('version', models.PositiveIntegerField(default=1, editable=False, verbose_name='版本')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='录入时间')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='更新时间')),
                ('industry', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='companies', to='crm.industrycode', verbose_name='行业')),
                ('source', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='companies', to='crm.source', verbose_name='数据源')),
            ],
            options={
                'verbose_name': '企业',
                'verbose_name_plural': '企业',
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='SyncRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slot', models.CharField(max_length=40, verbose_name='时段')),
                ('mode', models.CharField(choices=[('full', '全量'), ('changes', '增量')], max_length=8, verbose_name='方式')),
                ('status', models.CharField(choices=[('running', '进行中'), ('done', '完成'), ('failed', '失败'), ('halted', '已中止')], default='running', max_length=8, verbose_name='状态')),
                ('reason', models.TextField(blank=True, verbose_name='原因')),
                ('next_step', models.CharField(blank=True, max_length=8, verbose_name='下一步')),
                ('started_at', models.DateTimeField(auto_now_add=True, verbose_name='开始')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='结束')),
                ('counts', models.JSONField(default=dict, verbose_name='结果')),
                ('staged_cursor', models.JSONField(default=dict, verbose_name='暂存游标')),
                ('page_hash', models.CharField(blank=True, max_length=64, verbose_name='页哈希')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='crm.source', verbose_name='数据源')),
            ],
            options={
                'verbose_name': '同步记录',
                'verbose_name_plural': '同步记录',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='SyncIssue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source_key', models.CharField(blank=True, max_length=64, verbose_name='数据源编号')),
                ('field', models.CharField(blank=True, max_length=64, verbose_name='字段')),
                ('severity', models.CharField(choices=[('error', '未并入'), ('notice', '提示'), ('halt', '整批中止')], default='error', max_length=8, verbose_name='性质')),
                ('reason', models.TextField(verbose_name='原因')),
                ('payload', models.JSONField(null=True, verbose_name='原始内容')),
                ('resolved', models.BooleanField(default=False, verbose_name='已处理')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='时间')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='issues', to='crm.syncrun', verbose_name='同步记录')),
            ],
            options={
                'verbose_name': '隔离与提示',
                'verbose_name_plural': '隔离与提示',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='StagedRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.BigIntegerField()),
                ('source_key', models.CharField(max_length=64, verbose_name='数据源编号')),
                ('op', models.CharField(default='upsert', max_length=8)),
                ('payload', models.JSONField(null=True)),
                ('hash', models.CharField(blank=True, max_length=64)),
                ('result', models.CharField(choices=[('STAGED', '暂存'), ('NEW', '新增'), ('UPDATE', '更新'), ('SKIP', '无变化'), ('INVALID', '不合规'), ('ERROR', '出错')], default='STAGED', max_length=8, verbose_name='结果')),
                ('company', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.company')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='crm.syncrun')),
            ],
            options={
                'verbose_name': '同步行',
                'verbose_name_plural': '同步行',
                'ordering': ['run', 'seq', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CompanyEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('new', '新增'), ('update', '更新'), ('delete', '移除')], max_length=8, verbose_name='类别')),
                ('before', models.JSONField(default=dict, verbose_name='变更前')),
                ('after', models.JSONField(default=dict, verbose_name='变更后')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='时间')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='crm.company', verbose_name='企业')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='crm.syncrun', verbose_name='同步记录')),
            ],
            options={
                'verbose_name': '企业变更',
                'verbose_name_plural': '企业变更',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='CompanyIdentifier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scheme', models.CharField(choices=[('uscc', '统一社会信用代码')], default='uscc', max_length=16, verbose_name='编码体系')),
                ('value', models.CharField(max_length=32, verbose_name='代码')),
                ('valid_from', models.DateField(blank=True, null=True, verbose_name='启用日期')),
                ('valid_to', models.DateField(blank=True, help_text='空为现用', null=True, verbose_name='停用日期')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identifiers', to='crm.company', verbose_name='企业')),
            ],
            options={
                'verbose_name': '企业代码',
                'verbose_name_plural': '企业代码',
                'ordering': ['company', 'scheme', '-valid_from'],
                'indexes': [models.Index(fields=['value'], name='identifier_value')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('scheme', 'value'), name='identifier_live_once', violation_error_message='这个代码正由另一家企业使用'), models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('company', 'scheme'), name='identifier_one_live', violation_error_message='一家企业只能有一个现用代码，请先停用旧代码'), models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_from__isnull', True), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='identifier_dates', violation_error_message='停用日期应晚于启用日期')],
            },
        ),
        migrations.CreateModel(
            name='CompanyName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='曾用名')),
                ('valid_from', models.DateField(blank=True, null=True, verbose_name='启用日期')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='停用日期')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_names', to='crm.company', verbose_name='企业')),
            ],
            options={
                'verbose_name': '曾用名',
                'verbose_name_plural': '曾用名',
                'ordering': ['company', '-valid_to'],
                'indexes': [models.Index(fields=['name'], name='companyname_name')],
                'constraints': [models.UniqueConstraint(fields=('company', 'name'), name='companyname_once'), models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_from__isnull', True), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='companyname_dates', violation_error_message='停用日期应晚于启用日期')],
            },
        ),
        migrations.CreateModel(
            name='CompanyGrade',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grade', models.CharField(choices=[('above_scale', '规上企业'), ('tech_sme', '科技型中小企业'), ('high_tech', '国家高新技术企业'), ('innovative_sme', '创新型中小企业'), ('provincial_srdi', '省级专精特新中小企业'), ('national_little_giant', '国家级专精特新“小巨人”'), ('single_champion', '制造业单项冠军'), ('gazelle', '瞪羚企业'), ('unicorn', '独角兽企业'), ('headquarters', '总部企业'), ('ipo_pool', '拟上市（入库）'), ('ipo_shares', '拟上市（股改）'), ('ipo_tutoring', '拟上市（辅导）'), ('ipo_filing', '拟上市（申报）'), ('listed', '上市企业'), ('licensed_finance', '持牌金融机构'), ('key_tech', '重点科技企业')], max_length=24, verbose_name='等级')),
                ('issuer', models.CharField(blank=True, db_default='', max_length=64, verbose_name='认定单位')),
                ('level', models.CharField(blank=True, db_default='', max_length=16, verbose_name='层级')),
                ('valid_from', models.DateField(verbose_name='认定日期')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='有效期至')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grades', to='crm.company', verbose_name='企业')),
                ('source', models.ForeignKey(blank=True, editable=False, help_text='空为人工录入；数据源不改人工录入的等级', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.source', verbose_name='数据源')),
            ],
            options={
                'verbose_name': '企业等级',
                'verbose_name_plural': '企业等级',
                'ordering': ['company', 'grade', '-valid_from'],
                'indexes': [models.Index(fields=['grade', 'valid_to'], name='grade_valid')],
                'constraints': [models.UniqueConstraint(fields=('company', 'grade', 'valid_from'), name='grade_once'), models.CheckConstraint(condition=models.Q(('grade__in', ['above_scale', 'tech_sme', 'high_tech', 'innovative_sme', 'provincial_srdi', 'national_little_giant', 'single_champion', 'gazelle', 'unicorn', 'headquarters', 'ipo_pool', 'ipo_shares', 'ipo_tutoring', 'ipo_filing', 'listed', 'licensed_finance', 'key_tech'])), name='grade_known'), models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_from__isnull', True), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='grade_dates', violation_error_message='有效期至应晚于认定日期')],
            },
        ),
        migrations.AddIndex(
            model_name='company',
            index=models.Index(fields=['district_code', 'industry_code'], name='company_place_trade'),
        ),
        migrations.AddIndex(
            model_name='company',
            index=models.Index(fields=['name_initials'], name='company_initials', opclasses=['varchar_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='company',
            index=models.Index(fields=['name'], name='company_name'),
        ),
        migrations.AddIndex(
            model_name='company',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), name='company_name_trgm'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.UniqueConstraint(condition=models.Q(('source_key', ''), _negated=True), fields=('source', 'source_key'), name='company_source_key_once'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['active', 'moved_in', 'moved_out', 'suspended', 'liquidation', 'revoked', 'revoked_deregistered', 'deregistered', 'cancelled', 'removed'])), name='company_status_known'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='company_named'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('district_code__regex', '^(\\d{6})?$'), ('street_code__regex', '^(\\d{9})?$')), name='company_place_shape', violation_error_message='区划代码应为 6 位数字，街道代码应为 9 位数字'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('registered_capital__isnull', True), ('registered_capital__gte', 0), _connector='OR'), name='company_capital_not_negative', violation_error_message='注册资本不能为负'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('annual_revenue__isnull', True), models.Q(('annual_revenue__gte', 0), ('revenue_year__isnull', False)), _connector='OR'), name='company_revenue_has_year', violation_error_message='年营业收入不能为负，且须注明年度'),
        ),
        migrations.AddConstraint(
            model_name='syncrun',
            constraint=models.UniqueConstraint(fields=('source', 'slot'), name='syncrun_slot_once'),
        ),
        migrations.AddIndex(
            model_name='syncissue',
            index=models.Index(fields=['resolved', 'severity'], name='syncissue_open'),
        ),
        migrations.AddConstraint(
            model_name='stagedrecord',
            constraint=models.CheckConstraint(condition=models.Q(('op__in', ['upsert', 'delete'])), name='staged_op_known'),
        ),
        migrations.AddConstraint(
            model_name='companyevent',
            constraint=models.UniqueConstraint(fields=('company', 'run'), name='companyevent_once_per_run'),
        ),
    ]
