"""Draws the dashboard: a header, the open escalations, and below them what was sent to whom and why."""

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.view.board import Row
from ops.view.dashboard import Dashboard, Moment, by_severity, duration_words
from ops.view.feed import FeedLine, printable

_BROAD, _WIDE = 96, 112
"""From so many columns on there is room for the subject, and for names and channels."""
_HEADER_LINES = 2
_HEADS = 1
"""Each table's own head."""
_LEAST_ROWS = 3
_SHARE_OF_BOARD = 0.6
_SEVERITY_STYLES = {"P1": "bold white on red", "P2": "bold red", "P3": "yellow", "P4": "cyan"}
_STATES = {"resolution_proposed": "asked"}
"""What the customer is asked is shown in one word."""


def picture(dashboard: Dashboard, moment: Moment, width: int, height: int) -> RenderableType:
    """Return the whole view for a terminal of this size; nothing in it is longer than a line of it."""
    rows = dashboard.rows()
    room = max(2 * _LEAST_ROWS, height - _HEADER_LINES - 2 * _HEADS - 1)
    shown = min(len(rows), max(_LEAST_ROWS, int(room * _SHARE_OF_BOARD)))
    return Group(
        _header(dashboard, moment, width),
        _counts(dashboard, moment, rows),
        _board(dashboard, rows[:shown], moment.now, width),
        _rest(len(rows) - shown),
        _feed(dashboard, dashboard.feed.latest(room - shown), width),
    )


def _header(dashboard: Dashboard, moment: Moment, width: int) -> Text:
    now = moment.now.astimezone(dashboard.zone)
    line = _line(f"Escalon  {now:%a %d %b %Y  %H:%M:%S %Z}", "bold")
    if moment.speed != 1.0:
        line.append(f"  {moment.speed:g}x", "bold magenta")
    line.append("  " if moment.lights else "")
    for light in moment.lights:
        line.append("●" if light.is_up else "○", "green" if light.is_up else "bold red")
        if width >= _WIDE or not light.is_up:
            line.append(f" {light.name}  ", "" if light.is_up else "bold red")
    return line


def _counts(dashboard: Dashboard, moment: Moment, rows: list[Row]) -> Text:
    line = _line(f"{len(rows)} open", "bold")
    for severity, count in by_severity(rows).items():
        line.append("  ")
        line.append(severity.value, _SEVERITY_STYLES[severity.value])
        line.append(f" {count}")
    late = sum(1 for row in rows if row.next_due_at is not None and row.next_due_at < moment.now)
    line.append(f"  late {late}", "bold red" if late else "dim")
    line.append(f"  closed {dashboard.closed_count}  sent {dashboard.feed.told_count}", "dim")
    line.append(f"  {moment.remark}" if moment.remark else "", "yellow")
    return line


def _board(dashboard: Dashboard, rows: list[Row], now: datetime, width: int) -> Table:
    table = _table()
    for head, fixed in (("reference", 15), ("sev", 3), ("type", 10), ("owner", 14), ("state", 9), ("next promise", 14)):
        table.add_column(head, width=fixed, no_wrap=True, overflow="ellipsis")
    table.add_column("time left", width=11, no_wrap=True)
    if width >= _BROAD:
        table.add_column("subject", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        cells = [
            Text(row.reference),
            Text(row.severity, _SEVERITY_STYLES.get(row.severity, "")),
            Text(row.type),
            Text(printable(row.owner)),
            Text(_STATES.get(row.state.value, row.state.value), "dim" if row.state.value == "open" else "green"),
            Text(row.next_promise.value.replace("_", " ") if row.next_promise else "-"),
            _time_left(dashboard, row, now),
        ]
        table.add_row(*cells, *([Text(printable(row.subject), "dim")] if width >= _BROAD else []))
    return table


def _time_left(dashboard: Dashboard, row: Row, now: datetime) -> Text:
    share = dashboard.share_left(row, now)
    if share is None or row.next_due_at is None:
        return Text("-", "dim")
    words = duration_words(row.next_due_at - now)
    if share < 0:
        return Text(f"late {words}"[:11], "bold red")
    return Text(words, "red" if share <= 0.1 else "yellow" if share <= 0.5 else "green")


def _rest(count: int) -> Text:
    return _line(f"… and {count} more" if count > 0 else "", "dim")


def _feed(dashboard: Dashboard, lines: list[FeedLine], width: int) -> Table:
    table = _table()
    table.add_column("sent", width=8, no_wrap=True)
    table.add_column("what", width=17 if width < _BROAD else 21, no_wrap=True, overflow="ellipsis")
    table.add_column("to", width=14 if width < _WIDE else 24, no_wrap=True, overflow="ellipsis")
    if width >= _WIDE:
        table.add_column("by", width=8, no_wrap=True, overflow="ellipsis")
    table.add_column("about", width=15, no_wrap=True)
    table.add_column("because", no_wrap=True, overflow="ellipsis", ratio=1)
    for line in lines:
        failed = "NOT DELIVERED" in line.kind
        cells = [
            Text(dashboard.feed.clock_time(line.at), "dim"),
            Text(line.kind, "bold red" if failed or line.kind == "breach" else "bold"),
            Text(line.recipient),
            *([Text(line.via, "dim")] if width >= _WIDE else []),
            Text(line.reference),
            Text(dashboard.feed.why(line), "dim"),
        ]
        table.add_row(*cells)
    return table


def _table() -> Table:
    return Table(box=None, expand=True, header_style="dim underline", padding=(0, 1, 0, 0), pad_edge=False)


def _line(text: str, style: str) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(text, style)
    return line
