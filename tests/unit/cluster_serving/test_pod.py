"""The parts of a pod that serves."""

from sagebridge.core.cluster.serving.pod import fetch_container, ping_probe, serve_container, startup_probe, volumes
from support.served_models import CODE, CONTAINER, IMAGE, Json, model, serving_pod


def variables(container: Json) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_the_image_is_run_as_sagemaker_runs_it() -> None:
    container = serve_container(serving_pod())
    assert (container["name"], container["image"], container["args"]) == ("serve", IMAGE, ["serve"])
    assert "command" not in container
    assert container["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_the_models_variables_win_and_none_is_a_reference() -> None:
    served = model(CONTAINER | {"environment": {"AWS_REGION": "us-east-1", "PRICE": "$(HOME)"}})
    found = variables(serve_container(serving_pod(served, variables={"SAGEMAKER_BATCH": "true"})))
    assert found["AWS_REGION"] == "us-east-1"
    assert found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert found["HTTPS_PROXY"] == "http://proxy"
    assert found["SAGEMAKER_BATCH"] == "true"
    assert found["PRICE"] == "$$(HOME)"


def test_secrets_become_variables_of_the_serving_container_alone() -> None:
    pod = serving_pod(cluster={"secrets": [{"secretRef": {"name": "token"}, "prefix": "HF_"}]})
    assert serve_container(pod)["envFrom"] == [{"prefix": "HF_", "secretRef": {"name": "token"}}]
    assert "envFrom" not in fetch_container(pod)


def test_the_serving_container_sees_the_model_and_keeps_what_its_image_has() -> None:
    paths = {each["mountPath"]: each.get("subPath") for each in serve_container(serving_pod())["volumeMounts"]}
    assert paths == {"/opt/ml/model": "model", "/dev/shm": None}


def test_further_model_data_has_a_place_of_its_own() -> None:
    source = {"s3DataSource": {"s3Uri": "s3://bucket/draft/", "s3DataType": "S3Prefix", "compressionType": "None"}}
    served = model(CONTAINER | {"additionalModelDataSources": [{"channelName": "draft", **source}]})
    paths = [each["mountPath"] for each in serve_container(serving_pod(served))["volumeMounts"]]
    assert "/opt/ml/additional-model-data-sources" in paths


def test_the_model_is_brought_by_the_operators_image_with_what_the_pod_has_anyway() -> None:
    pod = serving_pod()
    container = fetch_container(pod)
    assert container["command"] == ["python", "-m", "sagebridge.agent", "fetch-model"]
    assert container["image"] == "registry.example/sagebridge:1"
    assert container["resources"] == serve_container(pod)["resources"]
    assert variables(container) == {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "HTTPS_PROXY": "http://proxy",
    }


def test_the_volumes_are_as_large_as_is_said_and_carry_the_code() -> None:
    by_name = {each["name"]: each for each in volumes(serving_pod(model(code=CODE), volume_size=100))}
    assert by_name["ml"]["emptyDir"] == {"sizeLimit": "100Gi"}
    assert [item["key"] for item in by_name["model"]["configMap"]["items"]] == ["model.json", "code.tar.gz"]
    assert by_name["model"]["configMap"]["name"] == "digits-abc"
    assert volumes(serving_pod())[0]["emptyDir"] == {}


def test_a_container_has_all_of_its_time_to_answer_for_the_first_time() -> None:
    probe = startup_probe(62)
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 62
    assert probe["httpGet"]["path"] == "/ping"
    assert ping_probe(period=10, failures=3)["timeoutSeconds"] == 2
