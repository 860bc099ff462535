"""What the containers of an Endpoint get by `environmentFrom`, on SageMaker and on the cluster."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.cluster.job import ClusterSettings
from sagebridge.core.cluster.serving.manifests import pod_template
from sagebridge.core.errors import SpecError
from sagebridge.core.placement import PlacementSettings
from sagebridge.engine.failures import WaitingError
from sagebridge.engine.serving_inputs import ServingInput, ServingInputs
from sagebridge.kube.paths import CONFIG_MAPS
from support.endpoints import spec
from support.served_endpoints import EndpointBench, ready

SETTINGS = {"configMapRef": {"name": "settings"}}
SECRET = {"secretRef": {"name": "token"}}
ON_SAGEMAKER = {}
ON_CLUSTER = {"target": "Cluster"}


def put_settings(bench: EndpointBench, **values: str) -> None:
    body = {"metadata": {"name": "settings", "namespace": "team-a"}, "data": values}
    bench.api.put(CONFIG_MAPS.item(namespace="team-a", name="settings"), body)


def asking(*sources: dict[str, Any], target: dict[str, Any] | None = None, **environment: Any) -> dict[str, Any]:
    """A spec whose only model has these sources, and variables of its own."""
    [model] = spec()["models"]
    return spec(**(target or {})) | {"models": [model | {"environmentFrom": list(sources), "environment": environment}]}


async def on_cluster(bench: EndpointBench, wanted: dict[str, Any]) -> ServingInput:
    inputs = ServingInputs(
        client=bench.client,
        endpoints=bench.inputs,
        settings=ClusterSettings(agent_image="registry.example/sagebridge:1"),
        placement=PlacementSettings(),
    )
    return await inputs.resolve(bench.put(spec=wanted).job, agent_image="", running=())


async def served(bench: EndpointBench, wanted: dict[str, Any]) -> dict[str, str]:
    """The variables of the container that serves on the cluster."""
    [container] = pod_template((await on_cluster(bench, wanted)).endpoint)["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


async def created(bench: EndpointBench, wanted: dict[str, Any]) -> dict[str, str]:
    """The variables of the model that is made in SageMaker."""
    await bench.serve(bench.put(spec=wanted))
    request = [request for operation, request in bench.aws.requests if operation == "CreateModel"][-1]
    found: dict[str, str] = request["PrimaryContainer"]["Environment"]
    return found


@pytest.mark.parametrize("variables", [created, served], ids=["SageMaker", "cluster"])
@pytest.mark.parametrize(
    ("reason", "sources", "own", "want"),
    [
        ("values of a ConfigMap", [SETTINGS], {}, {"BATCH": "8", "MODE": "fast"}),
        ("the manifest's own win", [SETTINGS], {"MODE": "exact", "N": 2}, {"BATCH": "8", "MODE": "exact", "N": "2"}),
        ("with a prefix", [SETTINGS | {"prefix": "APP_"}], {}, {"APP_BATCH": "8", "APP_MODE": "fast"}),
        (
            "what may be missing is",
            [{"configMapRef": {"name": "other", "optional": True}}, SETTINGS],
            {},
            {"BATCH": "8", "MODE": "fast"},
        ),
    ],
)
async def test_config_maps_become_variables(
    bench: EndpointBench, variables: Any, reason: str, sources: Any, own: Any, want: dict[str, str]
) -> None:
    put_settings(bench, BATCH="8", MODE="fast")
    found = await variables(bench, asking(*sources, target=ON_CLUSTER if variables is served else ON_SAGEMAKER, **own))
    assert {name: value for name, value in found.items() if not name.startswith("AWS_")} == want, reason


async def test_a_changed_config_map_is_another_model(bench: EndpointBench) -> None:
    put_settings(bench, MODE="fast")
    scores = bench.put(spec=asking(SETTINGS))
    await bench.serve(scores)
    before = scores.job.status["endpointConfigName"]
    put_settings(bench, MODE="exact")
    await bench.serve(scores)
    assert scores.job.status["endpointConfigName"] != before


async def test_the_endpoint_waits_for_its_config_map_and_says_for_which(bench: EndpointBench) -> None:
    scores = bench.put(spec=asking(SETTINGS))
    await bench.reconcile(scores)
    assert "spec.models[0].environmentFrom[0]: waiting for ConfigMap settings" in ready(scores)["message"]
    assert "CreateModel" not in bench.aws.calls
    with pytest.raises(WaitingError, match="ConfigMap settings"):
        await on_cluster(bench, asking(SETTINGS, target=ON_CLUSTER))


async def test_no_value_is_shown(bench: EndpointBench) -> None:
    put_settings(bench, MODE="confidential")
    scores = bench.put(spec=asking(SETTINGS))
    await bench.serve(scores)
    assert "confidential" not in str(scores.job.status)
    assert "confidential" not in str((await on_cluster(bench, asking(SETTINGS, target=ON_CLUSTER))).models)


async def test_a_secret_goes_to_the_pod_by_its_name_alone(bench: EndpointBench) -> None:
    put_settings(bench, MODE="fast")
    wanted = asking(SETTINGS, SECRET | {"prefix": "HF_"}, target=ON_CLUSTER)
    template = pod_template((await on_cluster(bench, wanted)).endpoint)["spec"]
    assert template["containers"][0]["envFrom"] == [{"prefix": "HF_", "secretRef": {"name": "token"}}]
    assert "envFrom" not in template["initContainers"][0]


async def test_another_secret_is_another_revision(bench: EndpointBench) -> None:
    names = [
        (await on_cluster(bench, asking(*sources, target=ON_CLUSTER))).models[0]["modelName"]
        for sources in ([], [SECRET], [{"secretRef": {"name": "other"}}], [SECRET])
    ]
    assert names[1] == names[3]
    assert len(set(names)) == 3


async def test_a_secret_is_refused_on_sagemaker(bench: EndpointBench) -> None:
    scores = bench.put(spec=asking(SECRET))
    await bench.reconcile(scores)
    assert ready(scores)["reason"] == "InvalidSpec"
    assert "spec.models[0].environmentFrom[0].secretRef" in ready(scores)["message"]
    assert "Secrets Manager" in ready(scores)["message"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"LONG": "x" * 1025}, r"environmentFrom\.LONG.*1024"),
        ({"nginx.conf": "x"}, "letters, digits and _"),
        ({f"N{number}": "" for number in range(101)}, "takes 100"),
    ],
    ids=["SageMaker's longest value", "a file's name", "SageMaker's most variables"],
)
async def test_what_sagemaker_would_not_take_is_refused_on_either_target(
    bench: EndpointBench, values: dict[str, str], told: str
) -> None:
    put_settings(bench, **values)
    with pytest.raises(SpecError, match=told):
        await on_cluster(bench, asking(SETTINGS, target=ON_CLUSTER))
    with pytest.raises(SpecError, match=told):
        await bench.inputs.resolve(bench.put(spec=asking(SETTINGS)).job)


async def test_each_container_of_a_pipeline_has_its_own(bench: EndpointBench) -> None:
    put_settings(bench, MODE="fast")
    [model] = spec()["models"]
    own = {key: value for key, value in model.items() if key != "name"}
    pipeline = spec() | {"models": [{"name": "m", "containers": [own, own | {"environmentFrom": [SETTINGS]}]}]}
    [made] = (await bench.inputs.resolve(bench.put(spec=pipeline).job)).desired.models
    assert [one.get("environment") for one in made.request["containers"]] == [None, {"MODE": "fast"}]
