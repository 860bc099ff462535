"""Flux (kstatus) and Argo CD (Lua) read every state of the table of conditions as it is meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime
from sagebridge.core.conditions import State, Verdict, build
from sagebridge.core.reasons import Reason

from . import kstatus
from .kstatus import Status

ROOT = Path(__file__).parents[3]
SCRIPT = (ROOT / "docs" / "argocd" / "health.lua").read_text()
NOW = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    reason: str
    flux: Status
    argocd: str
    status: Mapping[str, Any] | None
    generation: int = 1
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def obj(self) -> dict[str, Any]:
        obj: dict[str, Any] = {"metadata": {"name": "digits", "generation": self.generation, **self.metadata}}
        return obj if self.status is None else {**obj, "status": self.status}


def status_of(*verdicts: Verdict, observed: int = 1, tags_refused: str = "") -> dict[str, Any]:
    """The status after the verdicts, one after the other, as the operator writes it."""
    conditions: list[dict[str, Any]] = []
    for verdict in verdicts:
        conditions = build(verdict, previous=conditions, generation=observed, now=NOW, tags_refused=tags_refused)
    return {"observedGeneration": observed, "conditions": conditions}


def verdict(state: State, reason: Reason) -> Verdict:
    return Verdict(state=state, reason=reason, message=f"It is {reason}.")


UNSEEN = verdict(State.UNSEEN, Reason.ACCEPTED)
RUNNING = verdict(State.PROGRESSING, Reason.IN_PROGRESS)
SUSPENDED = verdict(State.SUSPENDED, Reason.SUSPENDED)
COMPLETED = verdict(State.READY, Reason.COMPLETED)
SERVING = verdict(State.SERVING, Reason.IN_SERVICE)
INVALID = verdict(State.STALLED, Reason.INVALID_SPEC)
FAILED = verdict(State.FAILED, Reason.JOB_FAILED)
DELETED = {"deletionTimestamp": NOW}

CASES = [
    Case(
        reason="looked at, nothing done yet",
        status=status_of(UNSEEN),
        flux=Status.IN_PROGRESS,
        argocd="Progressing",
    ),
    *[
        Case(
            reason=f"on the way: {reason}",
            status=status_of(UNSEEN, verdict(State.PROGRESSING, reason)),
            flux=Status.IN_PROGRESS,
            argocd="Progressing",
        )
        for reason in (
            Reason.SUBMITTING,
            Reason.IN_PROGRESS,
            Reason.WAITING_FOR_REFERENCE,
            Reason.REFERENCE_NOT_READY,
            Reason.THROTTLED,
            Reason.QUOTA_EXCEEDED,
            Reason.RETRY_PENDING,
        )
    ],
    Case(
        reason="suspended: Flux has no such state",
        status=status_of(UNSEEN, SUSPENDED),
        flux=Status.IN_PROGRESS,
        argocd="Suspended",
    ),
    Case(
        reason="resumed",
        status=status_of(UNSEEN, SUSPENDED, RUNNING),
        flux=Status.IN_PROGRESS,
        argocd="Progressing",
    ),
    Case(
        reason="paused by annotation: Flux has no such state",
        status=status_of(UNSEEN, RUNNING, verdict(State.PAUSED, Reason.PAUSED)),
        flux=Status.IN_PROGRESS,
        argocd="Suspended",
    ),
    Case(
        reason="an endpoint whose state nobody could check for long",
        status=status_of(UNSEEN, RUNNING, SERVING, verdict(State.UNSEEN, Reason.STATUS_STALE)),
        flux=Status.IN_PROGRESS,
        argocd="Progressing",
    ),
    Case(
        reason="an endpoint in service",
        status=status_of(UNSEEN, RUNNING, SERVING),
        flux=Status.CURRENT,
        argocd="Healthy",
    ),
    Case(
        reason="completed",
        status=status_of(UNSEEN, RUNNING, COMPLETED),
        flux=Status.CURRENT,
        argocd="Healthy",
    ),
    *[
        Case(
            reason=f"somebody has to act: {reason}",
            status=status_of(UNSEEN, verdict(State.STALLED, reason)),
            flux=Status.FAILED,
            argocd="Degraded",
        )
        for reason in (
            Reason.INVALID_SPEC,
            Reason.NOT_ALLOWED,
            Reason.ACCESS_DENIED,
            Reason.NAME_CONFLICT,
            Reason.QUOTA_EXCEEDED,
        )
    ],
    *[
        Case(
            reason=f"ended without a model: {reason}",
            status=status_of(UNSEEN, RUNNING, verdict(State.FAILED, reason)),
            flux=Status.FAILED,
            argocd="Degraded",
        )
        for reason in (Reason.JOB_FAILED, Reason.JOB_STOPPED)
    ],
    Case(
        reason="an invalid manifest was corrected: the old Stalled does not count any more",
        status=status_of(UNSEEN, INVALID),
        generation=2,
        flux=Status.IN_PROGRESS,
        argocd="Progressing",
    ),
    Case(
        reason="an edit that was looked at and changed nothing, such as a tag",
        status=status_of(UNSEEN, RUNNING, COMPLETED, observed=2),
        generation=2,
        flux=Status.CURRENT,
        argocd="Healthy",
    ),
    Case(
        reason="complete, but its changed tags were refused",
        status=status_of(UNSEEN, COMPLETED, tags_refused="AddTags: not authorized"),
        flux=Status.CURRENT,
        argocd="Healthy",
    ),
    Case(
        reason="no status yet: kstatus can't know, which is why the operator writes one at once",
        status=None,
        flux=Status.CURRENT,
        argocd="Progressing",
    ),
    Case(
        reason="deleted while running",
        status=status_of(UNSEEN, RUNNING),
        metadata=DELETED,
        flux=Status.TERMINATING,
        argocd="Progressing",
    ),
    Case(
        reason="deleted after it failed",
        status=status_of(UNSEEN, FAILED),
        metadata=DELETED,
        flux=Status.TERMINATING,
        argocd="Progressing",
    ),
]


def argocd_health(obj: Mapping[str, Any], *, script: str = SCRIPT) -> dict[str, Any]:
    """Run the script as Argo CD does: Lua 5.1 with `obj` set, and none of the libraries it leaves out."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    for library in ("string", "io", "os", "package", "debug", "require", "dofile", "loadfile"):
        lua.globals()[library] = None
    lua.globals()["obj"] = lua.table_from(obj, recursive=True)
    return dict(lua.execute(script))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_flux_reads_the_state(case: Case) -> None:
    assert kstatus.compute(case.obj) == case.flux


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_argocd_reads_the_state(case: Case) -> None:
    assert argocd_health(case.obj)["status"] == case.argocd


def test_argocd_shows_what_the_operator_says() -> None:
    health = argocd_health({"metadata": {"generation": 1}, "status": status_of(UNSEEN, INVALID)})

    assert health["message"] == "It is InvalidSpec."


def test_every_state_is_covered() -> None:
    seen = {shape(case.status) for case in CASES if case.status is not None}

    assert {shape(status_of(verdict(state, Reason.ACCEPTED))) for state in State} <= seen


def shape(status: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((condition["type"], condition["status"]) for condition in status["conditions"])


def test_reconciling_and_stalled_are_never_true_together() -> None:
    for state in State:
        shown = shape(status_of(UNSEEN, verdict(state, Reason.REJECTED)))
        assert not {("Reconciling", "True"), ("Stalled", "True")} <= shown, state


def test_an_observed_generation_that_is_not_a_number_is_an_error_to_kstatus() -> None:
    with pytest.raises(TypeError, match="not an integer"):
        kstatus.compute({"metadata": {"generation": 1}, "status": {"observedGeneration": "1"}})


def test_the_configmap_carries_the_script_for_every_namespaced_kind() -> None:
    data = yaml.safe_load((ROOT / "docs" / "argocd" / "argocd-cm.yaml").read_text())["data"]
    crds = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    kinds = [crd["spec"]["names"]["kind"] for crd in crds if crd["spec"]["scope"] == "Namespaced"]

    assert data == {f"resource.customizations.health.sagebridge.io_{kind}": SCRIPT for kind in kinds}


def test_every_reason_is_explained() -> None:
    page = (ROOT / "docs" / "conditions.md").read_text()

    assert [reason.value for reason in Reason if f"| `{reason}` |" not in page] == []


def test_the_page_has_a_row_for_every_state() -> None:
    page = (ROOT / "docs" / "conditions.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    columns = ("Ready", "Reconciling", "Stalled", "Complete", "Failed")
    for state in State:
        held = dict(shape(status_of(verdict(state, Reason.ACCEPTED))))
        wanted = [held.get(column, "–") for column in columns]
        assert wanted in [row[1:6] for row in rows], state
