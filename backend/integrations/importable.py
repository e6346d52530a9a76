"""Which kinds can be imported: one short declaration each. Pure.

Their fields and operations are those that phones edit by (``backend/core/sync.py``), so that every rule holds
for imports as well; ``more`` names what phones do not carry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from backend.core.records import Record
from backend.core.sync import FieldType, SyncedCollection
from backend.crm.documents import Account, Contact
from backend.crm.synced import ACCOUNTS, CONTACTS
from backend.identity.documents import User
from backend.sales.synced import LEADS, OPPORTUNITIES

EXTERNAL_ID = "external_id"  # the id that a row has where it comes from
EXTERNAL_KEY = "import"  # under which it is kept in ``external_ids``

REFERENCES: Mapping[str, tuple[type[Record], str]] = {
    "account_id": (Account, "name"),
    "contact_id": (Contact, "email"),
    "owner_id": (User, "email"),
}
"""The fields that name another record, and by what a row may name it instead of by its id."""

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "account_id": (
        "公司",
        "公司名称",
        "客户",
        "客户名称",
        "company",
        "company name",
        "account",
        "account name",
    ),
    "contact_id": ("联系人邮箱", "contact", "contact email"),
    "owner_id": ("负责人", "负责人邮箱", "销售", "owner", "owner email"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "邮件", "e-mail", "email address", "mail"),
    "phone": ("电话", "手机", "手机号", "手机号码", "联系电话", "mobile", "telephone", "phone number", "tel"),
    "given_name": ("名", "first name", "firstname"),
    "family_name": ("姓", "last name", "lastname", "surname"),
    "title": ("职位", "职务", "job title", "position"),
    "department": ("部门",),
    "language": ("语言",),
    "country": ("国家",),
    "source": ("来源", "客户来源", "线索来源"),
    "description": ("备注", "说明", "描述", "notes", "note", "comment", "remarks"),
    "industry": ("行业", "所属行业"),
    "website": ("网站", "网址", "官网", "url", "web site"),
    "domain": ("域名",),
    "tax_id": ("税号", "统一社会信用代码", "vat id", "vat number"),
    "annual_revenue": ("年收入", "年营业额", "revenue"),
    "employees": ("员工数", "人数", "规模", "number of employees"),
    "currency": ("币种", "货币"),
    "type": ("类型", "客户类型"),
    "lifecycle": ("生命周期",),
    "tier": ("等级", "级别", "客户等级", "level"),
    "aliases": ("别名", "简称"),
    "status": ("状态",),
    "score": ("评分", "分数"),
    "interests": ("兴趣", "意向", "interest"),
    "amount": ("金额", "预计金额", "value"),
    "stage": ("阶段", "销售阶段"),
    "expected_close_date": ("预计成交日期", "预计签约日期", "close date", "expected close"),
    "next_step": ("下一步",),
    "do_not_call": ("勿扰", "免打扰"),
    EXTERNAL_ID: ("编号", "外部编号", "客户编号", "external id", "id", "key"),
}
"""What columns of a field are called, beside the field's own name; a kind may say otherwise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Importable:
    """A kind that rows can become; rows and records are compared by one of ``keys``, which have indexes."""

    collection: SyncedCollection
    keys: tuple[str, ...]
    headings: Mapping[str, tuple[str, ...]]
    more: Mapping[str, FieldType] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.collection.name

    @property
    def record(self) -> type[Record]:
        return self.collection.record

    @cached_property
    def fields(self) -> dict[str, FieldType]:
        """Return the fields that a column may fill, by what they hold."""
        known = {
            one.name: one.type
            for one in self.collection.fields
            if not one.server_owned and one.type != "object"
        }
        return {**known, **self.more, EXTERNAL_ID: "text"}


IMPORTABLE: Mapping[str, Importable] = {
    one.kind: one
    for one in (
        Importable(
            collection=ACCOUNTS,
            keys=("name", EXTERNAL_ID),
            headings={
                "name": (
                    "名称",
                    "公司",
                    "公司名称",
                    "客户名称",
                    "客户",
                    "company",
                    "company name",
                    "account name",
                )
            },
            more={"domain": "text", "tax_id": "text", "source": "text"},
        ),
        Importable(
            collection=CONTACTS,
            keys=("email", "phone", "full_name", EXTERNAL_ID),
            headings={"full_name": ("姓名", "名字", "名称", "联系人", "name", "contact name")},
            more={"source": "text"},
        ),
        Importable(
            collection=LEADS,
            keys=("email", "phone", "full_name", EXTERNAL_ID),
            headings={
                "full_name": ("姓名", "名字", "名称", "联系人", "name", "contact name"),
                "company": ("公司", "公司名称", "客户名称", "company name"),
            },
            more={"language": "text"},
        ),
        Importable(
            collection=OPPORTUNITIES,
            keys=("name", EXTERNAL_ID),
            headings={"name": ("名称", "商机", "商机名称", "项目名称", "opportunity", "deal", "deal name")},
            more={"source": "text"},
        ),
    )
}
