"""The reference lists of both systems: fetched once for the fleet, kept in Redis, anew on a miss.

Visma's (accounts, segments, VAT categories, currencies, periods) tell what may be posted to; BILL's
classifications tell what the ids on a bill's lines stand for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any, cast

from redis import Redis
from redis.lock import Lock

from shared import jsontext
from shared.bill.client import BillClient, ClassificationResource
from shared.bill.models import Classification
from shared.limits import redis_needed
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from shared.visma.lists_json import lists_from_json, lists_to_json
from shared.visma.models import Lists
from workers.mapping.codes import RESOURCES, Codes

KEPT_S = 900
FRESH_S = 30
"""A list younger than this is not fetched again on a miss: the miss is real."""
LOCK_S = 60


class ReferenceLists:
    """One tenant's lists. Whoever misses something asks for a ``refresh``; the rest share the result."""

    def __init__(
        self,
        redis: Redis,
        tenant: TenantConfig,
        bill: BillClient,
        visma: VismaClient,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._tenant = tenant
        self._bill = bill
        self._visma = visma
        self._now = now

    def visma_lists(self, *, refresh: bool = False) -> Lists:
        """Visma's lists; with ``refresh``, fetched anew unless someone just did."""
        return self._visma_lists(self._fresh_s(refresh))

    def refused_visma_lists(self) -> Lists:
        """Visma's lists after it refused a document: fetched anew whatever we have, since it is outdated."""
        return self._visma_lists(0)

    def _visma_lists(self, fresh_s: float) -> Lists:
        return lists_from_json(
            self._get("visma", lambda: lists_to_json(self._visma.fetch_lists()), fresh_s=fresh_s)
        )

    def codes(self, keys: Collection[str], *, refresh: Collection[str] = ()) -> Codes:
        """BILL's classification lists for these keys of a line, such as ``departmentId``."""
        return Codes(
            {key: self._classifications(key, refresh=key in refresh) for key in keys if key in RESOURCES}
        )

    def _classifications(self, key: str, *, refresh: bool) -> dict[str, Classification]:
        resource = cast("ClassificationResource", RESOURCES[key])

        def fetch() -> list[dict[str, Any]]:
            return [asdict(found) for found in self._bill.fetch_classifications(resource)]

        rows = self._get(f"bill:{resource}", fetch, fresh_s=self._fresh_s(refresh))
        return {row["id"]: Classification(**row) for row in rows}

    def _fresh_s(self, refresh: bool) -> float:
        return min(FRESH_S, self._tenant.sync.poll_interval_s) if refresh else KEPT_S

    def _get(self, name: str, fetch: Callable[[], Any], *, fresh_s: float) -> Any:
        key = f"lists:{self._tenant.id}:{name}"
        found = self._find(key, fresh_s)
        if found is not None:
            return found
        with redis_needed("reference lists"), Lock(self._redis, f"{key}:lock", timeout=LOCK_S, sleep=0.1):
            found = self._find(key, fresh_s)
            return found if found is not None else self._keep(key, fetch())

    def _find(self, key: str, fresh_s: float) -> Any:
        with redis_needed("reference lists"):
            text = cast("bytes | None", self._redis.get(key))
        if text is None:
            return None
        kept = jsontext.loads(text)
        return kept["value"] if self._now() - float(kept["at"]) < fresh_s else None

    def _keep(self, key: str, value: Any) -> Any:
        text = jsontext.dumps({"at": self._now(), "value": value})
        self._redis.set(key, text, ex=KEPT_S)
        return value
