"""A Visma client that only reads: what would be written is told to whoever asks, and never sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn

from shared.errors import NotFound
from shared.fields import Fields
from shared.http import Answer
from shared.multipart import FilePart
from shared.visma.client import VismaClient
from shared.visma.models import LineChange, Supplier, SupplierInvoice, Written

_ETAG: Final = "dry-run"
_NEW: Final = "(new "


@dataclass(frozen=True, slots=True)
class DryWrite:
    """A write that would have been sent: what, and to which document or supplier."""

    what: Literal["create", "update", "delete", "release"]
    visma_type: str
    number: str


def is_new(number: object) -> bool:
    """Whether this stands for the number of something that Visma would number itself."""
    return isinstance(number, str) and number.startswith(_NEW)


class DryVisma(VismaClient):
    """Reads as any client; ``writes`` are those that were left out since it was last emptied."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.writes: list[DryWrite] = []
        self._released: set[tuple[str, str]] = set()
        self._made = 0

    def call(
        self,
        method: str,
        route: str,
        *keys: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        etag: str | None = None,
    ) -> Answer:
        """A GET; anything else is a mistake of ours, and stops here."""
        if method != "GET":
            self._refuse(method, route)
        return super().call(method, route, *keys, params=params, body=body, etag=etag)

    def upload(self, route: str, *keys: str, file: FilePart, etag: str | None) -> Answer:
        """Never."""
        self._refuse("upload", route)

    def fetch_supplier(self, number: str) -> Supplier:
        """As Visma has it; what would only be created is not there."""
        if is_new(number):
            raise NotFound(f"supplier {number} is not in Visma yet")
        return super().fetch_supplier(number)

    def create_supplier(self, fields: Fields) -> Written:
        """Left out."""
        return self._create("Supplier", f"supplier for {fields.get('accountReference')}")

    def update_supplier(self, number: str, fields: Fields, etag: str | None) -> Written:
        """Left out."""
        return self._write(DryWrite("update", "Supplier", number))

    def fetch_supplier_invoice(self, document_type: str, number: str) -> SupplierInvoice:
        """As Visma has it, or would have it once it released what it would be asked to release."""
        if is_new(number):
            raise NotFound(f"{document_type} {number} is not in Visma yet")
        found = super().fetch_supplier_invoice(document_type, number)
        return replace(found, status="Open") if (document_type, number) in self._released else found

    def create_supplier_invoice(self, header: Fields, lines: Sequence[Fields]) -> Written:
        """Left out."""
        return self._create(str(header["documentType"]), "document")

    def update_supplier_invoice(
        self, document_type: str, number: str, header: Fields, lines: Sequence[LineChange], etag: str | None
    ) -> Written:
        """Left out."""
        return self._write(DryWrite("update", document_type, number))

    def delete_supplier_invoice(self, document_type: str, number: str) -> None:
        """Left out."""
        self._write(DryWrite("delete", document_type, number))

    def release_supplier_invoice(self, document_type: str, number: str, etag: str | None = None) -> None:
        """Left out; from now on the document is shown as released."""
        self._released.add((document_type, number))
        self._write(DryWrite("release", document_type, number))

    def _create(self, visma_type: str, what: str) -> Written:
        self._made += 1
        number = f"{_NEW}{what}, {self._made})"
        self._write(DryWrite("create", visma_type, number))
        return Written(number, _ETAG)

    def _write(self, write: DryWrite) -> Written:
        self.writes.append(write)
        return Written(None, _ETAG)

    def _refuse(self, method: str, route: str) -> NoReturn:
        raise RuntimeError(f"a dry run must not {method} {route}")
