"""One run of a pipeline: what depends on what, conditions, loops, exit tasks, retries and the cache."""

from __future__ import annotations

import itertools
import secrets
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from support.kfp_runner import known, launcher
from support.kfp_runner.cache import Cache, fingerprint
from support.kfp_runner.conditions import holds
from support.kfp_runner.inputs import Facts, Inputs, Scope, items_of, of_iteration, of_root, of_task
from support.kfp_runner.ir import Compiled, Spec
from support.kfp_runner.place import Place
from support.kfp_runner.pods import Pod
from support.kfp_runner.records import Finished, Outputs, State, TaskRecord
from support.kfp_runner.values import RefusedError

Execute = Callable[..., int]
_EXITS: Final = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Where a task is.

    Attributes:
        task: its specification.
        name: its name in its DAG.
        path: its path in the run.
        node: its node in the Workflow.
        dag_id: the execution of its DAG.
    """

    task: Spec
    name: str
    path: str
    node: str
    dag_id: str


class Run:
    """A run of a pipeline.

    Args:
        compiled: the pipeline.
        place: where it is run.
        arguments: the pipeline's parameters.
        cache: what earlier runs have left; None for a cache of its own.
        run_id: the run's id, by default a new one.
        watch: told of each pod as soon as it runs, in a thread of the task's.
        execute: runs a pod: `Pod.run`, or what stands for it.

    Raises:
        NotImplementedError: the pipeline has what this runner does not know.
    """

    def __init__(
        self,
        compiled: Compiled,
        *,
        place: Place,
        arguments: Mapping[str, Any] | None = None,
        cache: Cache | None = None,
        run_id: str = "",
        watch: Callable[[Pod], None] = lambda pod: None,
        execute: Execute = Pod.run,
    ) -> None:
        known.check(compiled)
        self.id = run_id or str(uuid.uuid4())
        self._compiled = compiled
        self._place = place
        self._arguments = arguments or {}
        self._cache = cache or Cache()
        self._watch = watch
        self._execute = execute
        self._workflow = f"{compiled.name}-{secrets.token_hex(3)[:5]}"
        self._root = f"{place.root}/{compiled.name}/{self.id}"
        self._records: dict[str, TaskRecord] = {}
        self._pods: list[Pod] = []
        self._is_terminated = threading.Event()
        self._dags = itertools.count(1)

    def run(self) -> Finished:
        """Run it to its end.

        Raises:
            RefusedError: the arguments are not what the pipeline takes.
        """
        inputs = of_root(self._compiled.root, self._arguments)
        state, _ = self._dag(self._compiled.root, inputs, path="", node=f"{self._workflow}.root")
        return Finished(state=state, tasks=self._records)

    def terminate(self) -> None:
        """What terminating a run does: no pod is made any more, and each that runs gets a SIGTERM.

        Exit tasks go on, and begin where what they wait for has begun: Argo bears them after a Workflow's deadline,
        which is how Kubeflow Pipelines terminates.
        https://github.com/argoproj/argo-workflows/blob/main/workflow/controller/workflowpod.go (onExitPod)
        """
        self._is_terminated.set()
        for pod in list(self._pods):
            pod.signal(signal.SIGTERM)

    def _dag(self, component: Spec, inputs: Inputs, *, path: str, node: str) -> tuple[State, Outputs]:
        tasks = component["dag"]["tasks"]
        dag_id = str(next(self._dags))
        ended: dict[str, Future[TaskRecord]] = {}
        with ThreadPoolExecutor(max_workers=len(tasks)) as pool:
            for name in _in_order(tasks):
                is_exit = _is_exit(tasks[name])
                # An exit task is a hook of the task that it waits for.
                own = f"{node}.{tasks[name]['dependentTasks'][0]}.onExit.{name}" if is_exit else f"{node}.{name}"
                spot = Spot(task=tasks[name], name=name, path=f"{path}{name}", node=own, dag_id=dag_id)
                ended[name] = pool.submit(self._task, spot, inputs, dict(ended))
        records = {name: future.result() for name, future in ended.items()}
        if self._is_terminated.is_set() or any(record.state is State.FAILED for record in records.values()):
            return State.FAILED, Outputs()
        return State.SUCCEEDED, _outputs_of_dag(component, records)

    def _task(self, spot: Spot, inputs: Inputs, earlier: Mapping[str, Future[TaskRecord]]) -> TaskRecord:
        before = {name: earlier[name].result() for name in spot.task.get("dependentTasks", ())}
        if self._has_to_end(spot) or not _may_begin(spot.task, before):
            record = TaskRecord(path=spot.path, state=State.OMITTED, has_begun=False)
        else:
            outputs = {name: one.outputs for name, one in before.items() if one.state.is_well}
            try:
                record = self._begin(spot, Scope(inputs=inputs, outputs=outputs))
            except RefusedError as error:
                record = TaskRecord(path=spot.path, state=State.FAILED, error=str(error), has_begun=False)
        self._records[spot.path] = record
        return record

    def _begin(self, spot: Spot, scope: Scope) -> TaskRecord:
        component = self._compiled.components[spot.task["componentRef"]["name"]]
        inputs = of_task(spot.task, component, scope, self._facts(spot))
        condition = spot.task.get("triggerPolicy", {}).get("condition")
        if condition and not holds(condition, inputs.parameters):
            return TaskRecord(path=spot.path, state=State.SKIPPED, has_begun=False)
        if "parameterIterator" in spot.task:
            return self._loop(spot, component, inputs)
        if "dag" in component:
            state, outputs = self._dag(component, inputs, path=f"{spot.path}/", node=spot.node)
            return TaskRecord(path=spot.path, state=state, outputs=outputs)
        return self._container(spot, component, inputs)

    def _loop(self, spot: Spot, component: Spec, inputs: Inputs) -> TaskRecord:
        items = items_of(spot.task, inputs)
        most = int(spot.task.get("iteratorPolicy", {}).get("parallelismLimit", 0)) or len(items) or 1
        with ThreadPoolExecutor(max_workers=most) as pool:
            states = list(
                pool.map(
                    lambda number: self._iteration(spot, component, inputs, number=number, item=items[number]),
                    range(len(items)),
                )
            )
        state = State.FAILED if State.FAILED in states else State.SUCCEEDED
        return TaskRecord(path=spot.path, state=state)

    def _iteration(self, spot: Spot, component: Spec, inputs: Inputs, *, number: int, item: Any) -> State:
        found = of_iteration(spot.task, component, inputs, item)
        node = f"{spot.node}.iteration-iterations({number}:{number}).iteration-item"
        state, _ = self._dag(component, found, path=f"{spot.path}[{number}]/", node=node)
        return state

    def _container(self, spot: Spot, component: Spec, inputs: Inputs) -> TaskRecord:
        key = ""
        if spot.task.get("cachingOptions", {}).get("enableCache"):
            key = fingerprint(component, self._compiled.container(component), inputs)
            if found := self._cache.get(self._compiled.name, key):
                return TaskRecord(path=spot.path, state=State.CACHED, outputs=found)
        record = self._attempts(spot, component, inputs)
        if key and record.state is State.SUCCEEDED:
            self._cache.keep(self._compiled.name, key, record.outputs)
        return record

    def _attempts(self, spot: Spot, component: Spec, inputs: Inputs) -> TaskRecord:
        """A task's pods, one after the other; its driver has run once for all of them."""
        retries = int(spot.task.get("retryPolicy", {}).get("maxRetryCount", 0))
        task_root = launcher.task_root(self._root, spot.name)
        logs, error = [], ""
        for number in range(retries + 1):
            if self._has_to_end(spot) or (number and self._is_terminated.is_set()):
                break
            pod = Pod.of(
                spot.path,
                node=f"{spot.node}.executor",
                number=number,
                retries=retries,
                run_id=self.id,
                place=self._place,
            )
            logs.append(pod.log)
            try:
                outputs = self._attempt(spot, pod, component, inputs, task_root=task_root)
            except RefusedError as refused:
                error = str(refused)
            else:
                return TaskRecord(path=spot.path, state=State.SUCCEEDED, outputs=outputs, logs=logs)
        return TaskRecord(path=spot.path, state=State.FAILED, logs=logs, error=error)

    def _attempt(self, spot: Spot, pod: Pod, component: Spec, inputs: Inputs, *, task_root: str) -> Outputs:
        place, container = self._place, self._compiled.container(component)
        told = launcher.executor_input(
            component, inputs, task_root=task_root, place=place, temporary=pod.directory, number=pod.number
        )
        launcher.prepare(told, place)
        if not _is_exit(spot.task):
            self._pods.append(pod)
        status = self._execute(
            pod,
            launcher.command(container, told, place),
            pod.environment(container, self._compiled.platform_of(component), place),
            started=lambda pod: self._started(spot, pod),
        )
        launcher.keep_log(told, pod.log, place)
        if status != 0:
            raise RefusedError(f"exit status {status}")
        outputs = launcher.collect(component, told, run_root=self._root)
        launcher.upload(outputs, place)
        return outputs

    def _started(self, spot: Spot, pod: Pod) -> None:
        if self._has_to_end(spot):
            pod.signal(signal.SIGTERM)
        self._watch(pod)

    def _has_to_end(self, spot: Spot) -> bool:
        return self._is_terminated.is_set() and not _is_exit(spot.task)

    def _facts(self, spot: Spot) -> Facts:
        return Facts(
            run_id=self.id,
            run_name=self._workflow,
            display_name=f"{self._compiled.name} run",
            dag_id=spot.dag_id,
            task=spot.name,
        )


def _in_order(tasks: Mapping[str, Spec]) -> Iterator[str]:
    """The tasks, each after those that it depends on."""
    left = dict(tasks)
    while left:
        ready = [name for name, task in left.items() if not left.keys() & set(task.get("dependentTasks", ()))]
        if not ready:
            raise RefusedError(f"{', '.join(sorted(left))} depend on each other")
        for name in ready:
            yield name
            del left[name]


def _is_exit(task: Spec) -> bool:
    return task.get("triggerPolicy", {}).get("strategy") == _EXITS


def _may_begin(task: Spec, before: Mapping[str, TaskRecord]) -> bool:
    if _is_exit(task):
        return all(record.has_begun for record in before.values())
    return all(record.state.is_well for record in before.values())


def _outputs_of_dag(component: Spec, records: Mapping[str, TaskRecord]) -> Outputs:
    wanted = component["dag"].get("outputs", {})
    parameters = {}
    for name, selector in wanted.get("parameters", {}).items():
        source = selector["valueFromParameter"]
        parameters[name] = records[source["producerSubtask"]].outputs.parameters[source["outputParameterKey"]]
    artifacts = {}
    for name, selector in wanted.get("artifacts", {}).items():
        [source] = selector["artifactSelectors"]
        artifacts[name] = records[source["producerSubtask"]].outputs.artifacts[source["outputArtifactKey"]]
    return Outputs(parameters=parameters, artifacts=artifacts)
