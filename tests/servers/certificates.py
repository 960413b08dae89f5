"""An authority of the tests, and certificates that it signs: good ones and all kinds of bad ones."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


class Authority:
    """Signs certificates. `root` is the file of its own."""

    def __init__(self, folder: Path, name: str = "Root of the tests") -> None:
        self._folder, self._name = folder, _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = (
            _begun(self._name, self._name, self._key, -DAY, 30 * DAY)
            .add_extension(basic, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.root = folder / f"{name.replace(' ', '-')}.pem"
        self.root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *hosts: str, until: dt.timedelta = 30 * DAY) -> ssl.SSLContext:
        """For a server with these names and addresses; `until` before now is one that has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        begun = _begun(_name(hosts[0]), self._name, key, min(-DAY, until - DAY), until)
        return self._context(begun, self._key, key, hosts)

    def self_signed(self, *hosts: str) -> ssl.SSLContext:
        """For a server whose certificate nobody else has signed; it lies beside the root, as `HOST.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        begun = _begun(_name(hosts[0]), _name(hosts[0]), key, -DAY, 30 * DAY)
        return self._context(begun, key, key, hosts)

    def _context(
        self,
        begun: x509.CertificateBuilder,
        signer: ec.EllipticCurvePrivateKey,
        key: ec.EllipticCurvePrivateKey,
        hosts: tuple[str, ...],
    ) -> ssl.SSLContext:
        public, private = self._folder / f"{hosts[0]}.pem", self._folder / f"{hosts[0]}.key"
        whole = begun.add_extension(_alternatives(hosts), critical=False).sign(signer, hashes.SHA256())
        public.write_bytes(whole.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(public, private)
        return context


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    since: dt.timedelta,
    until: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternatives(hosts: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative(host) for host in hosts])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
