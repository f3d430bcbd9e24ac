"""After the close: the review, and what is done so that it does not happen again (procedure, section 6)."""

import msgspec
from msgspec.structs import replace

from schemas import commands as asked
from schemas import prevention as ev
from schemas.escalations import EscalationEvent


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A preventive action; `number` counts from 1 and is its clock's cycle."""

    number: int
    owner: str
    text: str
    done: bool = False


Actions = dict[str, Action]
"""By their keys within the escalation."""


def review(command: asked.RecordReview) -> list[EscalationEvent]:
    """Return the record of a review."""
    held = ev.ReviewHeld(
        by=command.meta.actor.id,
        text=command.text,
        front_line=command.front_line,
        misdiagnosed=command.misdiagnosed,
        article=command.article,
    )
    return [held]


def plan(actions: Actions, command: asked.PlanPreventiveAction) -> list[EscalationEvent] | str:
    """Return the record of a new action, or why there is none."""
    if command.action in actions:
        return "there is an action of this key already"
    if command.due_at <= command.meta.occurred_at:
        return "the action is due at a time that has passed"
    planned = ev.PreventiveActionPlanned(
        by=command.meta.actor.id,
        action=command.action,
        number=len(actions) + 1,
        kind=command.kind,
        text=command.text,
        owner=command.owner,
        due_at=command.due_at,
    )
    return [planned]


def complete(actions: Actions, command: asked.CompletePreventiveAction) -> list[EscalationEvent] | str:
    """Return the record that an action is done, nothing if it was already, or why there is none."""
    action = actions.get(command.action)
    if action is None:
        return "there is no action of this key"
    if action.done:
        return []
    return [ev.PreventiveActionCompleted(by=command.meta.actor.id, action=command.action, number=action.number)]


def actions_after(actions: Actions, event: EscalationEvent) -> Actions:
    """Return the actions after the event; most events leave them as they are."""
    match event:
        case ev.PreventiveActionPlanned():
            return {**actions, event.action: Action(number=event.number, owner=event.owner, text=event.text)}
        case ev.PreventiveActionCompleted() if event.action in actions:
            return {**actions, event.action: replace(actions[event.action], done=True)}
        case _:
            return actions


def about(actions: Actions, number: int) -> str | None:
    """Return who is to do what, for those who are told that it is late."""
    action = next((one for one in actions.values() if one.number == number), None)
    return None if action is None else f"{action.owner}: {action.text}"
