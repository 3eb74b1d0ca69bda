"""The declarations. A check that makes no sense for a source is skipped with its reason, never left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm.sandbox.generate import make_world, uscc_for
from crm.sandbox.server import KEY_HEADER, Api
from tests.crm.scripted import Reply, Told

Answer = Callable[[Told], Reply]
CHECKS = ("listing", "values", "empty", "refused", "changes", "removed", "ended", "secret", "personal")


@dataclass(frozen=True, slots=True)
class Case:
    """`answer`, `empty`, `refuse`: the source as usual, with nothing, saying no. `keys`: every key of a full reading.
    `values`: what must stand in one record. `gone`: key → op after a reading of changes from `cursor`."""

    answer: Answer
    keys: list[str]
    values: dict[str, dict[str, Any]]
    empty: Answer | None = None
    refuse: Answer | None = None
    environ: dict[str, str] = field(default_factory=dict)
    lookups: list[str] = field(default_factory=list)
    cursor: dict[str, Any] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    ended: str = ""
    person: str = ""
    skips: dict[str, str] = field(default_factory=dict)
    folder: Callable[[Path], None] | None = None


def _sandbox() -> Case:
    world = make_world(7, 30)
    gone = sorted(world.records)[0]
    first = sorted(world.records)
    api = Api(world, key="k")
    full = json.loads(json.dumps(api.answer("GET", "/v1/companies?page=1&size=1000", "k")))["data"]
    world.remove(gone)

    def answer(told: Told) -> Reply:
        if told.path == "/v1/companies":
            items = full["items"] if told.query["page"] == "1" else []
            return Reply({"code": 0, "message": "ok", "data": full | {"items": items}})
        query = "&".join(f"{name}={value}" for name, value in told.query.items())
        return Reply(api.answer(told.method, f"{told.path}?{query}", told.headers.get(KEY_HEADER.lower())))

    return Case(
        answer,
        first,
        {gone: {"uscc": full["items"][0]["creditCode"], "is_sample": True}},
        empty=lambda _: Reply({"code": 0, "message": "ok", "data": {"total": 0, "seq": 0, "items": []}}),
        refuse=lambda _: Reply({"code": 401, "message": "密钥无效", "data": None}),
        environ={"ENTERPRISE_DB_KEY": "k"},
        cursor={"since": 30},
        changed=[gone],
        gone={gone: "removed"},
        person="（示例，不提供）",
        skips={"ended": "the sandbox tells the end of a company by its status word"},
    )


def _unit(number: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "organisasjonsnummer": number,
        "navn": name,
        "organisasjonsform": {
            "kode": "AS",
            "beskrivelse": "Aksjeselskap",
            "_links": {"self": {"href": "http://x/AS"}},
        },
        "antallAnsatte": 7,
        "stiftelsesdato": "2017-10-20",
        "konkurs": False,
        "underAvvikling": False,
        "forretningsadresse": {
            "land": "Norge",
            "postnummer": "0101",
            "poststed": "OSLO",
            "adresse": ["Fjellveien 1", None, ""],
        },
        "vedtektsfestetFormaal": ["Salg av ", "fiskeutstyr"],
        "_links": {"self": {"href": f"http://x/enheter/{number}"}},
        **more,
    }


def _brreg() -> Case:
    units = {
        "900000001": _unit("900000001", "FIKTIV FISK AS"),
        "900000002": _unit("900000002", "OPPDIKTET OLJE AS"),
        "900000003": _unit("900000003", "TENKT TREVARE AS", konkurs=True),
    }
    ended = {
        "organisasjonsnummer": "900000004",
        "navn": "SLETTET ENHET AS",
        "slettedato": "2017-10-20",
        "organisasjonsform": {"kode": "UTBG", "utgaatt": "2017-07-17"},
        "_links": {"self": {"href": "http://x"}},
    }
    feed = [
        (11, "Endring", "900000001"),
        (12, "Sletting", "900000004"),
        (13, "Fjernet", "900000005"),
        (14, "Ny", "900000006"),
    ]

    def answer(told: Told) -> Reply:
        if told.path == "/enheter":
            rows = list(units.values())
            page = int(told.query.get("page", "0"))
            found, links = (rows[:2], {"next": {"href": "/enheter?page=1&size=2"}}) if page == 0 else (rows[2:], {})
            return Reply(
                {
                    "_embedded": {"enheter": found},
                    "_links": links,
                    "page": {"size": 2, "totalElements": 3, "totalPages": 2, "number": page},
                },
                kind="application/hal+json",
            )
        if told.path == "/oppdateringer/enheter":
            least = int(told.query.get("oppdateringsid", "1"))
            rows = [
                {
                    "oppdateringsid": number,
                    "dato": "2026-11-20T05:00:00.000Z",
                    "organisasjonsnummer": key,
                    "endringstype": kind,
                }
                for number, kind, key in feed
                if number >= least
            ]
            inner: dict[str, Any] = {"_embedded": {"oppdaterteEnheter": rows}} if rows else {}
            return Reply(inner | {"page": {"size": 1000, "totalElements": len(rows), "totalPages": 1, "number": 0}})
        number = told.path.rsplit("/", 1)[-1]
        if number == "900000006":
            return Reply({"organisasjonsnummer": number, "slettedato": "2026-11-20"}, status=410)
        return Reply(ended if number == "900000004" else units[number])

    return Case(
        answer,
        sorted(units),
        {
            "900000001": {
                "foreign_code": "NO:900000001",
                "name": "FIKTIV FISK AS",
                "status": "active",
                "employees": 7,
                "address": "Fjellveien 1, 0101, OSLO",
                "established_on": "2017-10-20",
            },
            "900000003": {"status": "liquidation"},
        },
        empty=lambda _: Reply(
            {
                "_links": {"self": {"href": "x"}},
                "page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0},
            }
        ),
        refuse=lambda _: Reply({"status": 400, "feilmelding": "Feilaktig forespørsel"}, status=400),
        cursor={"since": 10},
        changed=["900000001", "900000004", "900000005", "900000006"],
        gone={"900000005": "removed", "900000006": "removed"},
        ended="900000004",
        skips={
            "secret": "the register is open",
            "personal": "no natural person in the fields of an entity; sole traders are filtered",
        },
    )


def _shenzhen() -> Case:
    row = {
        "TYSHXYDM": uscc_for(1),
        "QYMC": "深圳市虚构灯具有限公司",
        "DJZT": "存续",
        "ZCZB": "500.5",
        "CLRQ": "2018-08-31 00:00:00",
        "ZS": "深圳市罗湖区示例路1号",
        "JYFW": "灯具销售",
        "FDDBR": "某某某",
        "RECORDID": "1",
    }
    return Case(
        lambda told: Reply(
            {"total": 1, "data": [row] if told.query["page"] == "1" else [], "page": 1, "rows": 100},
            kind="text/html;charset=UTF-8",
        ),
        [uscc_for(1)],
        {uscc_for(1): {"registered_capital": "5005000.0", "district_code": "440303", "established_on": "2018-08-31"}},
        empty=lambda _: Reply({"total": 0, "data": [], "page": 1, "rows": 100}),
        refuse=lambda _: Reply("您没有权限访问该接口".encode(), kind="text/plain;charset=UTF-8"),
        environ={"SZ_OPENDATA_APP_KEY": "k"},
        person="某某某",
        skips={
            "changes": "the platform has no feed: every reading is a snapshot",
            "removed": "a snapshot only has absence",
            "ended": "told by the status word",
        },
    )


def _tianyancha() -> Case:
    row = {
        "id": 22822,
        "name": "深圳市虚构机电有限公司",
        "creditCode": uscc_for(2),
        "regStatus": "存续",
        "regCapital": "77800.32万人民币",
        "estiblishTime": 1300204800000,
        "historyNames": "旧名甲有限公司;旧名乙有限公司;",
        "regLocation": "深圳市罗湖区示例路2号",
        "legalPersonName": "某某某",
        "businessScope": "机电设备",
        "socialStaffNum": 12,
        "tags": "企业集团;存续",
    }

    def answer(told: Told) -> Reply:
        known = told.query["keyword"] == uscc_for(2) and told.headers.get("authorization") == "k"
        return Reply(
            {"error_code": 0, "reason": "ok", "result": row}
            if known
            else {"error_code": 300000, "reason": "无数据", "result": None}
        )

    return Case(
        answer,
        ["22822"],
        {
            "22822": {
                "uscc": uscc_for(2),
                "established_on": "2011-03-16",
                "registered_capital": "778003200.00",
                "district_code": "440303",
                "former_names": [
                    {"name": "旧名甲有限公司", "until": None},
                    {"name": "旧名乙有限公司", "until": None},
                ],
            }
        },
        empty=lambda _: Reply({"error_code": 300000, "reason": "无数据", "result": None}),
        refuse=lambda _: Reply({"error_code": 300006, "reason": "余额不足", "result": None}),
        environ={"TIANYANCHA_TOKEN": "k"},
        lookups=[uscc_for(2), uscc_for(3)],
        person="某某某",
        skips={
            "changes": "answers questions about one company only",
            "removed": "no such answer in the catalogue",
            "ended": "told by the status word",
        },
    )


def _qichacha() -> Case:
    row = {
        "KeyNo": "k1",
        "Name": "深圳市虚构食品有限公司",
        "CreditCode": uscc_for(4),
        "Status": "存续（在营、开业、在册）",
        "RegistCapi": "1000万元人民币",
        "StartDate": "2014-06-03 00:00:00",
        "OperName": "某某某",
        "Address": "深圳市罗湖区示例路3号",
        "OriginalName": [{"Name": "旧名丙有限公司", "ChangeDate": "2016-01-01"}],
        "RevokeInfo": None,
        "Scope": "食品销售",
    }
    over = row | {"KeyNo": "k2", "CreditCode": uscc_for(5), "RevokeInfo": {"CancelDate": "2020-01-02"}}

    def answer(told: Told) -> Reply:
        if len(told.headers.get("token", "")) != 32 or told.query.get("key") != "k":
            return Reply({"Status": "401", "Message": "签名错误", "Result": None})
        found = {"甲公司": row, "乙公司": over}.get(told.query["keyword"])
        return Reply({"Status": "200" if found else "201", "Message": "查询", "Result": found})

    return Case(
        answer,
        ["k1", "k2"],
        {
            "k1": {
                "uscc": uscc_for(4),
                "registered_capital": "10000000",
                "established_on": "2014-06-03",
                "former_names": [{"name": "旧名丙有限公司", "until": "2016-01-01"}],
            }
        },
        empty=lambda _: Reply({"Status": "201", "Message": "查询无结果", "Result": None}),
        refuse=lambda _: Reply({"Status": "402", "Message": "余额不足", "Result": None}),
        environ={"QICHACHA_KEY": "k", "QICHACHA_SECRET": "s"},
        lookups=["甲公司", "乙公司", "丙公司"],
        ended="k2",
        person="某某某",
        skips={"changes": "answers questions about one company only", "removed": "no such answer seen"},
    )


def _folder() -> Case:
    def fill(folder: Path) -> None:
        head = "序号,统一社会信用代码,企业名称,登记状态,成立日期,注册资本（万元）,法定代表人\r\n"
        (folder / "a.csv").write_bytes(
            (head + f"1,{uscc_for(8)},深圳市虚构玩具有限公司,存续,2019/3/4,300,某某某\r\n").encode("gbk")
        )
        (folder / "b.csv").write_bytes(
            (head + f"2,{uscc_for(9)},深圳市虚构钟表有限公司,,20190305,,某某某\r\n").encode("utf-8-sig")
        )
        gone = f"{uscc_for(9)},深圳市虚构钟表有限公司,删除\n"
        change = f"统一社会信用代码,企业名称,操作\n{gone}{uscc_for(8)},深圳市虚构玩具（新）有限公司,\n"
        (folder / "增量-2.csv").write_bytes(change.encode("gb18030"))

    return Case(
        lambda _: Reply(),
        [uscc_for(8), uscc_for(9)],
        {
            uscc_for(8): {"registered_capital": "3000000", "established_on": "2019-03-04"},
            uscc_for(9): {"status": "active", "established_on": "2019-03-05"},
        },
        cursor={"after": "增量-1.csv"},
        changed=[uscc_for(9), uscc_for(8)],
        gone={uscc_for(9): "removed"},
        person="某某某",
        folder=fill,
        skips={
            "secret": "a folder asks for none",
            "refused": "a folder cannot say no; an empty one is refused (test_fetch_files)",
            "ended": "told by the status word",
            "empty": "an empty folder is refused, not taken for an empty listing",
        },
    )


CASES: dict[str, Case] = {
    "sandbox": _sandbox(),
    "brreg": _brreg(),
    "sz-opendata": _shenzhen(),
    "tianyancha": _tianyancha(),
    "qichacha": _qichacha(),
    "folder": _folder(),
}
