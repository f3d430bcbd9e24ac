"""`accounts.v1`, `policies.v1`, `roster.v1`: reference data, compacted, read to the end before a service is ready."""

from typing import Annotated, ClassVar

from schemas.classifications import AccountSnapshot
from schemas.message import Message, doc, pii

_NAMESPACE = "escalon.reference_data"


class AccountRecorded(Message, frozen=True, kw_only=True):
    """An account as the CRM knows it; key: its id."""

    namespace: ClassVar[str] = _NAMESPACE
    account: AccountSnapshot


class PolicyPublished(Message, frozen=True, kw_only=True):
    """A version of the procedure; key: the version."""

    namespace: ClassVar[str] = _NAMESPACE
    version: Annotated[str, doc("`<label>-<first 8 hex digits of the SHA-256 of the document>`.")]
    document: Annotated[str, doc("The policy as canonical JSON (`docs/policy.schema.json`).")]


class RosterPublished(Message, frozen=True, kw_only=True):
    """A version of the roster; key: `roster`, the latest counts."""

    namespace: ClassVar[str] = _NAMESPACE
    version: Annotated[str, doc("`<first 8 hex digits of the SHA-256 of the document>`.")]
    document: Annotated[str, pii("The roster as canonical JSON.")]
