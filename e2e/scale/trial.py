"""One run: nodes, operator, jobs, and what became of them."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import OperatorProcess, Simulator

from scale import requests
from scale.api import Api, Row, connected
from scale.fast import FastControlPlane
from scale.fleet import Node
from scale.idleness import Idleness, Pair, Scheduler, idle
from scale.kubelets import Kubelets
from scale.ledger import Ledger, has_ended
from scale.workload import NAMESPACE, Job

USER = "sagebridge-operator"
JOBS = f"/apis/sagebridge.io/v1alpha1/namespaces/{NAMESPACE}/trainingjobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
RUNS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
_FLOW = "flowcontrol.apiserver.k8s.io"
_BETWEEN_LOOKS = 1.0
_NEWS_WITHIN = 5.0
_LOOKS_WITHOUT_NEWS = 300
_ENDED = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run measured; seconds, requests and megabytes, from the first apply to the last status."""

    nodes: int
    jobs: int
    pods: int
    all_created_after: float
    all_placed_after: float
    all_ended_after: float
    most_waiting: int
    scheduler_rounds: int
    operator_cpu_seconds: float
    operator_peak_rss_mb: float
    operator_rss_before_mb: float
    operator_requests: int
    operator_requests_per_job: float
    cpu_seconds: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was seen.

    Attributes:
        report: the figures.
        jobs: what was applied.
        looks_with_waiting: how many looks at the cluster found pods that waited for a node.
        wrong: placements that should not be, in words.
        idle: nodes that stayed idle for too long, with the sort that would have fitted.
        statuses: ``trainingJobStatus`` by TrainingJob.
        runs: the Kubernetes Jobs.
        pods: the pods that are there in the end.
        sagemaker_calls: calls that were to make or change something at SageMaker.
        ledger: every pod.
    """

    report: Report
    jobs: Sequence[Job]
    looks_with_waiting: int
    wrong: Sequence[str]
    idle: Sequence[Pair]
    statuses: Mapping[str, Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    pods: Sequence[Mapping[str, Any]]
    sagemaker_calls: Mapping[str, int]
    ledger: Ledger


class Trial:
    """Everything is up; `run` applies the jobs and waits for their end."""

    def __init__(self, *, api: Api, control_plane: FastControlPlane, processes: Mapping[str, psutil.Process]) -> None:
        self._api = api
        self._control_plane = control_plane
        self._processes = processes
        self._created: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._news = 0
        self._version = 0
        self._has_news = asyncio.Event()
        self._placed_at = 0.0
        self._most_waiting = 0

    async def run(self, nodes: Sequence[Node], jobs: Sequence[Job], simulator: Simulator) -> Outcome:
        """Apply, follow, and look again and again until every job has ended."""
        ledger, idleness = Ledger(nodes, jobs), Idleness()
        before = self._cpu_seconds()
        rss_before = self._processes["operator"].memory_info().rss / 1e6
        requests_before = await self._requests()
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            following = [
                group.create_task(self._follow_pods(ledger, jobs)),
                group.create_task(self._follow_jobs()),
            ]
            await self._api.make_all(JOBS, (job.manifest() for job in jobs))
            too_long = await self._until_ended(ledger, idleness, jobs, started=started)
            for task in following:
                task.cancel()
        after = self._cpu_seconds()
        asked = await self._requests() - requests_before
        cpu = {name: round(after[name] - before[name], 1) for name in after}
        report = Report(
            nodes=len(nodes),
            jobs=len(jobs),
            pods=sum(job.size for job in jobs),
            all_created_after=round(max(self._created.values()) - started, 1),
            all_placed_after=round(self._placed_at - started, 1),
            all_ended_after=round(max(self._ended.values()) - started, 1),
            most_waiting=self._most_waiting,
            scheduler_rounds=idleness.rounds,
            operator_cpu_seconds=cpu["operator"],
            operator_peak_rss_mb=round(_peak_memory(self._processes["operator"]), 1),
            operator_rss_before_mb=round(rss_before, 1),
            operator_requests=asked,
            operator_requests_per_job=round(asked / len(jobs), 2),
            cpu_seconds=cpu,
        )
        return Outcome(
            report=report,
            jobs=jobs,
            looks_with_waiting=idleness.looks,
            wrong=ledger.wrong,
            idle=too_long,
            statuses={item["metadata"]["name"]: item.get("status") or {} async for item in self._api.items(JOBS)},
            runs=[item async for item in self._api.items(RUNS)],
            pods=[_brief(item) async for item in self._api.items(PODS)],
            sagemaker_calls=_changing(simulator),
            ledger=ledger,
        )

    async def _follow_pods(self, ledger: Ledger, jobs: Sequence[Job]) -> None:
        async for news in self._api.follow(PODS):
            placed = ledger.placed
            for row in news.rows:
                await self._learn(ledger, row)
            _take_all(ledger, news.rows)
            self._news, self._version = self._news + 1, news.version
            self._has_news.set()
            self._most_waiting = max(self._most_waiting, ledger.waiting_count)
            self._placed_at = time.monotonic() if ledger.placed > placed else self._placed_at

    async def _learn(self, ledger: Ledger, row: Row) -> None:
        """What pods of a sort ask for, from the first of its Jobs."""
        name, job = ledger.job_of(row.cells["Name"])
        if job.sort.name not in ledger.requests:
            run = await self._api.get(f"{RUNS}/{name}")
            ledger.requests[job.sort.name] = requests.of_pod(run["spec"]["template"]["spec"])

    async def _follow_jobs(self) -> None:
        async for news in self._api.follow(JOBS):
            self._news += 1
            for row in news.rows:
                name, status = row.cells["Name"], row.cells["SECONDARY"]
                if status:
                    self._created.setdefault(name, time.monotonic())
                if status in _ENDED:
                    self._ended.setdefault(name, time.monotonic())

    async def _until_ended(
        self, ledger: Ledger, idleness: Idleness, jobs: Sequence[Job], *, started: float
    ) -> list[Pair]:
        too_long: set[Pair] = set()
        quiet, known = 0, 0
        while len(self._ended) < len(jobs):
            await asyncio.sleep(_BETWEEN_LOOKS)
            suspected = idleness.look(ledger, await self._scheduler(), seconds=time.monotonic())
            too_long.update(await self._confirmed(suspected, ledger, jobs))
            assert _runs(self._processes["operator"]), "the operator has ended; see its log"
            quiet, known = (0 if self._news > known else quiet + 1), self._news
            assert quiet < _LOOKS_WITHOUT_NEWS, f"nothing happens; {len(jobs) - len(self._ended)} jobs have not ended"
            if int(time.monotonic() - started) % 5 == 0:
                self._say(ledger, len(jobs), seconds=time.monotonic() - started)
        return sorted(too_long)

    async def _confirmed(self, suspected: Sequence[Pair], ledger: Ledger, jobs: Sequence[Job]) -> set[Pair]:
        """What is still so when all is known that was there at the time of the look: the news may be late."""
        if not suspected:
            return set()
        if await self._have_heard(await self._api.version(PODS)):
            return set(suspected) & set(idle(ledger))
        fresh = Ledger(list(ledger.nodes.values()), jobs)
        fresh.requests = ledger.requests
        _take_all(fresh, await self._api.rows(PODS))
        return set(suspected) & set(idle(fresh))

    async def _have_heard(self, version: int) -> bool:
        """Whether the pods' news get as far as this soon; where nothing happens to pods, that can't be told."""
        try:
            async with asyncio.timeout(_NEWS_WITHIN):
                while self._version < version:
                    self._has_news.clear()
                    await self._has_news.wait()
        except TimeoutError:
            return False
        return True

    async def _scheduler(self) -> Scheduler:
        text = await self._api.text(f"{self._control_plane.scheduler_url}/metrics")
        return Scheduler(
            attempts=int(_sum(text, "scheduler_schedule_attempts_total")),
            queued=int(_sum(text, "scheduler_pending_pods", labels='queue="(?:active|backoff)"')),
            known=int(_sum(text, "scheduler_pending_pods")),
            held=int(_sum(text, "scheduler_cache_size", labels='type="pods"')),
        )

    async def _requests(self) -> int:
        text = await self._api.text(f"{self._control_plane.url}/metrics")
        return int(_sum(text, "apiserver_flowcontrol_dispatched_requests_total", labels=f'flow_schema="{USER}"'))

    def _cpu_seconds(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        own = time.process_time()
        return {**{name: each.user + each.system for name, each in times.items()}, "test": own}

    def _say(self, ledger: Ledger, jobs: int, *, seconds: float) -> None:
        line = (
            f"{seconds:5.0f} s  jobs made {len(self._created)}, ended {len(self._ended)} of {jobs}; "
            f"pods placed {ledger.placed}, waiting {ledger.waiting_count}"
        )
        print(line, file=sys.stderr, flush=True)


def run(directory: Path, *, nodes: Sequence[Node], jobs: Sequence[Job]) -> Outcome:
    """Start everything, run, end everything."""
    with (
        FastControlPlane.start(directory / "cluster", crds=crds_directory()) as control_plane,
        Simulator.start(directory / "sagemaker", arguments=["--lifecycle-only"]) as simulator,
    ):
        return asyncio.run(_run(directory, control_plane, simulator, nodes, jobs))


async def _run(
    directory: Path,
    control_plane: FastControlPlane,
    simulator: Simulator,
    nodes: Sequence[Node],
    jobs: Sequence[Job],
) -> Outcome:
    async with connected(control_plane) as api:
        await _prepare(api)
        with _kubelets(directory / "kwok", control_plane) as kubelets:
            await api.make_all("/api/v1/nodes", (node.manifest() for node in nodes))
            with _operator(directory / "operator", control_plane, simulator) as operator:
                names = {"operator": operator.process, "kwok": kubelets.process}
                names |= control_plane.supervisor.state.records
                processes = {name: psutil.Process(found.pid) for name, found in names.items() if found}
                trial = Trial(api=api, control_plane=control_plane, processes=processes)
                return await trial.run(nodes, jobs, simulator)


async def _prepare(api: Api) -> None:
    """The jobs' namespace; and the operator's user, whose requests the API server counts apart from all others."""
    await api.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    subject = {"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"}
    await api.make(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": USER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [subject],
        },
    )
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    await api.make(
        f"/apis/{_FLOW}/v1/flowschemas",
        {
            "metadata": {"name": USER},
            "spec": {
                "priorityLevelConfiguration": {"name": "workload-high"},
                "matchingPrecedence": 500,
                "distinguisherMethod": {"type": "ByUser"},
                "rules": [
                    {
                        "subjects": [{"kind": "User", "user": {"name": USER}}],
                        "resourceRules": [everything],
                        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                    }
                ],
            },
        },
    )


@contextmanager
def _kubelets(directory: Path, control_plane: FastControlPlane) -> Iterator[Kubelets]:
    directory.mkdir(parents=True, exist_ok=True)
    kubelets = Kubelets(directory, control_plane)
    kubelets.start()
    try:
        yield kubelets
    finally:
        kubelets.stop()


@contextmanager
def _operator(directory: Path, control_plane: FastControlPlane, simulator: Simulator) -> Iterator[OperatorProcess]:
    operator = OperatorProcess.start(
        directory,
        kubeconfig=control_plane.kubeconfig_for(USER),
        endpoint_url=simulator.url,
        environment={
            "SAGEBRIDGE_AGENT_IMAGE": "registry.invalid/sagebridge:scale",
            "SAGEBRIDGE_LOG_LEVEL": "WARNING",
            # An operator that an overloaded API server lets lose its Lease ends, and here nobody starts it again.
            "SAGEBRIDGE_LEASE_DURATION_SECONDS": "120",
        },
    )
    try:
        yield operator
    finally:
        operator.stop()


def _take_all(ledger: Ledger, rows: Sequence[Row]) -> None:
    """What has ended first: of things that are told together, nobody knows which came before which."""
    changes = [(row.kind, {key: row.cells.get(key, "") for key in ("Name", "Status", "Node")}) for row in rows]
    for kind, cells in sorted(changes, key=lambda one: not has_ended(one[0], one[1]["Status"])):
        ledger.take(kind, name=cells["Name"], status=cells["Status"], node=cells["Node"])


def _sum(text: str, metric: str, *, labels: str = "") -> float:
    lines = re.findall(rf"^{metric}\{{([^}}]*)\}} (\S+)$", text, flags=re.MULTILINE)
    return sum(float(value) for found, value in lines if re.search(labels, found))


def _brief(pod: Mapping[str, Any]) -> dict[str, Any]:
    status = pod["status"]
    return {"name": pod["metadata"]["name"], "node": pod["spec"].get("nodeName", ""), "phase": status["phase"]}


def _peak_memory(process: psutil.Process) -> float:
    """Megabytes, as the kernel has seen it at most."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), flags=re.MULTILINE)
        if found:
            return int(found[1]) * 1024 / 1e6
    return float(process.memory_info().rss) / 1e6


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _changing(simulator: Simulator) -> dict[str, int]:
    calls = simulator.admin("GET", "calls")["operations"]
    counts = Counter({name: sum(outcomes.values()) for name, outcomes in calls.items()})
    return {name: count for name, count in counts.items() if not name.startswith(("List", "Describe", "Get", "Head"))}
