"""BILL's v3 API as far as the sync reads it: vendors, bills, classifications, the session itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote

from shared.bill.answers import CursorExpired, error_of
from shared.bill.calls import BillCalls, expect_object
from shared.bill.models import Bill, Classification, Kind, Page, Row, Vendor
from shared.bill.schema_fields import ID, parse_timestamp
from shared.bill.schemas import parse_bill, parse_classification, parse_vendor
from shared.bill.session import LogIn
from shared.errors import Permanent, Retryable

PAGE_SIZE: Final = 100
"""The most that BILL gives (BILL reference: list semantics)."""

ClassificationResource = Literal[
    "chart-of-accounts", "accounting-classes", "departments", "locations", "jobs", "items", "employees"
]
_MOST_PAGES = 10_000


class BillClient(BillCalls):
    """Reads of one tenant's BILL organization."""

    def fetch(self, kind: Kind, record_id: str) -> Row:
        """A vendor or bill as BILL has it now, not yet parsed; ``NotFound`` for an unknown id."""
        route = f"/v3/{kind}s/{{id}}"
        url = f"{self.config.base_url}/v3/{kind}s/{quote(_checked_id(record_id), safe='')}"
        row = _to_row(kind, expect_object(self.fetch_json(route, url), route))
        if row is None or row.id != record_id:
            raise Retryable(f"BILL answered {route} with another record than asked for")
        return row

    def fetch_vendor(self, vendor_id: str) -> Vendor:
        """A vendor; ``NotFound`` for an unknown id."""
        return parse_vendor(self.fetch("vendor", vendor_id).body)

    def fetch_bill(self, bill_id: str) -> Bill:
        """A bill with its lines and approval; ``NotFound`` for an unknown id."""
        return parse_bill(self.fetch("bill", bill_id).body)

    def list_page(
        self,
        kind: Kind,
        *,
        since: datetime | None = None,
        ids: Sequence[str] | None = None,
        cursor: str | None = None,
    ) -> Page[Row]:
        """One page of at most 100, oldest ``updatedTime`` first.

        ``since`` is inclusive; ``ids`` are at most 100. A ``cursor`` goes on where a page ended, with
        the same other arguments; ``CursorExpired`` when BILL does not accept it any more. Archived
        records are in the list or not as BILL pleases: the reference does not say.
        """
        route = f"/v3/{kind}s"
        params = {"max": str(PAGE_SIZE), "sort": "updatedTime:asc"}
        filters = _filters(since, ids)
        if filters:
            params["filters"] = filters
        content = self._fetch_page(route, params, cursor)
        rows = [(_to_row(kind, item), item) for item in _results(content, route)]
        return Page(
            tuple(row for row, _ in rows if row is not None),
            _next_cursor(content, cursor, route),
            tuple(f"{kind} without a usable id: {_keys(item)}" for row, item in rows if row is None),
        )

    def fetch_classifications(self, resource: ClassificationResource) -> tuple[Classification, ...]:
        """Every entry of one classification list, archived ones too where BILL lists them."""
        route, params = f"/v3/classifications/{resource}", {"max": str(PAGE_SIZE)}
        found: list[Classification] = []
        cursor, seen = None, set[str]()
        while len(seen) < _MOST_PAGES:
            content = self._fetch_page(route, params, cursor)
            found += [parse_classification(item) for item in _results(content, route)]
            cursor = _next_cursor(content, cursor, route)
            if cursor is None:
                return tuple(found)
            if cursor in seen:
                break
            seen.add(cursor)
        raise Retryable(f"BILL's list {route} does not end")

    def log_in(self) -> LogIn:
        """Log in whatever session there is; calls from now on use the new one."""
        credentials, deadline = self._credentials(), self._http.new_deadline()
        with self._place(credentials, deadline):
            return self._sessions.log_in(self.tenant, self.config, credentials, self._http, deadline)

    def check_session(self) -> bool:
        """Log in if need be and let BILL confirm that the session is this organization's.

        Whether BILL asks this user for a second factor, as it asks people and never a sync token.
        """
        route = "/v3/login/session"
        content = expect_object(self.fetch_json(route, f"{self.config.base_url}{route}"), route)
        given = content.get("organizationId")
        if given not in (None, self.config.organization_id):
            raise Permanent(f"BILL's session is of organization {given}: check bill.organization_id")
        return content.get("mfaStatus") not in (None, "DISABLED") or content.get("mfaBypass") is False

    def log_out(self) -> None:
        """End this worker's session, if there is one, and forget it; never logs in for that."""
        credentials, route = self._credentials(), "/v3/logout"
        session_id = self._sessions.find(self.tenant, self.config, credentials)
        if session_id is None:
            return
        headers = {"sessionId": session_id, "devKey": credentials.dev_key}
        deadline = self._http.new_deadline()
        with self._place(credentials, deadline):
            url = f"{self.config.base_url}{route}"
            answer = self._http.send("POST", url, route=route, headers=headers, deadline=deadline)
        self._sessions.drop(self.tenant, self.config, credentials, session_id)
        if not answer.ok and answer.status != 401:
            raise error_of(answer, route)

    def _fetch_page(self, route: str, params: dict[str, str], cursor: str | None) -> Any:
        if cursor is not None:
            params = params | {"page": cursor}
        try:
            return expect_object(self.fetch_json(route, f"{self.config.base_url}{route}", params), route)
        except Permanent as error:
            if cursor is None:
                raise
            # Cursors live for one walk at most; a 400 amid a walk means starting anew (BILL reference).
            raise CursorExpired(f"the walk over {route} must begin anew: {error}") from None


def format_since(moment: datetime) -> str:
    """A time as BILL's filters take it, in milliseconds, rounded down so that nothing is skipped."""
    if moment.tzinfo is None:
        raise ValueError("a filter needs an aware time")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _filters(since: datetime | None, ids: Sequence[str] | None) -> str:
    filters = []
    if since is not None:
        filters.append(f'updatedTime:gte:"{format_since(since)}"')
    if ids is not None:
        if not 0 < len(ids) <= PAGE_SIZE:
            raise ValueError(f"ids must be 1 to {PAGE_SIZE}")
        filters.append('id:in:"{}"'.format(",".join(_checked_id(record_id) for record_id in ids)))
    return ",".join(filters)


def _checked_id(record_id: str) -> str:
    if not ID.fullmatch(record_id):
        raise ValueError("not an id that BILL could have given")
    return record_id


def _to_row(kind: Kind, item: object) -> Row | None:
    record_id = item.get("id") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(record_id, str) or not ID.fullmatch(record_id):
        return None
    return Row(kind, record_id, _updated_at(item.get("updatedTime")), item)


def _updated_at(text: object) -> datetime | None:
    try:
        return parse_timestamp(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _results(content: Any, route: str) -> list[Any]:
    results = content.get("results")
    if not isinstance(results, list):
        raise Retryable(f"BILL's answer to {route} has no results")
    return results


def _next_cursor(content: Any, cursor: str | None, route: str) -> str | None:
    """The cursor of the next page; absent, null or empty at the end (BILL reference: list semantics)."""
    following = content.get("nextPage")
    if not following:
        return None
    if not isinstance(following, str) or following == cursor:
        raise CursorExpired(f"BILL's list {route} repeats a page")
    return following


def _keys(item: object) -> str:
    """What an odd item is, without what it holds."""
    return f"keys {', '.join(sorted(map(str, item))[:20])}" if isinstance(item, dict) else type(item).__name__
