"""How single values of Visma are read out of bare JSON: tolerant of their form, strict about meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from shared.errors import Permanent
from shared.fields import FieldValue
from shared.visma.dtos import Dto, FieldSpec

_DATE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_NUMBER: Final = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_ZONE: Final = re.compile(r"(?<=:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)$", re.ASCII)
_LARGEST_EXPONENT: Final = 20


def zoneless(text: str) -> str:
    """A time of Visma's without its zone: it is local time, and filters take no zone (Visma docs)."""
    return _ZONE.sub(lambda found: found.group(1) or "", text)


class Reader:
    """Reads values out of one record and names the record and the field when one is odd."""

    def __init__(self, record: object, what: str) -> None:
        if not isinstance(record, Mapping):
            raise Permanent(f"Visma's {what} is not an object")
        self._record: Mapping[str, Any] = record
        self.what = what

    def find(self, path: str) -> Any:
        """The value at a dotted path, None where any step is missing."""
        value: Any = self._record
        for step in path.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(step)
        return value

    def find_text(self, path: str) -> str | None:
        """Text; a number becomes its digits, an empty text is as good as none."""
        value = self.find(path)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return format(value, "f") if isinstance(value, Decimal) else str(value)
        if value is not None and not isinstance(value, str):
            raise self.odd(path)
        return value or None

    def get_text(self, path: str) -> str:
        """Text that must be there."""
        value = self.find_text(path)
        if value is None:
            raise Permanent(f"Visma's {self.what} has no {path}")
        return value

    def find_flag(self, path: str) -> bool | None:
        """True or false, or None where neither is told."""
        value = self.find(path)
        if value is not None and not isinstance(value, bool):
            raise self.odd(path)
        return value

    def find_number(self, path: str) -> Decimal | None:
        """An exact number, or None; as text too, since the server takes and may give both."""
        value = self.find(path)
        if value is None:
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.odd(path)
        number = Decimal(value)
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or max(abs(exponent), abs(number.adjusted())) > _LARGEST_EXPONENT:
            raise self.odd(path)
        return number

    def find_day(self, path: str) -> str | None:
        """The day as ``yyyy-MM-dd`` out of a date, a zoneless datetime or one with an offset."""
        text = self.find_text(path)
        if text is None:
            return None
        found = _DATE.fullmatch(text)
        try:
            return date.fromisoformat(found.group(1)).isoformat() if found else self._raise_odd(path)
        except ValueError:
            raise self.odd(path) from None

    def find_date(self, path: str) -> date | None:
        """The same as a date."""
        text = self.find_day(path)
        return None if text is None else date.fromisoformat(text)

    def find_modified(self) -> str | None:
        """``lastModifiedDateTime`` as Visma wrote it, without a zone where it gives one."""
        text = self.find_text("lastModifiedDateTime")
        return None if text is None else zoneless(text)

    def read_fields(self, dto: Dto) -> dict[str, FieldValue]:
        """Everything the read shows of the DTO's fields, flat, under the names they are written with.

        A field of an odd type is as good as not shown: most of them never concern us, and one must
        not make the whole record unreadable.
        """
        values = {name: self._read_field(spec) for name, spec in dto.items() if spec.read is not None}
        return {name: value for name, value in values.items() if value is not None}

    def odd(self, path: str) -> Permanent:
        """The error that names this field."""
        return Permanent(f"Visma's {self.what} has an odd {path}")

    def _raise_odd(self, path: str) -> str:
        raise self.odd(path)

    def _read_field(self, spec: FieldSpec) -> FieldValue:
        path = spec.read or ""
        try:
            if spec.type == "bool":
                return self.find_flag(path)
            if spec.type in {"number", "int"}:
                return self.find_number(path)
            return self.find_day(path) if spec.type == "date" else self.find_text(path)
        except Permanent:
            return None
