"""`sagebridge release-finalizers`: takes the operator's finalizer off every object, before the operator goes for good.

The chart's pre-delete hook runs it as `python -m sagebridge.cli.release` (docs/decisions/uninstall.md).
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import kopf
import typer

from sagebridge.core.job import FINALIZER, Attempt, Place
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError
from sagebridge.kube.login import LoginError, log_in
from sagebridge.kube.paths import GROUP, VERSION, Resource, custom

_AT_ONCE = 16
_LEFT = {Place.SAGEMAKER: ", and cost, at AWS", Place.CLUSTER: " in this cluster"}
_PODS = Resource(group="", version="v1", plural="pods")
_DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments")

Say = Callable[[str], None]

app = typer.Typer(add_completion=False)


class StillRunningError(Exception):
    """The operator's pods did not go away in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """The installation to stop first, since an operator that runs puts its finalizer back.

    Attributes:
        namespace: where it is installed.
        deployment: name of its Deployment.
        selector: label selector of its pods.
    """

    namespace: str
    deployment: str
    selector: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """An object without our finalizer.

    Attributes:
        name: kind, namespace and name, for people.
        open_attempts: attempts that nobody has seen end.
        place: where those run.
    """

    name: str
    place: Place
    open_attempts: tuple[Attempt, ...]


async def stop_operator(
    client: KubeClient,
    operator: Operator,
    *,
    timeout: float = 120.0,  # noqa: ASYNC109
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Scale the operator to zero and wait until its pods have ended; one that isn't there is fine.

    Args:
        client: connection to the API server.
        operator: what to stop.
        timeout: seconds to wait for the pods.
        clock: monotonic seconds.
        sleep: waits for seconds.

    Raises:
        StillRunningError: pods are left after `timeout`.
        KubeError: the API server does not let us.
    """
    scale = _DEPLOYMENTS.item(namespace=operator.namespace, name=operator.deployment) + "/scale"
    try:
        await client.patch(scale, {"spec": {"replicas": 0}})
    except NotFoundError:
        return
    deadline = clock() + timeout
    while await _has_pods(client, operator):
        if clock() >= deadline:
            raise StillRunningError(
                f"Pods of {operator.namespace}/{operator.deployment} still run after {timeout:.0f} s; "
                "delete them and run this again."
            )
        await sleep(1.0)


async def release_all(client: KubeClient, *, namespaces: Sequence[str] = ()) -> AsyncIterator[Released]:
    """Take our finalizer, and no other, off every object of every kind in our group.

    Args:
        client: connection to the API server.
        namespaces: where to look; everywhere if empty.

    Yields:
        Every object that had it.
    """
    for kind, plural in await _kinds(client):
        for namespace in namespaces or (None,):
            for batch in _batches(await _ours(client, custom(plural).collection(namespace))):
                await asyncio.gather(*(_release(client, custom(plural), obj) for obj in batch))
                for obj in batch:
                    yield _released(kind, obj)


async def _has_pods(client: KubeClient, operator: Operator) -> bool:
    path = f"{_PODS.collection(operator.namespace)}?labelSelector={quote(operator.selector)}"
    phases = [pod.get("status", {}).get("phase") async for pod in client.list(path)]
    return any(phase not in ("Succeeded", "Failed") for phase in phases)


async def _kinds(client: KubeClient) -> list[tuple[str, str]]:
    try:
        found = await client.get(f"/apis/{GROUP}/{VERSION}")
    except NotFoundError:
        return []
    return [
        (resource["kind"], resource["name"])
        for resource in found["resources"]
        if resource["namespaced"] and "/" not in resource["name"]
    ]


async def _ours(client: KubeClient, path: str) -> list[dict[str, Any]]:
    try:
        return [obj async for obj in client.list(path) if _has_ours(obj)]
    except NotFoundError:  # its CRD has just been deleted, and discovery did not know it yet
        return []


def _has_ours(obj: Mapping[str, Any]) -> bool:
    return FINALIZER in obj["metadata"].get("finalizers", ())


def _batches(objects: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    return [objects[start : start + _AT_ONCE] for start in range(0, len(objects), _AT_ONCE)]


async def _release(client: KubeClient, resource: Resource, obj: Mapping[str, Any]) -> None:
    path = resource.item(namespace=obj["metadata"]["namespace"], name=obj["metadata"]["name"])
    current = obj
    while _has_ours(current):
        rest = [finalizer for finalizer in current["metadata"]["finalizers"] if finalizer != FINALIZER]
        version = current["metadata"]["resourceVersion"]
        try:
            await client.patch(path, {"metadata": {"finalizers": rest or None, "resourceVersion": version}})
        except NotFoundError:
            return
        except ConflictError:
            current = await client.get(path)
        else:
            return


def _released(kind: str, obj: Mapping[str, Any]) -> Released:
    attempts = [Attempt.parse(entry) for entry in obj.get("status", {}).get("attempts", ())]
    return Released(
        place=Place(obj.get("spec", {}).get("target") or Place.SAGEMAKER),
        name=f"{kind} {obj['metadata']['namespace']}/{obj['metadata']['name']}",
        open_attempts=tuple(attempt for attempt in attempts if not attempt.is_closed),
    )


def describe(released: Released) -> str:
    """What is left of one object."""
    if not released.open_attempts:
        return f"{released.name}: released."
    jobs = ", ".join(attempt.arn or f"{attempt.name} in {attempt.region}" for attempt in released.open_attempts)
    where = "ON THE CLUSTER" if released.place is Place.CLUSTER else "AT AWS"
    return f"{released.name}: released. STILL {where}, nobody has seen it end: {jobs}"


def summary(released: Sequence[Released]) -> str:
    """What is left of all objects together, in one line."""
    running = Counter(one.place for one in released if one.open_attempts)
    if not running:
        return f"{len(released)} objects released. None of them has a job that may still run."
    left = [
        f"{running[place]} of them have jobs that may run on{where}" for place, where in _LEFT.items() if running[place]
    ]
    return f"{len(released)} objects released. {'; '.join(left)}; see above."


async def run(*, operator: Operator | None, namespaces: Sequence[str], say: Say) -> None:
    """Stop the operator if one is given, release all objects, and say what is left.

    Raises:
        LoginError: no way to the API server.
        StillRunningError: the operator does not stop.
        KubeError: the API server refuses or fails.
    """
    client = KubeClient(login=functools.partial(log_in, settings=kopf.OperatorSettings()))
    try:
        if operator is not None:
            await stop_operator(client, operator)
            say(f"The operator {operator.namespace}/{operator.deployment} is stopped.")
        released = []
        async for one in release_all(client, namespaces=namespaces):
            say(describe(one))
            released.append(one)
        say(summary(released))
    finally:
        await client.close()


@app.command("release-finalizers")
def release_finalizers(
    *,
    namespace: Annotated[
        list[str] | None, typer.Option(help="Only in this namespace; may be repeated. Default: everywhere.")
    ] = None,
    operator_namespace: Annotated[str, typer.Option(help="Namespace of the operator, to stop it first.")] = "",
    operator_deployment: Annotated[str, typer.Option(help="Name of the operator's Deployment.")] = "sagebridge",
    operator_selector: Annotated[
        str, typer.Option(help="Label selector of the operator's pods.")
    ] = "app.kubernetes.io/name=sagebridge",
) -> None:
    """Remove the operator's finalizer from every object, so that nothing hangs in deletion once the operator is gone.

    Nothing at AWS or in the cluster is stopped; jobs that may still run are listed. Stop the operator first, or name it
    with --operator-namespace: one that runs puts its finalizer back.
    """
    operator = (
        Operator(namespace=operator_namespace, deployment=operator_deployment, selector=operator_selector)
        if operator_namespace
        else None
    )
    try:
        asyncio.run(run(operator=operator, namespaces=namespace or (), say=typer.echo))
    except (LoginError, StillRunningError, KubeError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
