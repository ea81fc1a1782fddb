"""TLS to Postgres: what the connection asks for holds wherever we connect, SQLAlchemy included."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect, connect_url
from ses_bounces.base.exceptions import DatabaseError

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

PACKAGE = Path(__file__).resolve().parents[3] / "plugins" / "ses_bounces"
# PostgreSQL's protocol: the request to go on under TLS.
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Listener:
    """Takes connections on the loopback interface, keeps their first 8 bytes, and says that it has no TLS."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.first: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                self.first.append(connection.recv(8))
                connection.sendall(b"N")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def test_sslmode_of_the_airflow_connection_is_honoured(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://u:p@127.0.0.1:{listener.port}/d"
    monkeypatch.setenv("AIRFLOW_CONN_TLS", f"{url}?sslmode=require")
    with pytest.raises(DatabaseError, match="server does not support SSL, but SSL was required"), connect("tls"):
        pass
    assert listener.first == [SSL_REQUEST]
    monkeypatch.setenv("AIRFLOW_CONN_TLS", f"{url}?sslmode=disable")
    with pytest.raises(DatabaseError), connect("tls"):
        pass
    assert listener.first[1] != SSL_REQUEST


def test_sslmode_of_a_url_is_honoured(database_url: str) -> None:
    required = connect_url(f"{database_url}?sslmode=require")
    with pytest.raises(DatabaseError, match="server does not support SSL, but SSL was required"), required:
        pass
    with connect_url(f"{database_url}?sslmode=disable") as opened:
        assert schema.check(opened) == schema.LAST_REVISION


def test_sqlalchemy_makes_no_connection_of_its_own(database: Connection) -> None:
    own = database.execute("SELECT pg_backend_pid()").fetchone()
    with schema.alembic_connection(database) as lent:
        assert lent.execute(sqlalchemy.text("SELECT pg_backend_pid()")).fetchone() == own
    # And there is no other place where it could.
    engines = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"create_engine\(|engine_from_config\(|get_sqlalchemy_engine\(", path.read_text(encoding="utf-8"))
    ]
    assert engines == ["schema.py"]


def test_nobody_connects_to_postgres_but_through_the_two() -> None:
    found = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"psycopg\.connect\(|PostgresHook\(|ConnectionPool\(", path.read_text(encoding="utf-8"))
    }
    assert found == {"connection.py"}
