"""The credentials of one control plane, made anew for each run: certificates, tokens, kubeconfigs."""

import base64
import secrets
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from sagebridge_local.stack.certificates import Authority, KeyPair, service_account_keys
from sagebridge_local.stack.files import private_directory, write_private

ADMIN, CONTROLLER_MANAGER, SCHEDULER = "admin", "kube-controller-manager", "kube-scheduler"
_USERS = {
    ADMIN: ("sagebridge:admin", "system:masters"),
    CONTROLLER_MANAGER: ("system:kube-controller-manager", ""),
    SCHEDULER: ("system:kube-scheduler", ""),
}
_RENEW = timedelta(days=30)


class Credentials:
    """Files that only the user may read, under one folder.

    etcd has an authority of its own: whoever the API server admits is not let into etcd.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = private_directory(directory)
        self.tokens_file = directory / "tokens.csv"
        self.service_account_key = directory / "service-account.key"
        self.service_account_public = directory / "service-account.pub"

    def certificate(self, name: str) -> Path:
        """Return a certificate's file: "cluster-ca", "server", "kubelet-client", "etcd-ca", "etcd" or "etcd-client"."""
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Return the private key that belongs to :meth:`certificate`."""
        return self.directory / f"{name}.key"

    def ensure(self) -> None:
        """Make everything, unless all is there and the authority still counts for a while."""
        if self._usable():
            return
        cluster, etcd = Authority.create("sagebridge-local"), Authority.create("sagebridge-local-etcd")
        self._keep("cluster-ca", cluster.pair)
        self._keep("etcd-ca", etcd.pair)
        self._keep("server", cluster.server("kube-apiserver"))
        self._keep("kubelet-client", cluster.client("kube-apiserver-kubelet-client", groups=["system:masters"]))
        self._keep("etcd", etcd.peer("etcd"))
        self._keep("etcd-client", etcd.client("kube-apiserver"))
        private, public = service_account_keys()
        write_private(self.service_account_key, private)
        write_private(self.service_account_public, public)
        lines = (f'{secrets.token_urlsafe(32)},{user},{name},"{groups}"' for name, (user, groups) in _USERS.items())
        write_private(self.tokens_file, "\n".join(lines) + "\n")

    def token(self, name: str) -> str:
        """Return the bearer token of ADMIN, CONTROLLER_MANAGER or SCHEDULER."""
        return self._tokens()[name]

    def files(self) -> tuple[Path, ...]:
        """Return every file the control plane reads."""
        pairs = ("cluster-ca", "etcd-ca", "server", "kubelet-client", "etcd", "etcd-client")
        certificates = [path for name in pairs for path in (self.certificate(name), self.key(name))]
        return (*certificates, self.service_account_key, self.service_account_public, self.tokens_file)

    def trust(self) -> ssl.SSLContext:
        """Return a context that trusts this run's servers and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate("cluster-ca")))

    def trust_etcd(self) -> ssl.SSLContext:
        """Return a context that trusts this run's etcd, and that etcd trusts."""
        context = ssl.create_default_context(cafile=str(self.certificate("etcd-ca")))
        context.load_cert_chain(self.certificate("etcd-client"), self.key("etcd-client"))
        return context

    def client(self, user: str, *, groups: Sequence[str]) -> KeyPair:
        """Sign a client certificate that the API server takes for a user in some groups."""
        authority = Authority(
            KeyPair(certificate=self.certificate("cluster-ca").read_bytes(), key=self.key("cluster-ca").read_bytes())
        )
        return authority.client(user, groups=groups)

    def kubeconfig(self, *, server: str, name: str, user: Mapping[str, str]) -> str:
        """Return a kubeconfig that carries all it needs in itself.

        Args:
            server: The API server's URL.
            name: Of its cluster, context and user.
            user: A token, or a certificate and its key.
        """
        authority = base64.b64encode(self.certificate("cluster-ca").read_bytes()).decode()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": dict(user)}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        return yaml.safe_dump(content, sort_keys=False)

    def _keep(self, name: str, pair: KeyPair) -> None:
        write_private(self.certificate(name), pair.certificate)
        write_private(self.key(name), pair.key)

    def _tokens(self) -> dict[str, str]:
        rows = (line.split(",") for line in self.tokens_file.read_text().splitlines())
        return {row[2]: row[0] for row in rows}

    def _usable(self) -> bool:
        if not all(path.exists() and path.stat().st_size for path in self.files()):
            return False
        try:
            authority = Authority(
                KeyPair(
                    certificate=self.certificate("cluster-ca").read_bytes(), key=self.key("cluster-ca").read_bytes()
                )
            )
            return authority.expires - datetime.now(UTC) > _RENEW and set(self._tokens()) == set(_USERS)
        except (ValueError, TypeError, IndexError):
            return False
