"""Going back to a version whose model was a job's, once another version has served."""

from __future__ import annotations

from typing import Any

from support.endpoints import spec
from support.served_endpoints import EndpointBench, ready

from tests.unit.endpoint.specs import IMAGE

BY_REFERENCE = spec() | {"models": [{"name": "m", "modelRef": {"kind": "TrainingJob", "name": "digits"}}]}


def train(bench: EndpointBench, number: int, *, is_complete: bool = True) -> None:
    """Have a TrainingJob that is Complete, or runs."""
    status: dict[str, Any] = {
        "conditions": [{"type": "Complete", "status": "True"}],
        "modelArtifacts": {"s3ModelArtifacts": f"s3://models/{number}.tar.gz"},
        "region": "us-east-1",
        "image": IMAGE,
    }
    status = status if is_complete else {}
    metadata = {"name": "digits", "namespace": "team-a", "uid": f"job-{number}", "resourceVersion": str(number)}
    given = {"algorithmSpecification": {"trainingImage": IMAGE}}
    bench.store.put("TrainingJob", {"metadata": metadata, "spec": given, "status": status})


async def served_and_left(bench: EndpointBench) -> None:
    train(bench, 1)
    await bench.serve(bench.put(spec=BY_REFERENCE))
    await bench.serve(bench.put(spec=spec(data="other"), metadata={"generation": 2}))


def artifact(memory: Any) -> str:
    [container] = memory.job.status["servedModels"][0]["containers"]
    return str(container["modelDataUrl"])


async def test_it_makes_nothing_anew(bench: EndpointBench) -> None:
    await served_and_left(bench)
    scores = bench.put(spec=BY_REFERENCE, metadata={"generation": 3})
    await bench.serve(scores)
    assert artifact(scores) == "s3://models/1.tar.gz"
    models = (await bench.ask("ListModels"))["Models"]
    assert len(models) == 2


async def test_it_waits_for_a_job_that_is_gone_and_serves_on(bench: EndpointBench) -> None:
    """A job of that name may be about to come, and its model would be another."""
    await served_and_left(bench)
    bench.store.remove("job-1")
    scores = bench.put(spec=BY_REFERENCE, metadata={"generation": 3})
    await bench.reconcile(scores)
    assert ready(scores)["reason"] == "WaitingForReference"
    assert set((await bench.endpoints()).values()) == {"InService"}


async def test_it_waits_for_a_job_that_runs_and_serves_on(bench: EndpointBench) -> None:
    await served_and_left(bench)
    bench.store.remove("job-1")
    train(bench, 2, is_complete=False)
    scores = bench.put(spec=BY_REFERENCE, metadata={"generation": 3})
    await bench.reconcile(scores)
    assert (ready(scores)["reason"], ready(scores)["status"]) == ("ReferenceNotReady", "False")
    assert ready(scores)["message"] == "spec.models[0].modelRef: waiting for TrainingJob digits to be Ready."
    assert set((await bench.endpoints()).values()) == {"InService"}


async def test_a_job_that_was_made_anew_gives_its_own_model(bench: EndpointBench) -> None:
    await served_and_left(bench)
    bench.store.remove("job-1")
    train(bench, 2)
    scores = bench.put(spec=BY_REFERENCE, metadata={"generation": 3})
    await bench.serve(scores)
    assert artifact(scores) == "s3://models/2.tar.gz"
