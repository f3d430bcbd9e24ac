"""Check the words before anybody is told: every audience has English, required parts are there, no unknown name.

The required parts are named Jinja2 blocks (`{% block owner %}…{% endblock %}`), so that a check can see them and a
translator can move them.
"""

from collections.abc import Iterator, Mapping
from itertools import product

import jinja2
import msgspec

from policy.communication import FALLBACK_LANGUAGE, Communication, Template
from policy.communication_render import compiled
from policy.communication_samples import PROMISE, samples_of
from policy.communication_view import NoticeView
from schemas.vocabulary import Audience, NoticeKind, Severity

REQUIRED_PARTS: Mapping[NoticeKind, Mapping[str, tuple[str, ...]]] = {
    NoticeKind.ACKNOWLEDGEMENT: {
        "understood": (PROMISE.subject,),
        "owner": (PROMISE.owner_name, PROMISE.owner_role),
        "impact": (),
        "next_steps": (),
        "next_update": (PROMISE.next_update_at,),
        "expected_resolution": (PROMISE.expected_resolution_at,),
        "reference": (PROMISE.reference,),
    },
    NoticeKind.CONFIRMATION_REQUEST: {
        "what_was_done": (PROMISE.steps,),
        "is_it_solved": (),
        "anything_else": (),
        "reference": (PROMISE.reference,),
    },
}
"""Blocks a customer's message must have (procedure, sections 4 and 5), and what each must say where it is known."""


def check_communication(communication: Communication) -> list[str]:
    """Return what is wrong, a line each naming the place (`templates.<kind>.<language>: …`); empty when all is well."""
    return [*_rule_problems(communication), *_missing_words(communication), *_template_problems(communication)]


def _rule_problems(communication: Communication) -> Iterator[str]:
    seen: set[NoticeKind] = set()
    for rule in communication.notices:
        if rule.kind in seen:
            yield f"notices.{rule.kind.value}: listed twice; one rule for each kind"
        seen.add(rule.kind)
    for kind in NoticeKind:
        if kind not in seen:
            yield f"notices.{kind.value}: missing; give `audiences: []` to tell nobody"


def _missing_words(communication: Communication) -> Iterator[str]:
    for rule in communication.notices:
        for audience in rule.audiences:
            languages = _words_for(communication, rule.kind, audience)
            if FALLBACK_LANGUAGE not in languages:
                yield (
                    f"templates.{rule.kind.value}: no words in English for {audience.value}; "
                    f"give templates.{rule.kind.value}.{FALLBACK_LANGUAGE}"
                )


def _words_for(communication: Communication, kind: NoticeKind, audience: Audience) -> dict[str, Template]:
    own = communication.templates.get(f"{kind.value}.{audience.value}")
    return own or communication.templates.get(kind.value, {})


def _template_problems(communication: Communication) -> Iterator[str]:
    for key, by_language in communication.templates.items():
        kind = _kind_of(key)
        if kind is None:
            allowed = ", ".join(each.value for each in NoticeKind)
            yield f"templates.{key}: not a kind of notice; allowed are {allowed}, also as `<kind>.<audience>`"
            continue
        for language, template in by_language.items():
            for problem in dict.fromkeys(_problems_of(kind, template)):
                yield f"templates.{key}.{language}: {problem}"


def _kind_of(key: str) -> NoticeKind | None:
    kind, _, audience = key.partition(".")
    known = kind in {each.value for each in NoticeKind}
    fits = not audience or audience in {each.value for each in Audience}
    return NoticeKind(kind) if known and fits else None


def _problems_of(kind: NoticeKind, template: Template) -> Iterator[str]:
    for part in ("subject", "body"):
        source = template.subject if part == "subject" else template.body
        try:
            words = compiled(source)
        except jinja2.TemplateSyntaxError as error:
            yield f"{part}, line {error.lineno}: {error.message}"
            continue
        for view in samples_of(kind):
            yield from _said_wrongly(part, words, view)
    if kind in REQUIRED_PARTS:
        yield from _missing_parts(kind, template)


def _said_wrongly(part: str, words: jinja2.Template, view: NoticeView) -> Iterator[str]:
    try:
        said = words.render(msgspec.structs.asdict(view))
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        yield f"{part}: {error}; known are {', '.join(sorted(NoticeView.__struct_fields__))}"
        return
    if not said.strip():
        yield f"{part}: says nothing (for severity {view.severity})"


def _missing_parts(kind: NoticeKind, template: Template) -> Iterator[str]:
    try:
        words = compiled(template.body)
    except jinja2.TemplateSyntaxError:
        return
    for (block, wanted), severity in product(REQUIRED_PARTS[kind].items(), Severity):
        if block not in words.blocks:
            yield f"body: required part missing; write it as {{% block {block} %}}…{{% endblock %}}"
            continue
        said = _block(words, block, kind, severity)
        if said is not None and not said.strip():
            yield f"body: the required part `{block}` says nothing (for severity {severity.value})"
        if said is not None and any(value not in said for value in wanted):
            yield f"body: the required part `{block}` must say {_named(wanted)}"


def _block(words: jinja2.Template, block: str, kind: NoticeKind, severity: Severity) -> str | None:
    full = samples_of(kind)[0]
    context = words.new_context(msgspec.structs.asdict(msgspec.structs.replace(full, severity=severity.value)))
    try:
        return "".join(words.blocks[block](context))
    except (jinja2.TemplateError, TypeError, ValueError):
        return None  # already told by the rendering of the whole


def _named(wanted: tuple[str, ...]) -> str:
    names = {value: f"`{name}`" for name, value in PROMISE.variables().items()}
    return " and ".join(names[value] for value in wanted)
