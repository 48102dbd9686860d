"""Which MQTT broker, and how to be let in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_ser.errors import SettingsError

PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to publish.

    Raises
    ------
    SettingsError
        A password without a user; an authority without TLS; a file that holds none; an impossible port.
    """

    host: str
    """Name or address."""

    port: int | None = None
    """1883, or 8883 with TLS, where it is None."""

    tls: bool = False
    """Encrypt, and trust only a certificate of this host by an authority that the system, or `ca_file`, knows."""

    ca_file: str | None = None
    """Certificates of the authorities to trust in place of the system's, PEM."""

    user: str | None = None

    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.host or len(self.host) > 253 or any(c.isspace() or c in "/@" for c in self.host):
            raise SettingsError(f"{self.host!r} is no host", "Give its name or address, for example broker.local")
        if self.port is not None and not 0 < self.port < 65536:
            raise SettingsError(f"The port of the MQTT broker is {self.port}", "Give a number from 1 to 65535")
        if self.password is not None and self.user is None:
            raise SettingsError("There is a password for the MQTT broker but no user", "Name the user as well")
        if self.ca_file is not None and not self.tls:
            raise SettingsError("There is an authority's certificate, but TLS is off", "Turn TLS on")

    @property
    def port_used(self) -> int:
        """The port, or what is usual."""
        return self.port or (TLS_PORT if self.tls else PORT)

    @property
    def address(self) -> str:
        """Host and port, as text."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port_used}"

    @property
    def in_clear(self) -> bool:
        """Whether a password would go over a network for everyone to read."""
        return self.password is not None and not self.tls and self.host not in ("localhost", "127.0.0.1", "::1")

    def tls_context(self) -> ssl.SSLContext | None:
        """Return what connections are secured by; None without TLS.

        Raises
        ------
        SettingsError
            The file of authorities cannot be read or holds none.
        """
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError is one
            problem = f"{self.ca_file}: no certificate of an authority can be read ({error.strerror or error})"
            raise SettingsError(problem, "Give a PEM file") from error


def broker_at(address: str, **options: Any) -> Broker:
    """Return the broker at HOST, HOST:PORT or [ADDRESS]:PORT.

    Raises
    ------
    SettingsError
        The port is no number; see also `Broker`.

    Examples
    --------
    >>> broker_at("[::1]:1884").port
    1884
    >>> broker_at("kiosks.example", tls=True).address
    'kiosks.example:8883'
    """
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")) or (address.startswith("[") and address.endswith("]")):
        host, port = address, ""  # no port, or an IPv6 address alone
    elif not port.isdecimal():
        raise SettingsError(f"The MQTT broker is {address!r}, without a port after the colon", "Give HOST or HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return Broker(host, int(port) if port else None, **options)


def password_from(file: str) -> str:
    """Return the first line of a file.

    Raises
    ------
    SettingsError
        It cannot be read, is no text, or its first line is empty.
    """
    try:
        password = Path(file).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{file}: the password cannot be read ({reason})", "Give a file that holds it") from error
    if not password:
        raise SettingsError(f"{file}: there is no password in the first line", "Write it there")
    return password
