"""Three-way merges: what we wrote last, what BILL asks for now, and what Visma shows. Pure.

Only what BILL changed since our last write is sent. What a person changed in Visma stays, and where both
changed the same field nobody is overruled: that is a conflict for a person to settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.fields import Change, Fields, FieldValue
from shared.visma.models import LineChange, SupplierInvoiceLine
from workers.mapping.equality import is_empty, same_value, show_value
from workers.mapping.supplier import CLEARABLE_FIELDS, SETTLED_FIELDS

_SEGMENT = "subaccount."


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that a person changed in Visma and that BILL changed too; ``field`` names the line, if any."""

    field: str
    written: FieldValue
    desired: FieldValue
    actual: FieldValue

    def __str__(self) -> str:
        return f"{self.field}: BILL {show_value(self.desired)}, Visma {show_value(self.actual)}"


@dataclass(frozen=True, slots=True)
class Merge:
    """What to send, as fields and as changes (before: what Visma shows), and what stands in the way.

    ``noted`` are differences that are told but neither sent nor a conflict. ``written`` is the body to keep
    as the last one written, once the send succeeded or where nothing has to be sent.
    """

    to_send: Fields
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    noted: tuple[Change, ...] = ()
    written: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineMerge:
    """What to do with the lines of a document, and what stands in the way; ``fields`` tells it in words."""

    changes: tuple[LineChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    fields: tuple[Change, ...] = ()


def merge_fields(written: Fields, desired: Fields, actual: Fields) -> Merge:
    """Merge a header or a line; a field that ``desired`` no longer has is left as it is."""
    candidates = [name for name in desired if not same_value(name, desired[name], written.get(name))]
    return _merge(candidates, written, desired, actual)


def merge_supplier(
    written: Fields, desired: Fields, actual: Fields, *, may_clear: bool, first_link: bool = False
) -> Merge:
    """Merge a supplier.

    Settled fields are sent only where Visma's is empty, and a difference is noted. What we wrote and BILL no
    longer has is cleared, unless ``may_clear`` is False: a notification, which is only nearly whole. With
    ``first_link``, a supplier that a person made, nothing is overruled that others filled in: it is noted.
    """
    cleared = [
        name for name in written if may_clear and name in CLEARABLE_FIELDS and is_empty(desired.get(name))
    ]
    wanted: dict[str, FieldValue] = {**desired, **dict.fromkeys(cleared)}
    kept = {name: value for name, value in written.items() if name not in wanted}
    candidates = [name for name in wanted if not same_value(name, wanted[name], written.get(name))]
    others = {name for name in candidates if not same_value(name, written.get(name), actual.get(name))}
    gentle = SETTLED_FIELDS | others if first_link else SETTLED_FIELDS
    merged = _merge(candidates, written, wanted, actual, gentle=gentle)
    body = {name: value for name, value in {**kept, **wanted}.items() if not is_empty(value)}
    return Merge(merged.to_send, merged.changes, merged.conflicts, merged.noted, body)


def find_settled_differences(desired: Fields, actual: Fields) -> tuple[Change, ...]:
    """Settled fields of a supplier in which Visma and BILL differ, for ``plan`` to show."""
    return tuple(
        Change(name, actual.get(name), desired[name])
        for name in desired
        if name in SETTLED_FIELDS and not same_value(name, desired[name], actual.get(name))
    )


def merge_lines(
    written: Sequence[Fields], desired: Sequence[Fields], actual: Sequence[SupplierInvoiceLine]
) -> LineMerge:
    """Merge the lines of a document, paired by position; Visma's are taken by their number.

    Visma must have as many lines as we wrote; or exactly what BILL asks for, where the answer to our last
    write was lost. Anything else is a line that we did not write: a conflict. Nothing is ever sent twice,
    since lines that are there already are never inserted.
    """
    shown = sorted(actual, key=lambda line: line.number)
    if len(shown) == len(desired) and all(map(_shows, shown, desired)):
        return LineMerge()
    if len(shown) != len(written):
        return LineMerge(conflicts=(_describe_foreign_line(written, desired, shown),))
    merges = [_merge_line(*parts) for parts in zip(written, desired, shown, strict=False)]
    merges += [_insert_line(number, desired) for number in range(len(shown) + 1, len(desired) + 1)]
    merges += [_delete_line(written[at], shown[at]) for at in range(len(desired), len(shown))]
    return LineMerge(
        tuple(change for merge in merges for change in merge.changes),
        tuple(conflict for merge in merges for conflict in merge.conflicts),
        tuple(change for merge in merges for change in merge.fields),
    )


def must_recreate(written: Fields, desired: Fields) -> bool:
    """Whether the document has to be deleted and created anew: another type, or another supplier."""
    return any(written.get(name) != desired.get(name) for name in ("documentType", "supplierNumber"))


def _merge(
    candidates: Sequence[str],
    written: Fields,
    desired: Fields,
    actual: Fields,
    *,
    gentle: frozenset[str] = frozenset(),
) -> Merge:
    to_send: dict[str, FieldValue] = {}
    conflicts: list[Conflict] = []
    noted: list[Change] = []
    for name in candidates:
        ours, theirs, last = desired[name], actual.get(name), written.get(name)
        if same_value(name, ours, theirs):
            continue
        if is_empty(theirs) if name in gentle else same_value(name, theirs, last):
            to_send[name] = ours
        elif name in gentle:
            noted.append(Change(name, theirs, ours))
        else:
            conflicts.append(Conflict(name, last, ours, theirs))
    changes = tuple(Change(name, actual.get(name), value) for name, value in to_send.items())
    return Merge(to_send, changes, tuple(conflicts), tuple(noted), desired)


def _merge_line(written: Fields, desired: Fields, shown: SupplierInvoiceLine) -> LineMerge:
    merged = merge_fields(written, desired, shown.fields)
    name = f"line {shown.number} "
    conflicts = tuple(
        Conflict(name + conflict.field, conflict.written, conflict.desired, conflict.actual)
        for conflict in merged.conflicts
    )
    fields = tuple(Change(name + change.field, change.before, change.after) for change in merged.changes)
    if not merged.to_send:
        return LineMerge(conflicts=conflicts)
    update = LineChange("Update", shown.number, _complete_segments(merged.to_send, desired, shown.fields))
    return LineMerge((update,), conflicts, fields)


def _complete_segments(to_send: Fields, desired: Fields, actual: Fields) -> Fields:
    # a subaccount is written as a whole (Visma reference 6), so the other segments go along as they stand
    if not any(name.startswith(_SEGMENT) for name in to_send):
        return to_send
    names = [name for name in desired if name.startswith(_SEGMENT)]
    return {**to_send, **{name: to_send.get(name) or actual.get(name) or desired[name] for name in names}}


def _insert_line(number: int, desired: Sequence[Fields]) -> LineMerge:
    fields = desired[number - 1]
    changes = tuple(Change(f"new line {number} {name}", None, value) for name, value in fields.items())
    return LineMerge((LineChange("Insert", None, fields),), (), changes)


def _delete_line(written: Fields, shown: SupplierInvoiceLine) -> LineMerge:
    names = [name for name in written if not same_value(name, written[name], shown.fields.get(name))]
    if names:
        return LineMerge(
            conflicts=tuple(
                Conflict(f"line {shown.number} {name}", written[name], None, shown.fields.get(name))
                for name in names
            )
        )
    changes = tuple(Change(f"line {shown.number} {name}", value, None) for name, value in written.items())
    return LineMerge((LineChange("Delete", shown.number, {}),), (), changes)


def _shows(shown: SupplierInvoiceLine, desired: Fields) -> bool:
    return all(same_value(name, value, shown.fields.get(name)) for name, value in desired.items())


def _describe_foreign_line(
    written: Sequence[Fields], desired: Sequence[Fields], shown: Sequence[SupplierInvoiceLine]
) -> Conflict:
    what = "with a line that we did not write" if len(shown) > len(written) else "with a line of ours gone"
    return Conflict("lines", f"{len(written)} lines", f"{len(desired)} lines", f"{len(shown)} lines, {what}")
