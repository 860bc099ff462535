"""Credentials: made once for a run, made again when they can't be used."""

import base64
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sagebridge_local.stack.certificates import Authority
from sagebridge_local.stack.credentials import ADMIN, CONTROLLER_MANAGER, SCHEDULER, Credentials


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    made = Credentials(tmp_path / "pki")
    made.ensure()
    return made


def _contents(credentials: Credentials) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in credentials.files()}


def test_all_files_are_private(credentials: Credentials) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in credentials.files()} == {0o600}
    assert stat.S_IMODE(credentials.directory.stat().st_mode) == 0o700


def test_a_run_keeps_its_credentials(credentials: Credentials) -> None:
    before = _contents(credentials)
    credentials.ensure()

    assert _contents(credentials) == before


@pytest.mark.parametrize("name", ["tokens.csv", "cluster-ca.crt", "cluster-ca.key", "etcd-client.key"])
@pytest.mark.parametrize("damage", ["", None])
def test_damaged_ones_are_replaced(credentials: Credentials, name: str, damage: str | None) -> None:
    path = credentials.directory / name
    path.unlink() if damage is None else path.write_text(damage)
    credentials.ensure()

    assert path.stat().st_size > 0
    assert len({credentials.token(user) for user in (ADMIN, CONTROLLER_MANAGER, SCHEDULER)}) == 3


def test_two_runs_share_nothing(tmp_path: Path) -> None:
    runs = [Credentials(tmp_path / name) for name in "ab"]
    for run in runs:
        run.ensure()
    first, second = map(_contents, runs)

    assert not [name for name, content in first.items() if second[name] == content]


def test_etcd_does_not_admit_who_the_api_server_admits(credentials: Credentials) -> None:
    alice = x509.load_pem_x509_certificate(credentials.client("alice", groups=["team-a"]).certificate)
    cluster = x509.load_pem_x509_certificate(credentials.certificate("cluster-ca").read_bytes())
    etcd = x509.load_pem_x509_certificate(credentials.certificate("etcd-ca").read_bytes())

    alice.verify_directly_issued_by(cluster)
    with pytest.raises(ValueError, match=r"[Ii]ssuer"):
        alice.verify_directly_issued_by(etcd)


def test_a_user_is_the_common_name_and_groups_are_organizations() -> None:
    certificate = x509.load_pem_x509_certificate(Authority.create("ca").client("alice", groups=["a", "b"]).certificate)
    subject = certificate.subject

    assert [each.value for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["alice"]
    assert [each.value for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["a", "b"]


def test_the_server_certificate_can_not_pass_for_a_user() -> None:
    certificate = x509.load_pem_x509_certificate(Authority.create("ca").server("kube-apiserver").certificate)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_kubeconfig_carries_all_it_needs(credentials: Credentials) -> None:
    content = credentials.kubeconfig(server="https://127.0.0.1:1", name="here", user={"token": "t"})

    parsed = yaml.safe_load(content)

    authority = base64.b64decode(parsed["clusters"][0]["cluster"]["certificate-authority-data"])
    assert authority == credentials.certificate("cluster-ca").read_bytes()
    assert parsed["current-context"] == parsed["contexts"][0]["name"] == "here"
    assert parsed["users"] == [{"name": "here", "user": {"token": "t"}}]
