"""Compare what was expected with what happened: every line of `then` needs an event of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ops.scenario.language import EscalatedAs, Expectation, Line, Story
from schemas.vocabulary import IssueType, Reason, Severity

TOLERANCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Observation:
    """Something that happened, seen from outside. `names` are all the ways to name whom or what it is about."""

    at: datetime
    ticket: str
    kind: str
    names: frozenset[str] = frozenset()
    percent: int | None = None
    due: datetime | None = None
    what: str | None = None
    to: str | None = None
    severity: Severity | None = None
    type: IssueType | None = None
    reasons: tuple[Reason, ...] = ()

    def __str__(self) -> str:
        """Say it as a line of a story."""
        details = [f"{self.kind}: {'/'.join(sorted(self.names)) or '{}'}"]
        if self.severity and self.type:
            details[0] = f"{self.kind}: {{{self.severity}, {self.type}, {'+'.join(self.reasons)}}}"
        for word in ("percent", "due", "what", "to"):
            value = getattr(self, word)
            if value is not None:
                details.append(f"{word}: {_text(value)}")
        return f"at: {_text(self.at)}, ticket: {self.ticket}, {', '.join(details)}"


def differences(story: Story, happened: list[Observation]) -> list[str]:
    """Return, in words, every expectation that was not met; none when the story was told right."""
    taken = _match(story.then, happened)
    found = [_unmet(story, line, happened) for index, line in enumerate(story.then) if index not in taken.values()]
    for line in story.never:
        found += [f"{story.path}:{line.line}: never, but it happened: {seen}" for seen in happened if fits(line, seen)]
    for index, seen in enumerate(happened):
        if seen.kind in story.complete and index not in taken:
            found.append(f"{story.path}: `{seen.kind}` is complete, but this is not listed: {seen}")
    return found


def fits(line: Line, seen: Observation) -> bool:
    """Tell whether the observation is what the line describes."""
    expects = line.expects
    return (
        line.kind == seen.kind
        and (expects.ticket is None or expects.ticket == seen.ticket)
        and (expects.at is None or abs(expects.at - seen.at) <= TOLERANCE)
        and _named(line, seen)
        and _details_fit(expects, seen)
        and (expects.escalated is None or _escalated_fits(expects.escalated, seen))
    )


def _named(line: Line, seen: Observation) -> bool:
    name = getattr(line.expects, line.kind)
    return not isinstance(name, str) or str(name) in seen.names


def _details_fit(expects: Expectation, seen: Observation) -> bool:
    return (
        (expects.percent is None or expects.percent == seen.percent)
        and (expects.due is None or (seen.due is not None and abs(expects.due - seen.due) <= TOLERANCE))
        and (expects.what is None or expects.what == seen.what)
        and (expects.to is None or expects.to == seen.to)
    )


def _escalated_fits(expects: EscalatedAs, seen: Observation) -> bool:
    return (
        (expects.severity is None or expects.severity is seen.severity)
        and (expects.type is None or expects.type is seen.type)
        and (expects.reasons is None or set(expects.reasons) == set(seen.reasons))
    )


def _match(lines: tuple[Line, ...], happened: list[Observation]) -> dict[int, int]:
    """Return observation → line, as many as can be matched (augmenting paths)."""
    candidates = [[at for at, seen in enumerate(happened) if fits(line, seen)] for line in lines]
    taken: dict[int, int] = {}

    def place(line: int, tried: set[int]) -> bool:
        for observation in candidates[line]:
            if observation in tried:
                continue
            tried.add(observation)
            if observation not in taken or place(taken[observation], tried):
                taken[observation] = line
                return True
        return False

    for line in range(len(lines)):
        place(line, set())
    return taken


def _unmet(story: Story, line: Line, happened: list[Observation]) -> str:
    expects = line.expects
    near = [
        str(seen)
        for seen in happened
        if seen.kind == line.kind and (expects.ticket is None or expects.ticket == seen.ticket)
    ]
    instead = "; ".join(near[:6]) if near else "nothing of the kind"
    return f"{story.path}:{line.line}: not met: {_describe(line)}. Instead: {instead}"


def _describe(line: Line) -> str:
    expects = line.expects
    words = [f"at {_text(expects.at)}" if expects.at else "", expects.ticket or ""]
    name = getattr(expects, line.kind)
    words.append(f"{line.kind} {name if isinstance(name, str) else ''}".strip())
    words += [
        f"{word} {_text(getattr(expects, word))}" for word in ("percent", "due", "what", "to") if getattr(expects, word)
    ]
    return ", ".join(word for word in words if word)


def _text(value: object) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
