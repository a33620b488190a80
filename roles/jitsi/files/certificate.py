# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate with its key: from the user data, looked at, laid where the web container reads it, served."""

from __future__ import annotations

import os
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from metadata import Failure, Metadata

JITSI_UID = 1000  # the user inside the official images
GIVEN, USED = "web/keys", "storage/web/keys"
"""Where the container takes its pair from when it starts, and the copies of it that nginx reads."""

HALF_WRITTEN = 10.0
"""Seconds within which a run that wrote one half of a pair writes the other."""


@dataclass(frozen=True)
class Pair:
    """PEM texts."""

    certificate: str
    private_key: str

    @classmethod
    def given(cls, metadata: Metadata) -> Pair:
        """Return the pair in the user data; a missing key gives an empty string."""
        return cls(metadata.user_data("tls-certificate"), metadata.user_data("tls-private-key"))

    @classmethod
    def usable(cls, metadata: Metadata, host: str) -> Pair:
        """What the user data says, once certificate and key match: they are written one after the other.

        Raises:
            Failure: it cannot be used, and nobody has written the other half within HALF_WRITTEN seconds.
        """
        deadline = time.monotonic() + HALF_WRITTEN
        while True:
            pair = cls.given(metadata)
            try:
                pair.check(host)
                return pair
            except Failure:
                if time.monotonic() > deadline:
                    raise
            time.sleep(1)

    @classmethod
    def installed(cls, config: Path) -> Pair:
        keys = config / GIVEN
        return cls((keys / "cert.crt").read_text(), (keys / "cert.key").read_text())

    def check(self, host: str) -> None:
        """Jitsi replaces a pair that it cannot use by one that nobody trusts, without a word: so look before.

        Raises:
            Failure: pair missing or not a pair, or not made for this server's name.
        """
        if not self.certificate or not self.private_key:
            raise Failure("user data has no tls-certificate and tls-private-key")
        with tempfile.TemporaryDirectory(dir="/run/ensemble-jitsi") as folder:
            certificate, private_key = Path(folder, "cert.crt"), Path(folder, "cert.key")
            certificate.write_text(self.certificate)
            private_key.write_text(self.private_key)
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key)
            except (ssl.SSLError, OSError) as error:
                raise Failure(f"tls-certificate and tls-private-key are not a pair: {error}") from error
            command = ["openssl", "x509", "-noout", "-in", str(certificate), "-checkhost", host]
            if "does match" not in subprocess.run(command, capture_output=True, text=True, check=False).stdout:
                raise Failure(f"the certificate is not for {host}")

    def install(self, config: Path) -> None:
        """Lay it where the container takes it from, and where it has its copies.

        Copies of earlier starts have the modes of what they were made from, and who may not write to one cannot put
        another in its place: so they are replaced here, and their owner may write to all of these files.
        """
        for folder in (GIVEN, USED):
            write(config / folder / "cert.crt", self.certificate, mode=0o640)
            write(config / folder / "cert.key", self.private_key, mode=0o600)

    def is_served(self) -> bool:
        """Whether the web server shows this certificate to new visitors."""
        return leaf(ssl.get_server_certificate(("127.0.0.1", 443), timeout=5)) == leaf(self.certificate)


def leaf(chain: str) -> bytes:
    """The first certificate of a PEM chain, in binary."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(chain[chain.index("-----BEGIN CERTIFICATE-----") :].partition(end)[0] + end)


def make_folder(root: Path, folder: str) -> None:
    """A folder below `root` with all between, owned by the containers' user."""
    for path in reversed([root / folder, *(root / folder).parents]):
        if path == root or root in path.parents:
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
            os.chown(path, JITSI_UID, JITSI_UID)


def write(path: Path, text: str, *, mode: int = 0o440, owner: int = JITSI_UID) -> None:
    """Replace a file atomically, without ever making it readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    os.chown(fresh, owner, owner)
    fresh.rename(path)
