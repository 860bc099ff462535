"""A real Kubernetes control plane on this machine: etcd, API server, controller-manager and scheduler."""

import base64
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sagebridge_local.golang import control_plane_binary
from sagebridge_local.stack.crds import API_SERVER, install_crds
from sagebridge_local.stack.credentials import ADMIN, CONTROLLER_MANAGER, SCHEDULER, Credentials
from sagebridge_local.stack.errors import NotReadyError
from sagebridge_local.stack.files import write_private
from sagebridge_local.stack.kubectl import run_kubectl
from sagebridge_local.stack.ports import LOOPBACK
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.readiness import answers_ok
from sagebridge_local.stack.supervisor import Supervisor

ETCD = "etcd"
COMPONENTS = (ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER)
_ETCD_PEER = "etcd/peer"
_PORT_ATTEMPTS = 5
_GRACE = 3.0
_FAREWELL = 0.5  # nothing to save: the data goes too


class ControlPlane:
    """A control plane whose data, credentials and processes belong to one folder.

    Attributes:
        directory: That folder.
        kubeconfig: Of an administrator; mode 0600.
    """

    def __init__(
        self, directory: Path, *, name: str = "sagebridge-local", arguments: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._arguments = arguments or {}
        self.supervisor = Supervisor(directory)
        self.directory = self.supervisor.directory
        self.kubeconfig = self.directory / "kubeconfig"
        self._name = name
        self._data = self.directory / "etcd"
        self._credentials = Credentials(self.directory / "pki")

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        name: str = "sagebridge-local",
        crds: Path | None = None,
        arguments: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Start a control plane, or what is missing of it, and wait until it is ready.

        Args:
            directory: Its folder; made if need be.
            name: The context in its kubeconfig.
            crds: A folder of CustomResourceDefinitions to install.
            arguments: Further command-line arguments, by component, such as feature gates.

        Raises:
            BuildError: The binary could not be built.
            StackError: A component did not become ready, or a CRD was refused.
        """
        control_plane = cls(directory, name=name, arguments=arguments)
        with control_plane.supervisor.locked():
            control_plane.ensure()
            if crds:
                control_plane.install_crds(crds)
        return control_plane

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://{LOOPBACK}:{self.supervisor.state.ports[API_SERVER]}"

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self._credentials.token(ADMIN)

    @property
    def certificate_authority(self) -> Path:
        """The file that the API server's certificate is verified with."""
        return self._credentials.certificate("cluster-ca")

    def ensure(self) -> None:
        """Start what does not run and wait until all is ready; a port that was snatched away is replaced.

        Raises:
            StackError: A component did not become ready.
        """
        program = control_plane_binary()
        for attempt in range(_PORT_ATTEMPTS):
            try:
                self._ensure_in_turn(self.components(program))
            except NotReadyError as error:
                if not error.port_taken or attempt == _PORT_ATTEMPTS - 1:
                    raise
                self.supervisor.stop([error.component])
                self.supervisor.forget_ports([error.component, *([_ETCD_PEER] if error.component == ETCD else [])])
            else:
                return

    def _ensure_in_turn(self, components: Sequence[Component]) -> None:
        """Start each when what it connects to serves: a refused connection costs a back-off, a late server an exit."""
        etcd, api_server, *clients = components
        for stage in ([etcd], [api_server], clients):
            self.supervisor.ensure(stage)
            self.supervisor.wait_ready(stage)

    def components(self, program: Path) -> list[Component]:
        """Return what a control plane consists of, with its credentials and kubeconfigs written.

        Args:
            program: The multi-call binary.
        """
        self._credentials.ensure()
        ports = self.supervisor.ports([*COMPONENTS, _ETCD_PEER])
        server = f"https://{LOOPBACK}:{ports[API_SERVER]}"
        for user, path in self._kubeconfigs().items():
            token = {"token": self._credentials.token(user)}
            content = self._credentials.kubeconfig(server=server, name=self._name, user=token)
            if not path.exists() or path.read_text() != content:
                write_private(path, content)
        return [
            self._etcd(program, port=ports[ETCD], peer_port=ports[_ETCD_PEER]),
            self._api_server(program, port=ports[API_SERVER], etcd_port=ports[ETCD]),
            self._controller_manager(program, port=ports[CONTROLLER_MANAGER]),
            self._scheduler(program, port=ports[SCHEDULER]),
        ]

    def install_crds(self, directory: Path) -> None:
        """Apply CustomResourceDefinitions and wait until the API server serves them.

        Raises:
            KubectlError: The API server refused one; the message is its own.
        """
        install_crds(directory, kubeconfig=self.kubeconfig)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator and return what it prints.

        Raises:
            KubectlError: It failed; the message is what it wrote to standard error.
        """
        return run_kubectl(*arguments, kubeconfig=self.kubeconfig, stdin=stdin)

    def kubeconfig_for(self, user: str, *, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig of another user, who may do what RBAC lets them; mode 0600.

        Args:
            user: Such as "alice", or "system:serviceaccount:team-a:default".
            groups: Such as "team-a".
        """
        pair = self._credentials.client(user, groups=groups)
        certificate = {
            "client-certificate-data": base64.b64encode(pair.certificate).decode(),
            "client-key-data": base64.b64encode(pair.key).decode(),
        }
        content = self._credentials.kubeconfig(server=self.url, name=self._name, user=certificate)
        safe = "".join(character if character.isalnum() else "-" for character in user)
        return write_private(self.directory / f"{safe}.kubeconfig", content)

    def is_ready(self, component: str, url: str) -> bool:
        """Tell whether a component at an address serves, and is the one of this run."""
        if component == ETCD:
            return answers_ok(f"{url}/health", context=self._credentials.trust_etcd())
        context = self._credentials.trust()
        if component == API_SERVER:
            return answers_ok(f"{url}/readyz", context=context, headers={"Authorization": f"Bearer {self.token}"})
        return answers_ok(f"{url}/healthz", context=context)

    def kill(self, component: str) -> None:
        """End a component as a crash would; :meth:`ensure` brings it back, on the same port and data."""
        with self.supervisor.locked():
            self.supervisor.kill(component)

    def restart(self, component: str) -> None:
        """End a component in good order, start it again, and wait until all is ready."""
        with self.supervisor.locked():
            self.supervisor.stop([component], grace=_GRACE)
            self.ensure()

    def stop(self) -> None:
        """End all processes and remove the cluster's data and credentials; logs stay."""
        with self.supervisor.locked():
            self.supervisor.stop(COMPONENTS, grace=_FAREWELL)
            self.remove_data()

    def remove_data(self) -> None:
        """Remove what belongs to one run: etcd's data, certificates, tokens, kubeconfigs."""
        for directory in (self._data, self._credentials.directory):
            shutil.rmtree(directory, ignore_errors=True)
        for path in [self.kubeconfig, *self.directory.glob("*.kubeconfig")]:
            path.unlink(missing_ok=True)

    def _kubeconfigs(self) -> dict[str, Path]:
        own = {user: self.directory / f"{user}.kubeconfig" for user in (CONTROLLER_MANAGER, SCHEDULER)}
        return {ADMIN: self.kubeconfig, **own}

    def _component(
        self, name: str, *, program: Path, port: int, arguments: Sequence[str], inputs: Sequence[Path] = ()
    ) -> Component:
        url = f"https://{LOOPBACK}:{port}"
        return Component(
            name=name,
            command=(str(program), name, *arguments, *self._arguments.get(name, ())),
            ready=partial(self.is_ready, name, url),
            address=url,
            directory=self.directory,
            # A quarter of the API server's time under load went into collecting garbage; it has memory to spare here.
            environment={"GOGC": "400"},
            inputs=(*self._credentials.files(), *inputs),
        )

    def _etcd(self, program: Path, *, port: int, peer_port: int) -> Component:
        client, peer = f"https://{LOOPBACK}:{port}", f"https://{LOOPBACK}:{peer_port}"
        certificate, key = self._credentials.certificate("etcd"), self._credentials.key("etcd")
        authority = self._credentials.certificate("etcd-ca")
        arguments = [
            "--name=local",
            f"--data-dir={self._data}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=local={peer}",
            *(f"--{scope}cert-file={certificate}" for scope in ("", "peer-")),
            *(f"--{scope}key-file={key}" for scope in ("", "peer-")),
            *(f"--{scope}trusted-ca-file={authority}" for scope in ("", "peer-")),
            "--client-cert-auth",
            "--peer-client-cert-auth",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        return self._component(ETCD, program=program, port=port, arguments=arguments)

    def _api_server(self, program: Path, *, port: int, etcd_port: int) -> Component:
        files = self._credentials
        arguments = [
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            f"--etcd-servers=https://{LOOPBACK}:{etcd_port}",
            f"--etcd-cafile={files.certificate('etcd-ca')}",
            f"--etcd-certfile={files.certificate('etcd-client')}",
            f"--etcd-keyfile={files.key('etcd-client')}",
            f"--tls-cert-file={files.certificate('server')}",
            f"--tls-private-key-file={files.key('server')}",
            f"--client-ca-file={files.certificate('cluster-ca')}",
            f"--kubelet-client-certificate={files.certificate('kubelet-client')}",
            f"--kubelet-client-key={files.key('kubelet-client')}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--token-auth-file={files.tokens_file}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={files.service_account_public}",
            f"--service-account-signing-key-file={files.service_account_key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged=true",
            "--profiling=false",
        ]
        return self._component(API_SERVER, program=program, port=port, arguments=arguments)

    def _controller_manager(self, program: Path, *, port: int) -> Component:
        files = self._credentials
        arguments = [
            f"--service-account-private-key-file={files.service_account_key}",
            f"--root-ca-file={files.certificate('cluster-ca')}",
            f"--cluster-signing-cert-file={files.certificate('cluster-ca')}",
            f"--cluster-signing-key-file={files.key('cluster-ca')}",
            "--use-service-account-credentials=true",
        ]
        return self._client(CONTROLLER_MANAGER, program=program, port=port, arguments=arguments)

    def _scheduler(self, program: Path, *, port: int) -> Component:
        return self._client(SCHEDULER, program=program, port=port, arguments=[])

    def _client(self, name: str, *, program: Path, port: int, arguments: Sequence[str]) -> Component:
        kubeconfig = self._kubeconfigs()[name]
        common = [
            f"--kubeconfig={kubeconfig}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            f"--tls-cert-file={self._credentials.certificate('server')}",
            f"--tls-private-key-file={self._credentials.key('server')}",
            "--leader-elect=false",
            "--profiling=false",
        ]
        return self._component(name, program=program, port=port, arguments=[*common, *arguments], inputs=[kubeconfig])
