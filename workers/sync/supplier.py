"""Makes one vendor true: links it to its supplier in Visma, creates that, or updates it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from shared.bill.models import Vendor
from shared.errors import NeedsPerson, NotFound
from shared.fields import Change, Fields, fields_from_json
from shared.store import links, records, visma_index
from shared.store.records import Record
from shared.store.visma_index import SUPPLIER_TYPE
from shared.tenants import TenantConfig
from shared.visma.models import Supplier
from shared.visma.suppliers import PAGE_SIZE
from workers.mapping.checks import check_currency_known
from workers.mapping.keys import fold_name, number_keys
from workers.mapping.supplier import SupplierDraft, map_supplier
from workers.sync.befores import find_fields_before, read_fields_before
from workers.sync.bodies import Origin, supplier_body
from workers.sync.content import read_vendor
from workers.sync.index import drafted_supplier_entry, indexed_supplier, supplier_entry
from workers.sync.intention import Intention
from workers.sync.judge import judge_vendor
from workers.sync.matching import Match, match_by_hand, match_supplier
from workers.sync.merge import Merge, merge_supplier
from workers.sync.outcome import Outcome, resolved, settled, written
from workers.sync.payment import note_payment
from workers.sync.upsert import create, find_created, look_back_from, take_over, write_with_etag
from workers.sync.walks import collect
from workers.sync.work import Work


def upsert_supplier(work: Work) -> Outcome:
    """Make the claimed vendor true in Visma; what came of it. Raises the tree of ``shared.errors``."""
    found = _find_created(work, work.intention) if work.intention else None
    if found is not None:
        take_over(work, SUPPLIER_TYPE, found.number, found.etag)
    vendor = read_vendor(work)
    draft = map_supplier(vendor, work.tenant)
    verdict = judge_vendor(vendor, work.tenant, needed=_is_needed(work))
    if verdict.decision != "go":
        return settled(
            work.record,
            verdict.decision,
            version=vendor.updated_at,
            reason=verdict.reason,
            detail=verdict.detail,
        )
    by_hand = _find_by_hand(work)
    known = work.record.body
    if work.record.is_linked and by_hand.number in {None, work.record.visma_number}:
        outcome = _update(work, vendor, draft)
        outcome = resolved(outcome, supplier_entry(work.tenant.id, found)) if found else outcome
    else:
        outcome = _link_or_create(work, vendor, draft, by_hand)
    return note_payment(outcome, vendor, known)


def _find_by_hand(work: Work) -> Match:
    with work.conn() as conn:
        linked_number = links.find_link(conn, work.tenant.id, work.record.bill_id)
    return match_by_hand(work.record.bill_id, work.tenant, linked_number)


def _is_needed(work: Work) -> bool:
    if work.record.is_linked:
        return True
    with work.conn() as conn:
        return records.has_bills(conn, work.record.tenant, work.record.bill_id)


def _link_or_create(work: Work, vendor: Vendor, draft: SupplierDraft, by_hand: Match) -> Outcome:
    work.ensure_visma_known()
    work.take_supplier_turn()
    match = _match(work, vendor, by_hand)
    if match.number is not None:
        return _link(work, vendor, draft, match.number, match.how or "")
    if work.tenant.sync.unmatched_vendors == "hold":
        raise NeedsPerson(
            "no_supplier",
            f"no supplier in Visma is {vendor.name}: create it there, or link it by hand with "
            f"`connector link {work.tenant.id} {vendor.id} SUPPLIER_NUMBER`",
        )
    return _create(work, vendor, draft)


def _match(work: Work, vendor: Vendor, by_hand: Match) -> Match:
    with work.conn() as conn:
        entries = visma_index.find_supplier_candidates(
            conn,
            work.tenant.id,
            vendor_id=vendor.id,
            number_keys=sorted(number_keys(vendor.tax_id)),
            name_key=fold_name(vendor.name),
            number=by_hand.number,
        )
        numbers = {entry.number for entry in entries} | ({by_hand.number} if by_hand.number else set())
        linked = records.find_linked_vendors(conn, work.tenant.id, sorted(numbers))
    if by_hand.number is not None:
        _refuse_taken(vendor, by_hand, linked.get(by_hand.number))
    candidates = [indexed_supplier(entry, linked.get(entry.number)) for entry in entries]
    return match_supplier(vendor, candidates, work.tenant, linked_number=by_hand.number)


def _refuse_taken(vendor: Vendor, by_hand: Match, taken_by: str | None) -> None:
    """A supplier belongs to one vendor, also where a person says otherwise."""
    if taken_by not in {None, vendor.id}:
        raise NeedsPerson(
            "supplier_taken",
            f"{by_hand.how} ties {vendor.id} to supplier {by_hand.number}, but vendor {taken_by} is linked "
            "to it: give each vendor a supplier of its own",
        )


def _create(work: Work, vendor: Vendor, draft: SupplierDraft) -> Outcome:
    _check_currency(work, str(draft.fields["currencyId"]))
    work.take_turn()
    intention = Intention(SUPPLIER_TYPE, work.clock(), supplier_body(draft.fields, "created"))
    number, etag = create(
        work,
        intention,
        lambda: work.visma.create_supplier(draft.fields),
        lambda: _find_linked(work, intention),
    )
    return written(
        work.record,
        "created",
        version=vendor.updated_at,
        body=intention.body,
        etag=etag,
        number=(SUPPLIER_TYPE, number),
        notes=draft.notes,
        entries=(drafted_supplier_entry(work.tenant.id, number, etag, draft.fields),),
    )


def _check_currency(work: Work, currency: str) -> None:
    """Raise NeedsPerson where not even Visma's newest list has the currency: a create would be refused."""
    if currency not in work.lists.visma_lists().currencies:
        check_currency_known(currency, work.lists.visma_lists(refresh=True))


def _link(work: Work, vendor: Vendor, draft: SupplierDraft, number: str, how: str) -> Outcome:
    """Tie the vendor to a supplier that is there; nothing that people filled in is overruled."""
    sent = work.sent if work.sent is not None and work.sent.number == number else None
    origin: Origin = "created" if how == "account_reference" else "matched"
    body = supplier_body(draft.fields, sent.body["origin"] if sent else origin)

    def plan(actual: Supplier) -> Merge:
        work.unanswered = False
        ours = _filled_in(sent, actual)
        return merge_supplier(ours, draft.fields, actual.fields, may_clear=vendor.whole, first_link=True)

    try:
        if work.tenant.sync.update_matched_suppliers or body["origin"] == "created":
            actual, merge, etag = _write(
                work, number, plan, body, lambda actual: {**body, "fields": dict(_filled_in(sent, actual))}
            )
        else:
            actual = work.visma.fetch_supplier(number)
            merge, etag = Merge({}), actual.etag
    except NotFound as error:
        raise NeedsPerson(
            "no_supplier", f"supplier {number}, linked by {how}, is not in Visma: correct the link"
        ) from error
    entry = supplier_entry(work.tenant.id, actual)
    return written(
        work.record,
        "linked",
        version=vendor.updated_at,
        body=body,
        etag=etag,
        number=(SUPPLIER_TYPE, number),
        changes=merge.changes,
        notes=(f"linked to {actual.name} by {how}", *draft.notes, *tell_differences(merge.noted)),
        entries=(replace(entry, etag=etag, bill_id=vendor.id if merge.to_send else entry.bill_id),),
    )


def _filled_in(sent: Intention | None, actual: Supplier) -> Fields:
    """What we filled in at a supplier that people made, by an update to link it that has no answer."""
    if sent is None:
        return {}
    kept, tried = ((body or {}).get("fields", {}) for body in (sent.before, sent.body))
    return find_fields_before(fields_from_json(kept), fields_from_json(tried), actual.fields)


def _write(
    work: Work,
    number: str,
    plan: Callable[[Supplier], Merge],
    body: dict[str, Any],
    before: Callable[[Supplier], dict[str, Any] | None],
) -> tuple[Supplier, Merge, str]:
    """Merge into the supplier as Visma shows it and write what differs, if anything does."""
    merges: list[Merge] = []

    def plan_or_none(actual: Supplier) -> Merge | None:
        merges.append(plan(actual))
        if merges[-1].conflicts:
            raise NeedsPerson("edited_in_visma", "; ".join(map(str, merges[-1].conflicts)))
        return merges[-1] if merges[-1].to_send else None

    actual, _, etag = write_with_etag(
        work,
        lambda: work.visma.fetch_supplier(number),
        plan_or_none,
        lambda merge, tag: work.visma.update_supplier(number, merge.to_send, tag),
        body=lambda _: body,
        before=before,
        number=None if number == work.record.visma_number else number,
    )
    return actual, merges[-1], etag


def _find_linked(work: Work, intention: Intention) -> list[Supplier]:
    """The suppliers in Visma that an announced create may have made."""
    since = look_back_from(intention)
    return [
        supplier
        for supplier in collect(
            lambda page: work.visma.list_suppliers(modified_since=since, page=page), PAGE_SIZE
        )
        if (supplier.account_reference or "").strip() == work.record.bill_id
    ]


def _find_created(work: Work, intention: Intention) -> Supplier | None:
    found = find_created(work, intention, lambda: _find_linked(work, intention))
    if len(found) > 1:
        numbers = ", ".join(supplier.number for supplier in found)
        raise NeedsPerson("ambiguous_supplier", f"suppliers {numbers} all carry this vendor's BILL id")
    return found[0] if found else None


def _update(work: Work, vendor: Vendor, draft: SupplierDraft) -> Outcome:
    body = work.record.body or supplier_body({}, "matched")
    before = fields_from_json(body["fields"])
    unchanged = settled(work.record, "unchanged", version=vendor.updated_at)
    if work.sent is not None and work.sent.number is not None:
        work.sent = None  # it went to a supplier that a person has since said is not this vendor's
    left_alone = is_left_alone(work.record, work.tenant)
    if left_alone and work.sent is None:
        return unchanged
    # what the merge would say if Visma still showed what we wrote last
    expected = merge_supplier(before, draft.fields, before, may_clear=vendor.whole)
    if work.sent is None and not expected.to_send and not expected.noted:
        return unchanged

    def plan(actual: Supplier) -> Merge:
        work.unanswered = False
        if left_alone:  # only what became of the update that has no answer is read
            return Merge({}, written=_readings(work, actual)[0])
        for reading in reversed(_readings(work, actual)):  # the likeliest last
            # should this run end with a person's turn, the row knows what it was judged by
            work.record = replace(work.record, body={**body, "fields": dict(reading)})
            merge = merge_supplier(reading, draft.fields, actual.fields, may_clear=vendor.whole)
            if merge.conflicts:
                break
        return merge

    body_after = {**body, "fields": dict(expected.written)}
    actual, merge, etag = _write(
        work, str(work.record.visma_number), plan, body_after, lambda actual: _before(work, actual)
    )
    return written(
        work.record,
        "updated" if merge.to_send else "unchanged",
        version=vendor.updated_at,
        body={**body, "fields": dict(merge.written)},
        etag=etag,
        changes=merge.changes,
        notes=(*draft.notes, *tell_differences(merge.noted)),
        entries=(replace(supplier_entry(work.tenant.id, actual), etag=etag),),
    )


def is_left_alone(record: Record, tenant: TenantConfig) -> bool:
    """Whether the vendor's supplier was made by people, and the tenant wants those left as they are."""
    origin = (record.body or {}).get("origin", "matched")
    return origin == "matched" and not tenant.sync.update_matched_suppliers


def _readings(work: Work, actual: Supplier) -> Sequence[Fields]:
    """What we wrote last, the likeliest first: an update without an answer may have happened."""
    kept = fields_from_json(work.kept_body["fields"])
    if work.sent_body is None:
        return [kept]
    return read_fields_before(kept, fields_from_json(work.sent_body["fields"]), actual.fields)


def _before(work: Work, actual: Supplier) -> dict[str, Any] | None:
    if work.sent is None or not work.kept_body:
        return None
    return {**work.kept_body, "fields": dict(_readings(work, actual)[0])}


def tell_differences(noted: Sequence[Change]) -> tuple[str, ...]:
    """What is left as people have it in Visma although BILL says otherwise, in words."""
    return tuple(
        f"{change.field} left as {change.before} in Visma, BILL has {change.after}" for change in noted
    )
