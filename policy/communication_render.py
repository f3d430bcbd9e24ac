"""Turn a template and what it may name into words: sandboxed and strict, values are never templates themselves."""

from functools import lru_cache

import jinja2
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment

from policy.communication import Template
from policy.communication_view import NoticeView

MAX_BODY_CHARACTERS = 12_000
"""What the narrowest receiver takes with room to spare (Slack cuts a message at 40,000, a mail stays readable)."""
MAX_SUBJECT_CHARACTERS = 200


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Plain text, ready to send; each channel escapes it for its own markup."""

    subject: str
    body: str


def environment() -> jinja2.Environment:
    """Return the environment of all templates: no files, nothing that changes anything, nothing undefined."""
    return ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the output is plain text; channels escape the whole of it
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=512)
def compiled(source: str) -> jinja2.Template:
    """Return a template compiled once; raises jinja2.TemplateError where it is malformed."""
    return environment().from_string(source)


def render(template: Template, view: NoticeView) -> Words:
    """Return the words; raises jinja2.TemplateError for what `check_communication` would have refused."""
    variables = msgspec.structs.asdict(view)
    subject = " ".join(compiled(template.subject).render(variables).split())
    body = compiled(template.body).render(variables).strip()
    return Words(subject=_clipped(subject, MAX_SUBJECT_CHARACTERS), body=_clipped(body, MAX_BODY_CHARACTERS))


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
