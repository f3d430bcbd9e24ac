"""The alerts: each names metrics and labels that are there, and a section of the runbook that says what to do."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from ops.services import METRICS, metric_families
from tests.harness.sources import ROOT
from tests.unit.docs.documents import documents

RULES = sorted((ROOT / "deploy" / "prometheus").glob("*.rules.yaml"))
FAMILIES = {family.name: family for service in METRICS for family in metric_families(service)}


def alerts() -> list[Any]:
    read = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES]
    return [rule for document in read for group in document["groups"] for rule in group["rules"]]


def labels_of(name: str) -> set[str]:
    """Return the labels of a metric, as a service declares them."""
    for service in METRICS:
        registry = CollectorRegistry()
        for make in METRICS[service]:
            make(registry)
        if name in registry._names_to_collectors:
            return set(getattr(registry._names_to_collectors[name], "_labelnames", ()))
    return set()


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_looks_at_what_is_measured(alert: Any) -> None:
    named = set(re.findall(r"escalon_[a-z_]+", alert["expr"]))

    assert named
    assert {name for name in named if name.removesuffix("_total") not in FAMILIES} == set()
    for by in re.findall(r"by \(([a-z, ]+)\) \((escalon_[a-z_]+)\)", alert["expr"]):
        assert set(by[0].split(", ")) <= labels_of(by[1])


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_how_urgent_it_is_and_what_to_do(alert: Any) -> None:
    path, _, anchor = alert["annotations"]["runbook"].partition("#")
    (runbook,) = [document for document in documents() if document.path == path]

    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert anchor in runbook.anchors()
    assert f"`{alert['alert']}`" in runbook.text
