"""The local SageMaker as a process of its own."""

import contextlib
import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

from sagebridge_local.stack import aws
from sagebridge_local.stack.files import private_directory
from sagebridge_local.stack.ports import LOOPBACK
from sagebridge_local.stack.processes import Component, Spawn, inherited
from sagebridge_local.stack.processes import spawn as spawn_program
from sagebridge_local.stack.readiness import answers_ok
from sagebridge_local.stack.single import Server
from sagebridge_local.stack.supervisor import Supervisor

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Simulator(Server):
    """The local SageMaker, with S3 and the other services beside it, on one port.

    Attributes:
        arguments: Command line arguments, such as "--lifecycle-only".
    """

    NAME: ClassVar[str] = "sagemaker"

    def __init__(
        self, supervisor: Supervisor, *, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(supervisor, environment=environment)
        self.arguments = tuple(arguments)

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        spawn: Spawn = spawn_program,
    ) -> Self:
        """Start it, wait until it answers, and make the bucket that the operator uses by default.

        Args:
            directory: Its folder, for state, log and work files; one that already runs there is taken over.
            arguments: Further command line arguments of ``python -m sagebridge_local.sagemaker``.
            environment: Variables on top of the inherited ones.
            spawn: How the process is started.

        Raises:
            StackError: It did not become ready.
        """
        supervisor = Supervisor(directory, spawn=spawn)
        return cls(supervisor, arguments=arguments, environment=environment).ensure().make_bucket()

    @property
    def aws_environment(self) -> dict[str, str]:
        """The variables that point any AWS SDK here."""
        return aws.environment(self.url)

    def client(self, service: str, *, region: str = aws.REGION) -> Any:
        """Return a boto3 client of a service; one call is one request, since the SDK's own retries are off."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=aws.DUMMY_KEY,
            aws_secret_access_key=aws.DUMMY_KEY,
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, proxies={}),
        )

    def admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the admin API and return what it answers, decoded.

        Args:
            method: Such as "POST".
            path: Below ``/_sagebridge/``, such as "faults".
            body: Sent as JSON.

        Raises:
            urllib.error.HTTPError: It was refused.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is our own
            f"{self.url}/_sagebridge/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _DIRECT.open(request) as response:
            content = response.read()
        return json.loads(content) if content else None

    def make_bucket(self, name: str = aws.BUCKET) -> Self:
        """Make an S3 bucket, unless it is there."""
        with contextlib.suppress(self.client("s3").exceptions.BucketAlreadyOwnedByYou):
            self.client("s3").create_bucket(Bucket=name)
        return self

    @staticmethod
    def is_ready(url: str) -> bool:
        """Tell whether the local SageMaker at an address serves."""
        return answers_ok(f"{url}/_sagebridge/health")

    def component(self, port: int) -> Component:
        """Return the process to run on a port."""
        work = private_directory(self.supervisor.directory / "sagemaker")
        module = (sys.executable, "-m", "sagebridge_local.sagemaker")
        url = f"http://{LOOPBACK}:{port}"
        return Component(
            name=self.NAME,
            command=(*module, "--port", str(port), "--work-dir", str(work), *self.arguments),
            ready=partial(self.is_ready, url),
            address=url,
            directory=self.supervisor.directory,
            environment={
                **inherited("SAGEBRIDGE_LOCAL_"),
                "PYTHONUNBUFFERED": "1",
                **aws.no_proxy(),
                **self.environment,
            },
            inputs=tuple(Path(argument) for argument in self.arguments if argument.endswith(".json")),
        )
