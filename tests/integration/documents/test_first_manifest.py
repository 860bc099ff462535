"""What the README promises of its first manifest comes true, on the local SageMaker."""

import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from support.jobs import Jobs, attempts

README = Path(__file__).parents[3] / "README.md"


def test_the_readmes_first_manifest_makes_a_model(
    control_plane: ControlPlane,
    namespace: str,
    kube: kubernetes.client.ApiClient,
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
) -> None:
    local = simulator()
    operator(endpoint_url=local.url, environment={"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1"})
    [manifest] = re.findall(r"^```yaml\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)

    control_plane.kubectl("apply", f"--namespace={namespace}", "--filename=-", stdin=manifest)
    done = Jobs(kube, namespace).wait_reason("hello", "Completed")

    assert len(attempts(done)) == 1
    [metric] = done["status"]["finalMetricDataList"]
    assert (metric["metricName"], metric["value"]) == ("accuracy", 1.0)
    model = urlsplit(done["status"]["modelArtifacts"]["s3ModelArtifacts"])
    archive = local.client("s3").get_object(Bucket=model.netloc, Key=model.path.lstrip("/"))["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        content = files.extractfile("model.txt")
        assert content is not None
        assert content.read() == b"hello"
