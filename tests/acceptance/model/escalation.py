"""One ticket: what its facts and the time do to it, as the procedure says, one instant after the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.model.clocks import WITH_CHANNEL, Clock, Name
from tests.acceptance.model.hours import Hours
from tests.acceptance.model.promises import Promises
from tests.acceptance.model.ruler import Ruler

Words = Mapping[str, Any]
RECORD = ("note", "evidence", "root_cause")
UPDATES = ("update", "question")
TO_CUSTOMER_BY_ANYBODY = ("confirm", "reject")
MEANS = {"Thank you!": "thanks", "Yes, it works now": "confirms", "No, it still does not work.": "rejects"}
"""What the customer's words mean; others want something."""
MAY_STAND = ("update", "resolution")
COMMANDS = (
    "accept",
    "update",
    "question",
    *RECORD,
    "resolve",
    *TO_CUSTOMER_BY_ANYBODY,
    "reassign",
    "reclassify",
    "close",
)
_TOLD_OF_BREACH = ("first_response", "update", "resolution", "promise", "next_reply")


@dataclass(frozen=True)
class World:
    """What a story gives."""

    chains: Mapping[str, list[str]]
    calendar: Hours
    promises: Promises


class Escalation:
    """A ticket from its first fact on. Whatever is seen of it goes to `say`, as a line of `then`."""

    def __init__(self, given: World, say: Callable[[datetime, Words], None]) -> None:
        self._given, self._say_at = given, say
        self.now: datetime
        self.verdict: Words | None = None
        self.qualified: bool | None = None
        self.state: str | None = None
        self.ended = False
        self.severity = self.type = self.owner = ""
        self.start: datetime
        self.proposed_at: datetime | None = None
        self.highest = ""
        self.set_by_person = False
        self.asked: list[str] = []
        self.acknowledged = False
        self.accepted = False
        self.recorded: set[str] = set()
        self.clocks: list[Clock] = []
        self.resolution: Clock
        self.resolution_broken = False
        self.asks_customer = False

    @property
    def chain(self) -> list[str]:
        """Whoever stands in the chain of the type."""
        return self._given.chains[self.type]

    @property
    def management(self) -> str:
        """The last of the chain."""
        return self.chain[-1]

    def say(self, **words: object) -> None:
        """Note what is seen now."""
        self._say_at(self.now, words)

    def tell(self, whom: str, what: str) -> None:
        """Note what somebody is told now."""
        self.say(told=whom, what=what)

    def tell_owner(self, what: str, *, management: bool = False) -> None:
        """Tell the owner, and management; who is both is told once."""
        if not (management and self.owner == self.management):
            self.tell(self.owner, what)
        if management:
            self.tell("management", what)

    # What time does.

    def upcoming(self) -> Iterator[tuple[datetime, Clock, int]]:
        """Yield the thresholds that are still to come or are due now."""
        ruler = self.ruler()
        for clock in self.clocks:
            measure = None if clock.over else ruler.measure(clock)
            if measure is not None:
                for percent in clock.percents():
                    at = measure.reached(percent) if percent > max(clock.said, measure.told) else None
                    if at is not None:
                        yield at, clock, percent

    def fire(self) -> bool:
        """Say of one clock the highest that has been passed; False where nothing is due."""
        due = [(clock, percent) for at, clock, percent in self.upcoming() if at <= self.now]
        if not due:
            return False
        # Who is owner is settled first, so that what else falls due is told to whoever must act on it.
        clock = min((clock for clock, _ in due), key=lambda one: one.name != "acceptance")
        self._pass(clock, max(percent for other, percent in due if other is clock))
        return True

    def _pass(self, clock: Clock, percent: int) -> None:
        clock.said = percent
        if clock.name == "confirmation":
            if percent > 300:
                self.tell_owner("call_customer")
            else:
                self.tell("customer", "confirmation_request")
        elif percent < 100:
            if clock.name == "acceptance":
                self.tell_owner("reminder")
            else:
                self.say(warned=clock.name, percent=percent)
                self.tell_owner("warning")
        else:
            self._break(clock)
            if clock.name == "acceptance":
                self._climb()

    def _break(self, clock: Clock) -> None:
        if clock.broken:
            return
        clock.broken = True
        self.resolution_broken = self.resolution_broken or clock.name == "resolution"
        self.say(breached=clock.name, due=self.ruler().reached(clock, 100))
        if clock.name in _TOLD_OF_BREACH:
            self.tell_owner("breach", management=True)

    def _climb(self) -> None:
        if self.owner in self.chain:
            behind = self.chain[self.chain.index(self.owner) + 1 :]
        else:
            behind = [person for person in self.chain if person not in self.asked]
        if behind:
            self._assign(behind[0], goes_on=True)
        else:
            self.tell_owner("reminder")

    # Clocks.

    def ruler(self) -> Ruler:
        """Return what clocks are measured by now."""
        return Ruler(self.severity, self._given.calendar, self.start, self._given.promises)

    def begin(self, name: Name, promised: timedelta | None = None) -> Clock:
        """Let a clock of that name run from now on."""
        clock = Clock(name, [(self.now, None)], promised=promised)
        self.clocks.append(clock)
        return clock

    def running(self, name: Name) -> Clock | None:
        """Return the clock of that name that is not over, if there is one."""
        return next((clock for clock in self.clocks if clock.name == name and not clock.over), None)

    def _end(self, name: Name, *, judged: bool) -> bool:
        """End every clock of that name, if any runs: kept or broken where its end is what was promised."""
        ending = [clock for clock in self.clocks if clock.name == name and not clock.over]
        for clock in ending:
            clock.stop(self.now)
            clock.over = True
            self._judge(clock, judged=judged)
        return bool(ending)

    def _judge(self, clock: Clock, *, judged: bool) -> None:
        measure = self.ruler().measure(clock)
        if measure is None or clock.name == "confirmation":
            return
        if measure.reached(100) is not None:
            self._break(clock)
        elif judged and not clock.broken:
            self.say(kept=clock.name)

    def _assign(self, to: str, *, goes_on: bool = False) -> None:
        self._end("acceptance", judged=False)
        if to != self.owner:
            self.say(owner=to)
        self.owner = to
        self.asked = [*self.asked, to] if goes_on else [to]
        self.accepted = self.acknowledged = False
        self.begin("acceptance").last_in_chain = to == self.chain[-1]
        self.tell_owner("new_owner")

    def _accept_as_owner(self) -> None:
        if not self.accepted:
            self.accepted = True
            self._end("acceptance", judged=True)

    def _reach_customer(self, next_at: datetime | None = None) -> None:
        self._end("first_response", judged=True)
        if self._end("update", judged=True):
            self.begin("update")
        self._end("promise", judged=True)
        self._end("next_reply", judged=True)
        if next_at is not None:
            self.begin("promise", promised=next_at - self.now)

    def _await_reply(self) -> None:
        if self.running("next_reply") is None:
            self.begin("next_reply")

    def settle(self) -> None:
        """After a fact: let the clocks stand or run that may stand, by the severity that is in force now."""
        for clock in self.clocks:
            if self.state in ("open", "resolution_proposed") and clock.name in MAY_STAND and not clock.over:
                causes = self._given.promises.stands_for(self.severity, clock.name)
                is_proposed = self.state == "resolution_proposed" and "proposed_resolution" in causes
                if is_proposed or (self.asks_customer and "question" in causes):
                    clock.stop(self.now)
                else:
                    clock.resume(self.now)

    def _enter(self, state: str) -> None:
        self.state = state
        self.say(state=state)

    # Facts of the ticket.

    def on_verdict(self, verdict: Words | None) -> None:
        """Take a verdict; None: the one that stands is taken again."""
        self.verdict = verdict or self.verdict
        given = self.verdict
        if given is None:
            return
        if not given["qualifies"]:
            if self.qualified is not False:
                self.say(not_escalated={})
            self.qualified = False
            return
        self.qualified = True
        if self.state is None:
            self.open(given["severity"], given["type"], self.now)
            self.begin("first_response")
            self.begin("update")
            self.resolution = self.begin("resolution")
        elif self.state != "closed":
            self._judge_again(given["severity"])

    def open(self, severity: str, type_: str, start: datetime) -> None:
        """Become an escalation, with an owner and as yet no other clocks than his."""
        self.severity, self.type, self.start = severity, type_, start
        self.highest = severity
        self.say(escalated={"severity": severity, "type": type_})
        self._enter("open")
        if type_ == "compliance":
            self.tell("management", "compliance")
        self._channel_opens()
        self._assign(self.chain[0])

    def _channel_opens(self) -> None:
        if self.severity in WITH_CHANNEL:
            self.tell("channel", "opened")

    def _judge_again(self, verdict: str) -> None:
        raises = verdict < self.severity and (not self.set_by_person or verdict < self.highest)
        self.highest = min(self.highest, verdict)
        if raises:
            self._change_severity(verdict)

    def raise_to(self, severity: str) -> None:
        """Take over the severity of what was merged into this, where it is higher, whoever set its own."""
        if severity < self.severity:
            self.highest = min(self.highest, severity)
            self._change_severity(severity)

    def _change_severity(self, severity: str) -> None:
        had_channel = self.severity in WITH_CHANNEL
        self.severity = severity
        if not had_channel:
            self._channel_opens()

    def on_agent_reply(self, act: Words) -> None:
        """Take a message of an agent or a bot."""
        if self.state not in (None, "closed") and act["public"] and not act["bot"]:
            if act["by"] == self.owner:
                self._accept_as_owner()
            self._reach_customer()

    def on_customer_reply(self, text: str) -> None:
        """Take a message of the customer, who may answer with it whether it is solved."""
        if self.state in (None, "closed"):
            return
        self.asks_customer = False
        meaning = MEANS.get(text)
        if meaning not in ("thanks", "confirms"):
            self._await_reply()
        if meaning == "confirms":
            self._confirm("customer", {})
        if meaning == "rejects":
            self._reject("customer", {})

    def on_reopened(self) -> None:
        """Take that the ticket came back."""
        if self.state == "closed" and not self.ended:
            self._enter("open")
            self.recorded.discard("category")
            self._channel_opens()
            self.begin("first_response")
            self.begin("update")
            self._await_reply()
            self.resolution.resume(self.now)
            self.resolution.over = False
            self._assign(self.owner)

    def on_gone(self) -> None:
        """Take that the ticket was deleted, or went into another."""
        if self.state not in (None, "closed"):
            self._enter("closed")
            self.ended = True
            self.clocks.clear()

    # Commands.

    def on_command(self, word: str, act: Words) -> None:
        """Apply a command, or refuse it, or let it be."""
        by = act.get("by", "customer")
        if self.state in (None, "closed"):
            if word not in RECORD:
                self._refuse(word, by)
            elif self.state == "closed":
                self.recorded.add(word)
            return
        refusal = word not in (*RECORD, *UPDATES, *TO_CUSTOMER_BY_ANYBODY) and self._is_refused(word, by, act)
        if refusal or (word == "update" and "next_at" in act and act["next_at"] <= self.now):
            self._refuse(word, by)
            return
        if by == self.owner and word not in ("accept", "reassign"):
            self._accept_as_owner()
        getattr(self, f"_{word}")(by, act)

    def _refuse(self, word: str, by: str) -> None:
        self.say(refused="update" if word in UPDATES else word, to=by)

    def _is_refused(self, word: str, by: str, act: Words) -> bool:
        in_charge = by in (self.owner, self.management)
        match word:
            case "accept":
                return by != self.owner
            case "resolve":
                return not in_charge or self.state != "open"
            case "reassign":
                return not in_charge or act["to"] == self.owner or act["to"] not in self.chain
            case "reclassify":
                return not in_charge
            case _:
                return by != self.management

    def _accept(self, _by: str, _act: Words) -> None:
        if not self.acknowledged:
            self._accept_as_owner()
            self.acknowledged = True
            self.tell("customer", "acknowledgement")
            self._reach_customer()

    def _update(self, _by: str, act: Words) -> None:
        self._reach_customer(act.get("next_at"))

    def _question(self, _by: str, _act: Words) -> None:
        self._reach_customer()
        self.asks_customer = True

    def _note(self, _by: str, _act: Words) -> None:
        pass

    def _evidence(self, _by: str, _act: Words) -> None:
        self._recorded("evidence")

    def _root_cause(self, _by: str, _act: Words) -> None:
        self._recorded("root_cause")

    def _recorded(self, part: str) -> None:
        self.recorded.add(part)
        self._close_if_complete()

    def _resolve(self, by: str, _act: Words) -> None:
        if by != self.owner:
            self._end("acceptance", judged=False)
            self.accepted = True
        self.proposed_at = self.now
        self._enter("resolution_proposed")
        self.tell("customer", "confirmation_request")
        self._end("first_response", judged=True)
        self._end("update", judged=True)
        self._end("promise", judged=True)
        self._end("next_reply", judged=True)
        self.asks_customer = False
        self.recorded.add("category")
        self.begin("confirmation")

    def _confirm(self, _by: str, _act: Words) -> None:
        if self.state == "resolution_proposed":
            self._enter("confirmed")
            self._end("confirmation", judged=False)
            self._end("next_reply", judged=False)
            self._end("resolution", judged=True)
            self.asks_customer = False
            if not self._close_if_complete():
                self.tell_owner("documentation_missing")

    def _close_if_complete(self) -> bool:
        needed = {"root_cause", "evidence", "category"} if self.severity in WITH_CHANNEL else {"category"}
        if self.state == "confirmed" and needed <= self.recorded:
            self._shut()
            return True
        return False

    def _reject(self, _by: str, _act: Words) -> None:
        if self.state == "resolution_proposed":
            self._enter("open")
            self._end("confirmation", judged=False)
            self.asks_customer = False
            self.begin("update")

    def _reassign(self, _by: str, act: Words) -> None:
        self._assign(act["to"])

    def _reclassify(self, _by: str, act: Words) -> None:
        severity, type_ = act.get("severity", self.severity), act.get("type", self.type)
        previous = self.type
        if severity != self.severity:
            self.set_by_person = True
            self._change_severity(severity)
        if type_ != previous:
            self.type = type_
            if type_ == "compliance":
                self.tell("management", "compliance")
            if self.chain[0] != self.owner:
                self._assign(self.chain[0])
        self._close_if_complete()

    def _close(self, _by: str, _act: Words) -> None:
        self._shut()

    def _shut(self) -> None:
        for name in ("acceptance", "first_response", "update", "confirmation", "promise", "next_reply"):
            self._end(name, judged=False)
        self._end("resolution", judged=True)
        self.asks_customer = False
        self._enter("closed")
        self.tell("customer", "closed")
