"""`escalon policy`: check, publish and show the procedure."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ops.adoption import ask_running, previewed
from ops.adoption_preview import MovedDeadline, NoticeAtOnce, Preview
from ops.commands.scenarios import story_files
from ops.connection import kafka_settings, open_log, publisher
from ops.local.run_file import local_defaults, operator_clock
from ops.output import EXIT_FAILED, EXIT_USAGE, AsJson, command, fail, print_json, print_table
from ops.running_escalations import OPERATOR, PRODUCER
from ops.scenario.reading import read_story
from ops.scenario.setting import DEFAULT_POLICY, setting_of
from ops.scenario.world import Stage
from policy.examples import failed_examples
from policy.loader import load_policy
from policy.publication import canonical_json, policy_of
from schemas.catalogue import POLICIES
from schemas.ids import PolicyVersion, derived_id
from schemas.message import Meta
from schemas.reference_data import PolicyPublished
from services.classifier.domain.rule_judge import RuleJudge

app = typer.Typer(no_args_is_help=True, help="Check, publish and show the procedure.")
Folder = Annotated[Path, typer.Argument(help="The policy's folder of YAML files.", file_okay=False)]
Running = Annotated[bool, typer.Option("--running", help="Have open escalations adopt it, too.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --running: only show what would follow, send nothing.")]
STORIES = "stories"
"""The folder beside a policy's files whose stories `policy check` plays."""


@app.command()
@command
async def check(folder: Folder = DEFAULT_POLICY) -> None:
    """Check a policy: its words and rules, its worked examples, and the stories that stand beside it."""
    versioned = load_policy(folder)
    problems = failed_examples(versioned, RuleJudge())
    stage = Stage()
    stories = story_files([folder / STORIES]) if (folder / STORIES).is_dir() else []
    for path in stories:
        story = read_story(path)
        problems += await stage.play(story, setting_of(story, folder))
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(EXIT_FAILED)
    examples = len(versioned.policy.criteria.examples)
    typer.echo(f"{versioned.version}: right; {examples} worked examples and {len(stories)} stories hold")


@app.command()
@command
async def publish(
    folder: Folder = DEFAULT_POLICY, *, running: Running = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Publish a policy as a version; escalations that are open keep theirs, unless it is for those, too."""
    if dry_run and not running:
        raise fail("--dry-run shows what --running would do: give both", EXIT_USAGE)
    local_defaults()
    versioned = load_policy(folder)
    if problems := failed_examples(versioned, RuleJudge()):
        raise fail("; ".join(problems))
    if dry_run:
        show_preview(await previewed(open_log(), versioned, operator_clock().now()), versioned.version, as_json=as_json)
        return
    await publish_policy(PolicyPublished(version=versioned.version, document=canonical_json(versioned.policy)))
    asked = await _ask_running(versioned.version) if running else 0
    if as_json:
        print_json({"version": versioned.version, "asked": asked})
        return
    typer.echo(f"{versioned.version} published" + (f"; {asked} open escalations are asked to adopt it" * running))


async def _ask_running(version: PolicyVersion) -> int:
    async with publisher(kafka_settings()) as out:
        return await ask_running(open_log(), out, version, operator_clock().now())


def show_preview(preview: Preview, version: PolicyVersion, *, as_json: bool) -> None:
    """Print what would follow if all that runs adopted the version: tables and a sentence, or a line of JSON each."""
    if as_json:
        print_json([*preview.deadlines, *preview.notices])
        return
    if preview.deadlines:
        rows = [(one.reference, f"{one.clock} {one.cycle}", *_from_to(one)) for one in preview.deadlines]
        print_table("Deadlines that would move", ("reference", "clock", "from", "to"), rows)
    if preview.notices:
        told = [(one.reference, one.kind, _of_clock(one), one.recipient) for one in preview.notices]
        print_table("Notices that would go out at once", ("reference", "notice", "clock", "to"), told)
    typer.echo(
        f"{version}: {preview.escalations} open escalations would adopt it, {len(preview.deadlines)} deadlines move, "
        f"{len(preview.notices)} notices go out at once; nothing was sent"
    )


def _from_to(moved: MovedDeadline) -> tuple[str, str]:
    return moved.was_due_local or "not promised", moved.due_local or "not promised any more"


def _of_clock(notice: NoticeAtOnce) -> str:
    percent = "" if notice.percent is None else f", {notice.percent} %"
    return "" if notice.clock is None else f"{notice.clock} {notice.cycle}{percent}"


async def publish_policy(draft: PolicyPublished) -> None:
    """Publish a version; publishing it again makes it the latest again."""
    now = operator_clock().now()
    meta = Meta(
        id=derived_id("policy", draft.version, now.isoformat()),
        correlation_id=draft.version,
        occurred_at=now,
        recorded_at=now,
        actor=OPERATOR,
        producer=PRODUCER,
        policy_version=draft.version,
    )
    async with publisher(kafka_settings()) as out:
        await out.publish([(draft.version, msgspec.structs.replace(draft, meta=meta))])


@app.command()
@command
async def show(
    version: Annotated[str | None, typer.Argument(help="A version; the latest if left out.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show the procedure in force, or a version of it."""
    local_defaults()
    published: dict[str, PolicyPublished] = {}
    latest: PolicyPublished | None = None
    async for entry in open_log().entries(POLICIES):
        if isinstance(entry.message, PolicyPublished):
            latest = published[entry.message.version] = entry.message
    found = latest if version is None else published.get(version)
    if found is None:
        raise fail(f"no policy {version or ''} was published; there are {', '.join(published) or 'none'}")
    policy = policy_of(found.document)
    if as_json:
        print_json(policy)
        return
    rows = [
        (
            severity.value,
            one.impact,
            one.first_response.words,
            one.update.words if one.update else "-",
            one.resolution.words,
        )
        for severity, one in policy.severities.items()
    ]
    print_table(found.version, ("severity", "impact", "first response", "update every", "resolution"), rows)
