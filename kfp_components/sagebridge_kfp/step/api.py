"""The Kubernetes API, as a step uses it: the only module that knows the client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import kubernetes
import urllib3
from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME
from sagebridge.schema.kind import GROUP, VERSION

from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.kinds import plural_of
from sagebridge_kfp.step.lines import lines

Body = Mapping[str, Any]

FIELD_MANAGER: Final = "sagebridge-kfp"
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CALL_SECONDS: Final = (5.0, 30.0)
_JSON_PATCH: Final = "application/json-patch+json"
_MERGE_PATCH: Final = "application/merge-patch+json"
_APPLY: Final = "application/apply-patch+yaml"
# https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes (410 Gone)
_GONE: Final = 410
_PASSING: Final = frozenset({0, 408, 429, 500, 502, 503, 504})


class ApiError(Exception):
    """The API server refused a call, or could not be reached.

    Attributes:
        status: the HTTP status; 0 where none came.
        reason: Kubernetes' word for it, such as ``AlreadyExists``; empty where none came.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.status in _PASSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request.

    Attributes:
        method: such as ``GET``.
        path: below the server's address.
        query: what follows the question mark.
        body: what is sent, None for nothing.
        content_type: of the body.
        seconds: how long to wait for a connection, and for each piece of the reply.
    """

    method: str
    path: str
    query: Sequence[tuple[str, Any]] = ()
    body: Any = None
    content_type: str = "application/json"
    seconds: tuple[float, float] = _CALL_SECONDS


class Api:
    """The objects of one namespace.

    Args:
        client: a client of the API server.
        namespace: where the step's objects are.
    """

    def __init__(self, client: kubernetes.client.ApiClient, *, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    @classmethod
    def connect(cls) -> Api:
        """Use the pod's service account, or where there is none the kubeconfig, with its namespace or ``default``.

        Raises:
            StepFailedError: there is neither.
        """
        configuration = kubernetes.client.Configuration()
        try:
            kubernetes.config.load_incluster_config(client_configuration=configuration)
            namespace = _NAMESPACE_FILE.read_text(encoding="utf-8").strip()
        except (kubernetes.config.ConfigException, OSError):
            namespace = _load_kubeconfig(configuration)
        return cls(kubernetes.client.ApiClient(configuration), namespace=namespace)

    def list(self, kind: str, *, labels: Mapping[str, str]) -> list[Body]:
        """The objects of a kind that have these labels.

        Raises:
            ApiError: the call failed, as with all others here.
        """
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        listed = self._call(Call(method="GET", path=self._path(kind), query=[("labelSelector", selector)]))
        return list(listed["items"])

    def get(self, kind: str, name: str) -> Body | None:
        """One object, None if it is not there."""
        try:
            found: Body = self._call(Call(method="GET", path=self._path(kind, name)))
        except ApiError as error:
            if error.reason == "NotFound" and error.status == 404:
                return None
            raise
        return found

    def create(self, kind: str, body: Body) -> Body:
        """Make an object; 409 if there is one of that name."""
        query = [("fieldManager", FIELD_MANAGER)]
        made: Body = self._call(Call(method="POST", path=self._path(kind), body=body, query=query))
        return made

    def replace(self, kind: str, body: Body) -> Body:
        """Write an object whole; 409 if it was changed since it was read."""
        name = body["metadata"]["name"]
        query = [("fieldManager", FIELD_MANAGER)]
        written: Body = self._call(Call(method="PUT", path=self._path(kind, name), body=body, query=query))
        return written

    def merge(self, kind: str, name: str, patch: Body) -> Body:
        """Change an object by a merge patch."""
        query = [("fieldManager", FIELD_MANAGER)]
        call = Call(method="PATCH", path=self._path(kind, name), query=query, body=patch, content_type=_MERGE_PATCH)
        patched: Body = self._call(call)
        return patched

    def apply(self, kind: str, body: Body) -> Body:
        """Make an object, or set the fields that a step gives; those that an earlier one gave, and this one not, go.

        Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        query = [("fieldManager", FIELD_MANAGER), ("force", "true")]
        path = self._path(kind, body["metadata"]["name"])
        applied: Body = self._call(Call(method="PATCH", path=path, body=body, content_type=_APPLY, query=query))
        return applied

    def change(
        self, kind: str, name: str, operations: Sequence[Body], *, seconds: tuple[float, float] = _CALL_SECONDS
    ) -> None:
        """Change an object by a JSON patch; 422 if one of its tests does not hold."""
        call = Call(
            method="PATCH",
            path=self._path(kind, name),
            query=[("fieldManager", FIELD_MANAGER)],
            body=list(operations),
            content_type=_JSON_PATCH,
            seconds=seconds,
        )
        self._call(call)

    def delete(
        self,
        kind: str,
        name: str,
        *,
        preconditions: Mapping[str, str] | None = None,
        seconds: tuple[float, float] = _CALL_SECONDS,
    ) -> None:
        """Ask for an object's deletion; 409 if it is not the one that the preconditions tell."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if preconditions:
            options["preconditions"] = dict(preconditions)
        self._call(Call(method="DELETE", path=self._path(kind, name), body=options, seconds=seconds))

    def watch(self, kind: str, name: str, *, version: str, seconds: float) -> Iterator[tuple[str, Body]]:
        """Yield type and object of what happens to an object after a resource version, for some seconds.

        Ends early where the server has forgotten that version: the object has to be read again.
        """
        query = [
            ("watch", "true"),
            ("fieldSelector", f"metadata.name={name}"),
            ("resourceVersion", version),
            ("timeoutSeconds", max(1, int(seconds))),
        ]
        # The server ends a watch in time; the rest is for one that is gone without a word.
        call = Call(method="GET", path=self._path(kind), query=query, seconds=(_CALL_SECONDS[0], seconds + 15.0))
        response = self._request(call, whole=False)
        try:
            for line in lines(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return _raise_unless_gone(event["object"])
                yield event["type"], event["object"]
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ApiError(f"The watch broke off: {error}") from error
        finally:
            response.close()
        return None

    def config_map(self, namespace: str, name: str) -> Mapping[str, str]:
        """The data of a ConfigMap."""
        found: Body = self._call(
            Call(method="GET", path=f"/api/v1/namespaces/{quote(namespace)}/configmaps/{quote(name)}")
        )
        return found.get("data") or {}

    def warm(self) -> None:
        """Open a connection, so that the next call need not."""
        self._call(Call(method="GET", path="/version"))

    def token(self) -> str:
        """What the step shows to the API server; empty where that is no token."""
        told = self._client.configuration.get_api_key_with_prefix("authorization") or ""
        _, _, token = str(told).strip().rpartition(" ")
        return token

    def another(self) -> Api:
        """The same with connections of its own."""
        return Api(kubernetes.client.ApiClient(self._client.configuration), namespace=self.namespace)

    def _path(self, kind: str, name: str = "") -> str:
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{quote(self.namespace)}/{plural_of(kind)}"
        return f"{path}/{quote(name, safe='')}" if name else path

    def _call(self, call: Call) -> Any:
        return self._request(call, whole=True)

    def _request(self, call: Call, *, whole: bool) -> Any:
        try:
            return self._client.call_api(
                call.path,
                call.method,
                query_params=list(call.query),
                header_params={"Accept": "application/json", "Content-Type": call.content_type},
                body=call.body,
                response_type="object" if whole else None,
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=whole,
                _request_timeout=call.seconds,
            )
        except kubernetes.client.ApiException as error:
            raise _api_error(error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(f"The API server can't be reached: {error}") from error


def _load_kubeconfig(configuration: kubernetes.client.Configuration) -> str:
    try:
        file = os.environ.get("KUBECONFIG") or None
        kubernetes.config.load_kube_config(config_file=file, client_configuration=configuration)
        _, active = kubernetes.config.list_kube_config_contexts(config_file=file)
    except (kubernetes.config.ConfigException, OSError) as error:
        raise StepFailedError(f"There is neither a service account nor a kubeconfig ({error}). {_hint()}") from error
    return str(active["context"].get("namespace") or "default")


def _hint() -> str:
    """What helps where the step finds no cluster."""
    if os.environ.get(SERVICE_HOST_ENV_NAME):
        return (
            "In a pod, the service account's token must be mounted: automountServiceAccountToken of the pod and of its "
            "service account must not be false."
        )
    return (
        "Run the pipeline in a shell where kubectl reaches the cluster: set KUBECONFIG, or, after sagebridge local up, "
        'eval "$(sagebridge local env)". Steps that kfp.local runs in containers have it from '
        'sagebridge_kfp.local.init(runner="docker").'
    )


def _raise_unless_gone(status: Body) -> None:
    if status.get("code") != _GONE:
        raise ApiError(str(status.get("message", "")), status=int(status.get("code", 0)))


def _api_error(error: kubernetes.client.ApiException) -> ApiError:
    """What the server says in its Status, or what HTTP says."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else (error.body or "")
    try:
        told = json.loads(body)
        message, reason = str(told["message"]), str(told.get("reason", ""))
    except (ValueError, KeyError, TypeError):
        message, reason = f"HTTP {error.status} {error.reason}", ""
    return ApiError(message, status=int(error.status or 0), reason=reason)
