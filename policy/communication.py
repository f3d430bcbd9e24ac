"""Who is told what, where and in which words (procedure, section 4)."""

from policy.document import Part
from schemas.vocabulary import Audience, NoticeKind

FALLBACK_LANGUAGE = "en"


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
    """Notices and their words; `templates[kind][language]`, English being what others fall back to.

    A key `<kind>.<audience>` has words of its own for that audience. A kind without a rule is told to nobody.
    """

    notices: tuple[NoticeRule, ...]
    templates: dict[str, dict[str, Template]]

    def rule_of(self, kind: NoticeKind) -> NoticeRule | None:
        """Return the rule of a kind, or None where nobody is to be told."""
        return next((rule for rule in self.notices if rule.kind is kind), None)

    def template_of(self, kind: NoticeKind, audience: Audience, language: str) -> Template:
        """Return the words for an audience in a language (BCP 47), else its primary language, else English.

        Raises KeyError where there are none, which `check_communication` rules out before a policy is published.
        """
        by_language = self.templates.get(f"{kind.value}.{audience.value}") or self.templates[kind.value]
        primary = language.split("-", maxsplit=1)[0].lower()
        return by_language.get(language) or by_language.get(primary) or by_language[FALLBACK_LANGUAGE]
