"""The HTTP side of the control client."""

from __future__ import annotations

from typing import Any, Self

import requests

from deploy.sandbox.jsonio import Json, dumps, loads

TIMEOUT_S = 30.0


class ControlError(Exception):
    """The sandbox refused a control request; the message is its own."""


class WaitTimeout(ControlError):
    """What was waited for did not happen in time."""


class ControlClient:
    """One connection to a control interface. Raises ControlError when the sandbox refuses."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        self._http = requests.Session()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _object(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Json:
        found: Json = self._call(method, path, body, query, timeout_s)
        return found

    def _list(self, path: str, query: dict[str, str] | None = None) -> list[Json]:
        found: list[Json] = self._call("GET", path, None, query)
        return found

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        data = None if body is None else dumps(body).encode()
        response = self._http.request(method, self._url + path, data=data, params=query, timeout=timeout_s)
        answer = loads(response.content) if response.content else {}
        if response.status_code >= 400:
            raise ControlError(str(answer.get("error", response.status_code)))
        return answer
