"""Identities: typed ids, and how they are derived so that a repeat yields the same."""

from hashlib import sha1
from typing import NewType
from uuid import UUID

TicketKey = NewType("TicketKey", str)
"""`<helpdesk>/<ticket_id>`, e.g. `zendesk-eu/48213`; key of every record about a ticket."""
EscalationId = NewType("EscalationId", str)
Reference = NewType("Reference", str)
PersonKey = NewType("PersonKey", str)
"""A person's key in the roster."""
PolicyVersion = NewType("PolicyVersion", str)
EventId = NewType("EventId", str)
NoticeId = NewType("NoticeId", str)

NAMESPACE = UUID("6f1c1f4a-5d0e-5b0a-9c55-0e5ca1011000")
_NAMESPACE_BYTES = NAMESPACE.bytes
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_DIGITS = 10


def derived_id(*parts: str) -> str:
    """Return the UUIDv5 of the parts; the same parts always give the same id."""
    # As `str(uuid5(NAMESPACE, …))`, which costs twice as much (RFC 9562, 5.5: version in byte 6, variant in 8).
    digest = bytearray(sha1(_NAMESPACE_BYTES + "\x1f".join(parts).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def escalation_id(ticket: TicketKey) -> EscalationId:
    """Return the id of the one stream a ticket has."""
    return EscalationId(derived_id("escalation", ticket))


def reference(ticket: TicketKey) -> Reference:
    """Return the reference people quote, e.g. `ESC-4M7KQ-2XW9T`.

    Fifty bits derived from the ticket's key in Crockford's base 32 (no I, L, O, U): two of a million tickets
    share one with a chance of 1 in 2,000; the ticket's key stays the identity.
    """
    bits = UUID(derived_id("reference", ticket)).int >> (128 - 5 * _REFERENCE_DIGITS)
    digits = "".join(_CROCKFORD[(bits >> shift) & 31] for shift in range(5 * (_REFERENCE_DIGITS - 1), -1, -5))
    return Reference(f"ESC-{digits[:5]}-{digits[5:]}")
