"""Who is told what, where and in which words (procedure, section 4)."""

from policy.document import Part
from schemas.vocabulary import Audience, NoticeKind


class NoticeRule(Part, frozen=True, kw_only=True):
    """Whom a kind of notice goes to; `urgent` ones are sent by every contact a person has."""

    kind: NoticeKind
    audiences: tuple[Audience, ...]
    urgent: bool = False


class Template(Part, frozen=True, kw_only=True):
    """Words in one language, as Jinja2 (sandboxed, strict). `subject` is for mail."""

    subject: str
    body: str


class Communication(Part, frozen=True, kw_only=True):
    """Notices and their words; `templates[kind][language]`, English being what others fall back to."""

    notices: tuple[NoticeRule, ...]
    templates: dict[str, dict[str, Template]]
