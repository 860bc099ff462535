"""Certificates of one run: a certificate authority of its own, and what it signs."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key as load_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=365)
_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPair:
    """A certificate with its private key, both PEM."""

    certificate: bytes
    key: bytes


def service_account_keys() -> tuple[bytes, bytes]:
    """Return the private and the public key, PEM, that service account tokens are signed and checked with."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _private_pem(key), key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Authority:
    """A certificate authority whose word counts for one run of one local stack."""

    def __init__(self, pair: KeyPair) -> None:
        self.pair = pair
        self._certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = load_key(pair.key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is not an elliptic curve key")
        self._key = key

    @classmethod
    def create(cls, name: str) -> "Authority":
        """Make a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = _key_usage(digital_signature=False, key_cert_sign=True)
        builder = (
            _builder(subject=subject, issuer=subject, key=key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        certificate = builder.sign(key, hashes.SHA256())
        return cls(KeyPair(certificate=certificate.public_bytes(Encoding.PEM), key=_private_pem(key)))

    @property
    def expires(self) -> datetime:
        """When its certificate, and so all that it signed before, stops counting."""
        return self._certificate.not_valid_after_utc

    def server(self, name: str) -> KeyPair:
        """Sign a server certificate for the loopback interface."""
        addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1", "10.0.0.1")]
        names = [x509.DNSName(text) for text in _SERVER_NAMES]
        return self._leaf(
            subject=[x509.NameAttribute(NameOID.COMMON_NAME, name)],
            usages=[ExtendedKeyUsageOID.SERVER_AUTH],
            alternatives=[*addresses, *names],
        )

    def client(self, user: str, *, groups: Sequence[str] = ()) -> KeyPair:
        """Sign a client certificate: Kubernetes reads the user from its common name, the groups from its organizations.

        Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
        """
        subject = [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
        return self._leaf(subject=subject, usages=[ExtendedKeyUsageOID.CLIENT_AUTH])

    def peer(self, name: str) -> KeyPair:
        """Sign a certificate that is both server and client, as etcd's peers and its own gateway need."""
        return self._leaf(
            subject=[x509.NameAttribute(NameOID.COMMON_NAME, name)],
            usages=[ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
            alternatives=[x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")],
        )

    def _leaf(
        self,
        *,
        subject: Sequence[x509.NameAttribute[str]],
        usages: Sequence[x509.ObjectIdentifier],
        alternatives: Sequence[x509.GeneralName] = (),
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(subject=x509.Name(subject), issuer=self._certificate.subject, key=key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True, key_cert_sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(certificate=certificate.public_bytes(Encoding.PEM), key=_private_pem(key))


def _builder(*, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, digital_signature: bool, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
