"""What can be wrong with bytes that claim to be an event. The texts name places, never contents."""


class WireError(Exception):
    """Root of what the codec raises."""


class MalformedMessageError(WireError):
    """The bytes will never be an event: garbage, truncated, or not what their schema says."""


class UnknownSchemaError(WireError):
    """The writer's schema is not known (yet): it may still arrive on `schemas.v1`."""

    def __init__(self, schema: str) -> None:
        super().__init__(f"no schema {schema} is known")
        self.schema = schema


class UnresolvedSchemaError(UnknownSchemaError):
    """The schema registry has not been heard about this id yet."""


class UnknownEventError(WireError):
    """The schema is known but names an event this version does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(f"this version knows no event {name}")
        self.name = name
