"""`escalon classify`: the classifier on exported tickets, without Kafka."""

from pathlib import Path
from typing import Annotated

import typer

from ops.classify import classify_file
from ops.output import command
from ops.scenario.setting import DEFAULT_POLICY
from policy.loader import load_policy
from services.classifier.domain.rule_judge import RuleJudge


@command
async def classify(
    file: Annotated[Path, typer.Argument(help="Tickets, a JSON object a line.", dir_okay=False)],
    out: Annotated[Path, typer.Option("--out", help="Where the verdicts go, a JSON object a line.", dir_okay=False)],
    policy: Annotated[Path, typer.Option("--policy", help="The policy's folder.", file_okay=False)] = DEFAULT_POLICY,
) -> None:
    """Judge exported tickets and write a verdict for each."""
    typer.echo(f"{classify_file(file, out, load_policy(policy), RuleJudge())} tickets judged")
