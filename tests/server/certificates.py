"""A certificate authority for tests, and certificates of it for this machine."""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _write(path, *blocks):
    with open(path, "wb") as file:
        file.write(b"".join(blocks))
    return path


class Authority:
    """`ca` is its certificate; `cert` and `key` are those of a server on 127.0.0.1."""

    def __init__(self, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self._certificate("authority", key, "authority", key, True)
        own = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate("server", own, "authority", key, False)
        pem = serialization.Encoding.PEM
        self.ca = _write(os.path.join(folder, "ca.pem"), authority.public_bytes(pem))
        self.cert = _write(os.path.join(folder, "cert.pem"), certificate.public_bytes(pem))
        self.key_text = own.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption())
        self.key = _write(os.path.join(folder, "key.pem"), self.key_text)

    @staticmethod
    def _certificate(name, key, issuer, issuer_key, is_authority):
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
                 for text in (name, issuer)]
        places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = x509.CertificateBuilder(
            names[1], names[0], key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1))
        made = made.add_extension(x509.SubjectAlternativeName(places), False)
        made = made.add_extension(x509.BasicConstraints(is_authority, None), True)
        return made.sign(issuer_key, hashes.SHA256())

    def client(self):
        """How a client checks the server."""
        return ssl.create_default_context(cafile=self.ca)

    def server(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context
