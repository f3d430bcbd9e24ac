"""Letters for the channels' tests."""

from policy.communication_render import Words
from schemas.ids import NoticeId
from schemas.vocabulary import Audience, IssueType, NoticeKind, Severity
from services.notifier.domain.notice import Address, Cause, Notice, Subject, Transport
from services.notifier.ports import Letter
from tests.harness.notices import AT

HOSTILE = "<!channel> *bold* <https://evil.example|click> & {{ 7 * 7 }} <b>x</b>"


def a_letter(
    transport: Transport,
    target: str,
    kind: NoticeKind = NoticeKind.UPDATE,
    *,
    key: str = "n-1",
    body: str = HOSTILE,
    severity: Severity = Severity.P1,
) -> Letter:
    """Return a letter with hostile words in it."""
    address = Address(transport=transport, target=target)
    notice = Notice(
        id=NoticeId(key),
        kind=kind,
        audience=Audience.CUSTOMER,
        recipient="customer",
        addresses=(address,),
        words=Words(subject=f"[ESC-1] {HOSTILE}", body=body),
        about=Subject(
            ticket="zendesk-eu/1",
            reference="ESC-1",
            ticket_url="https://helpdesk.example/1",
            severity=severity,
            type=IssueType.TECHNICAL,
            started_at=AT,
            members=("U0ANA", "U0GONE", "U0MIA"),
        ),
        cause=Cause(id="c", name="CustomerInformed"),
        planned_at=AT,
    )
    return Letter(notice=notice, address=address, key=key)
