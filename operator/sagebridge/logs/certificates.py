"""The log service's own certificate authority, and the certificate that it signs."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
LIFETIME: Final = timedelta(days=90)
RENEWED_BEFORE: Final = timedelta(days=30)
"""A certificate that ends sooner is made anew; the authority's, when it would end before one that it signs."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPair:
    """A certificate with its private key, both PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "KeyPair(...)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What the server shows, and who has signed it."""

    authority: KeyPair
    server: KeyPair


def made(names: Sequence[str], *, now: datetime, before: Identity | None = None) -> Identity:
    """A new certificate for these host names and addresses, of the authority that there is while it lasts."""
    keeps = before is not None and _lasts(before.authority, until=now + LIFETIME)
    authority = before.authority if before is not None and keeps else _authority(now)
    return Identity(authority=authority, server=_server(authority, names, now))


def is_usable(identity: Identity, names: Sequence[str], *, now: datetime) -> bool:
    """Whether a certificate is for these names, of this authority, and both last for a while."""
    until = now + RENEWED_BEFORE
    if not _lasts(identity.authority, until=until) or not _lasts(identity.server, until=until):
        return False
    certificate = x509.load_pem_x509_certificate(identity.server.certificate)
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(identity.authority.certificate))
        shown = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(shown) == set(_alternatives(names))


def _lasts(pair: KeyPair, *, until: datetime) -> bool:
    """Whether it is a certificate with its own key, that lasts so long; somebody may have written something else."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = load_pem_private_key(pair.key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    is_own = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
    return is_own and certificate.not_valid_after_utc > until


def _authority(now: datetime) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("sagebridge-logs")
    builder = (
        _builder(name, issuer=name, key=key.public_key(), now=now, lifetime=AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return _signed(builder, key, by=key)


def _server(authority: KeyPair, names: Sequence[str], now: datetime) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, issuer_key = x509.load_pem_x509_certificate(authority.certificate), _private(authority)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        _builder(
            _named("sagebridge-logs-server"), issuer=issuer.subject, key=key.public_key(), now=now, lifetime=LIFETIME
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
    )
    return _signed(builder, key, by=issuer_key)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, *, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, *, by: ec.EllipticCurvePrivateKey
) -> KeyPair:
    certificate = builder.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM)
    return KeyPair(certificate=certificate, key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _private(pair: KeyPair) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pair.key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # who reads it has looked
    return key
