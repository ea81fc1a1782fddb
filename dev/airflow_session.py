"""Requests to Airflow's public REST API as a user who is logged in."""

from typing import Any

import httpx

# The first request to a fresh server may have to wait for its imports.
REQUEST_SECONDS = 30

Json = dict[str, Any]


class ApiError(RuntimeError):
    """Airflow refused a request; `status` is the HTTP status code."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(f"{request.method} {request.url.path}: {response.status_code} {response.text[:500]}")
        self.status = response.status_code


class AirflowSession:
    """A logged-in client. Every method raises ApiError when Airflow refuses."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        """Logs in with the first request."""
        self._credentials = {"username": username, "password": password}
        self._http = httpx.Client(base_url=base_url, timeout=REQUEST_SECONDS, trust_env=False)

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer, decoded, of a request to `/api/v2` + path; keyword arguments are those of httpx."""
        response = self._send(method, path, arguments)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._http.headers.pop("Authorization", None)
            response = self._send(method, path, arguments)
        if response.is_error:
            raise ApiError(response)
        return response.json() if response.content else None

    def token(self) -> str:
        """The token of whoever is logged in, which a browser has in its cookie `_token`."""
        if "Authorization" not in self._http.headers:
            response = self._http.post("/auth/token", json=self._credentials)
            if response.is_error:
                raise ApiError(response)
            self._http.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        return str(self._http.headers["Authorization"]).removeprefix("Bearer ")

    def _send(self, method: str, path: str, arguments: Json) -> httpx.Response:
        self.token()
        return self._http.request(method, f"/api/v2{path}", **arguments)
