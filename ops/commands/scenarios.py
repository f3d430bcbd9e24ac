"""`escalon scenario run`: play stories through the real handlers of all services, no Kafka, no waiting."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ops.output import EXIT_FAILED, EXIT_USAGE, OURS, command, fail
from ops.scenario.marked_yaml import StoryError
from ops.scenario.reading import read_story
from ops.scenario.setting import DEFAULT_POLICY, setting_of
from ops.scenario.world import Stage

app = typer.Typer(no_args_is_help=True, help="Play stories.")


@app.command()
@command
async def run(
    files: Annotated[list[Path], typer.Argument(help="Stories, or folders of them.")],
    policy: Annotated[
        Path, typer.Option("--policy", help="The policy folder of stories that name none.")
    ] = DEFAULT_POLICY,
) -> None:
    """Play stories; exit 0 all told right, 1 not, 2 a file that cannot be read."""
    started = time.perf_counter()
    told, wrong = 0, []
    stage = Stage()
    for path in story_files(files):
        try:
            story = read_story(path)
            setting = setting_of(story, policy)
        except (StoryError, *OURS) as error:
            raise fail(str(error), EXIT_USAGE) from None
        found = await stage.play(story, setting)
        typer.echo(f"{'told' if not found else 'NOT TOLD'}  {path}: {story.name}")
        for line in found:
            typer.echo(f"    {line}")
        told += 1
        wrong += [path] if found else []
    typer.echo(f"{told - len(wrong)} of {told} stories told right, {time.perf_counter() - started:.1f} s")
    if wrong:
        raise typer.Exit(EXIT_FAILED)


def story_files(paths: list[Path]) -> list[Path]:
    """Return the stories named, folders opened, in order of name."""
    return [file for path in paths for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]
