"""Shares of a target as a policy lists them, and what may not stand there."""

import shutil
from pathlib import Path

import pytest

from policy.loader import load_policy
from policy.problems import PolicyError
from policy.thresholds import Threshold, audiences_at, percents_of
from schemas.vocabulary import Audience, ClockName, Severity

DEFAULT = Path(__file__).parents[3] / "policy" / "default"
RESOLUTION = ClockName.RESOLUTION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for source in DEFAULT.glob("*.yaml"):
        shutil.copy(source, tmp_path)
    return tmp_path


def write(folder: Path, severity: str, thresholds: str) -> None:
    """Give the severity thresholds; the list stands on the third line below its name."""
    file = folder / "severities.yaml"
    text = file.read_text(encoding="utf-8")
    written = f"  {severity}:\n    thresholds:\n      {thresholds}\n"
    file.write_text(text.replace(f"  {severity}:\n", written, 1), encoding="utf-8")


def test_the_breach_is_always_there_and_what_comes_again_is_counted_out() -> None:
    again = Threshold(percent=150, audiences=(Audience.MANAGEMENT,), every=50, at_most=3)
    thresholds = (Threshold(percent=60), again)

    assert percents_of(thresholds) == (60, 100, 150, 200, 250, 300)
    assert percents_of(()) == (100,)
    assert audiences_at(thresholds, 250) == (Audience.MANAGEMENT,)
    assert audiences_at(thresholds, 60) is None
    assert audiences_at(thresholds, 100) is None


def test_clocks_that_are_not_listed_keep_their_warnings(folder: Path) -> None:
    write(
        folder, "P1", "resolution: [{percent: 80, audiences: [owner, channel]}, {percent: 100, every: 25, at_most: 2}]"
    )
    promises = load_policy(folder).policy.severities[Severity.P1]

    assert promises.percents_of(RESOLUTION) == (80, 100, 125, 150)
    assert promises.percents_of(ClockName.UPDATE) == (50, 75, 90, 100)
    assert load_policy(folder).version != load_policy(DEFAULT).version


@pytest.mark.parametrize(
    ("thresholds", "place", "says"),
    [
        ("resolution: [{percent: 0}]", "[0].percent", "0 is no share"),
        ("resolution: [{percent: 75}, {percent: 50}]", "[1].percent", "50 does not lie above 75"),
        ("resolution: [{percent: 50}, {percent: 50}]", "[1].percent", "50 does not lie above 50"),
        (
            "resolution: [{percent: 120, every: 40, at_most: 2}, {percent: 180}]",
            "[1].percent",
            "180 does not lie above 200, which the one before it reaches",
        ),
        ("resolution: [{percent: 150, every: 50}]", "[0]", "give both or neither"),
        ("resolution: [{percent: 150, at_most: 2}]", "[0]", "give both or neither"),
        ("resolution: [{percent: 150, every: 0, at_most: 2}]", "[0]", "are 1 or more"),
        ("resolution: [{percent: 150, every: -50, at_most: 2}]", "[0]", "are 1 or more"),
        ("resolution: [{percent: 50, every: 10, at_most: 2}]", "[0].every", "from 100 on"),
        ("resolution: [{percent: 150, every: 500, at_most: 2}]", "", "reach 1150 %; 1000 is the highest"),
        ("resolution: [{percent: 100, every: 10, at_most: 20}]", "", "are more than 20 shares"),
        ("resolution: [{percent: 50, audiences: [customer]}]", "[0].audiences", "customer is told of no clock"),
        ("resolution: [{percent: 50, audiences: [boss]}]", "[0].audiences", "one of owner, management"),
        ("acceptance: [{percent: 50}]", "", "is reminded by acceptance_reminder_percent"),
        ("confirmation: [{percent: 50}]", "", "is repeated by confirmation_repeats"),
        ("front_line: [{percent: 50}]", "", "is at risk by front_line_fraction"),
        ("resolutions: [{percent: 50}]", "", "'resolutions' is not one of"),
    ],
)
def test_a_mistake_is_told_where_it_stands(folder: Path, thresholds: str, place: str, says: str) -> None:
    write(folder, "P1", thresholds)
    lines = (folder / "severities.yaml").read_text(encoding="utf-8").split("\n")
    number = lines.index(f"      {thresholds}") + 1

    with pytest.raises(PolicyError) as raised:
        load_policy(folder)

    (told,) = str(raised.value).split("\n")
    assert says in told
    assert told.startswith(f"severities.yaml:{number}: severities.P1.thresholds")
    assert place in told


def test_a_room_is_told_only_where_one_opens(folder: Path) -> None:
    write(folder, "P3", "resolution: [{percent: 50, audiences: [channel]}]")

    with pytest.raises(PolicyError, match="this severity has no incident_channel"):
        load_policy(folder)


def test_an_audience_of_what_nobody_is_told_of_is_a_mistake(folder: Path) -> None:
    write(folder, "P3", "resolution: [{percent: 50, audiences: [owner]}]")
    file = folder / "audiences.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("kind: warning, audiences: [owner]", "kind: warning, audiences: []"), encoding="utf-8")

    with pytest.raises(PolicyError, match="tells nobody of a warning"):
        load_policy(folder)
