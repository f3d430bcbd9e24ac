"""What every part of the policy document is made of: a frozen struct that knows no unknown word."""

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the policy or the roster; JSON on the wire, YAML in a folder."""
