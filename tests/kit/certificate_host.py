"""SNS's hosts of certificates, on the loopback interface: a proxy that a client reaches them through, and TLS behind it."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

from tests.kit.signing import HOST, Signer

SECONDS = 10


class CertificateHost:
    """Answers ``CONNECT`` to any host, and each request behind it from ``pages``: status and body by path, else 404.

    ``asked``: what was asked for, in its order.
    """

    def __init__(self, folder: Path, name: str = HOST) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        identity = Signer(name=name)
        self._authority, key = folder / "authority.pem", folder / "key.pem"
        self._authority.write_bytes(identity.pem)
        key.write_bytes(identity.key_pem)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self._authority, key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> CertificateHost:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        # Wakes accept(), which close() alone doesn't.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(SECONDS)

    def connection(self, **extra: object) -> str:
        """An Airflow connection of type aws that goes through the proxy and trusts the host."""
        proxy = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        own = {
            "region_name": "eu-west-1",
            "verify": str(self._authority),
            "config_kwargs": {"proxies": {"https": proxy}},
        }
        return json.dumps({"conn_type": "aws", "login": "none", "password": "none", "extra": own | extra})

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.settimeout(SECONDS)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        self.asked.append(_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self._tls.wrap_socket(connection, server_side=True) as wrapped:
            request = _request(wrapped)
            self.asked.append(request)
            status, body = self.pages.get(request.split()[1], (404, b"no such thing"))
            head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            place = "Location: https://example.com/x.pem\r\n" if status in (301, 302) else ""
            wrapped.sendall(f"{head}{place}\r\n".encode() + body)


def _request(connection: socket.socket) -> str:
    """The first line of a request, without the protocol's version."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = connection.recv(4_096)
        if not part:
            raise OSError("closed")
        text += part
    return text.split(b" HTTP/")[0].decode()
