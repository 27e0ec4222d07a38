"""Why a record is held, in plain words, and what a person does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_BY_ITSELF = "it goes on by itself"
_APPLY = "apply the file with `connector tenant apply`"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a reason code means, and the next step."""

    meaning: str
    next_step: str


REASONS: Final[Mapping[str, Advice]] = {
    "no_supplier": Advice(
        "No supplier in Visma matches this vendor, and new ones are not created (sync.unmatched_vendors).",
        "Create the supplier in Visma, or name it with `connector link TENANT VENDOR_ID SUPPLIER_NUMBER`.",
    ),
    "ambiguous_supplier": Advice(
        "Several suppliers in Visma match this vendor, or its name and its numbers point to different ones.",
        "Name the right one with `connector link TENANT VENDOR_ID SUPPLIER_NUMBER`, or correct the numbers.",
    ),
    "supplier_taken": Advice(
        "The supplier with this vendor's number is already linked to another BILL vendor.",
        "Merge the two vendors in BILL, or correct the number of one of them.",
    ),
    "vendor_held": Advice(
        "The bill's vendor is held, so the bill has no supplier to go to.",
        f"Settle the vendor: its own reason is in `connector records show`; then {_BY_ITSELF}.",
    ),
    "foreign_vat": Advice(
        "The vendor is in another country, and the tenant's file does not say how its VAT is treated.",
        f"Add the country, EU or OTHER under [mapping.countries] and {_APPLY}.",
    ),
    "currency_mismatch": Advice(
        "The bill's currency is not the one that the supplier in Visma is fixed to.",
        "Change the supplier's currency in Visma, or correct the vendor's currency in BILL.",
    ),
    "unknown_currency": Advice(
        "Visma does not know the bill's currency.",
        f"Add the currency in Visma; {_BY_ITSELF}.",
    ),
    "no_exchange_rate": Advice(
        "Visma has no exchange rate for the currency on the bill's date.",
        f"Enter the rate in Visma; {_BY_ITSELF}.",
    ),
    "unmapped_account": Advice(
        "A line's BILL account has no Visma account.",
        f"Add it under [mapping.accounts], or set mapping.account, and {_APPLY}.",
    ),
    "inactive_account": Advice(
        "A line's Visma account does not exist or is not active.",
        f"Activate it in Visma, or change [mapping.accounts] and {_APPLY}.",
    ),
    "unmapped_segment": Advice(
        "A line's classification has no value for a segment of the Visma subaccount.",
        f"Add it to the values of [[mapping.segments]], or set a default, and {_APPLY}.",
    ),
    "unknown_segment_value": Advice(
        "A mapped segment value does not exist in Visma or is not active.",
        f"Add the value in Visma, or change [[mapping.segments]] and {_APPLY}.",
    ),
    "unknown_vat_category": Advice(
        "A mapped VAT category does not exist in Visma.",
        f"Change mapping.vat_category or [mapping.vat_categories] and {_APPLY}.",
    ),
    "period_missing": Advice(
        "No financial period in Visma holds the bill's invoice date.",
        f"Create the financial year in Visma, or correct the date in BILL; {_BY_ITSELF}.",
    ),
    "period_closed": Advice(
        "The financial period of the bill's invoice date is closed in Visma.",
        f'Open the period in Visma, or set sync.closed_period = "next_open" and {_APPLY}.',
    ),
    "missing_reference": Advice(
        "The bill has no invoice number.",
        f"Enter the supplier's invoice number in BILL; {_BY_ITSELF}.",
    ),
    "zero_amount": Advice(
        "The bill's total is zero, so there is nothing to book.",
        "Correct the amount in BILL, or archive the bill there.",
    ),
    "mixed_signs": Advice(
        "Visma refuses a document that has lines with both signs like this bill's.",
        "Split the bill in BILL into one with charges and one with credits.",
    ),
    "amount_mismatch": Advice(
        "The lines do not add up to the bill's total, or Visma shows another total than BILL.",
        "Compare the amounts named in the detail, and correct the bill in BILL or the document in Visma.",
    ),
    "duplicate_reference": Advice(
        "Visma already has a document of this supplier with this invoice number, and it belongs to another "
        "bill or differs from this one.",
        "Find out which of the two is right; archive the other bill in BILL, or correct its invoice number.",
    ),
    "doubled": Advice(
        "Two live documents in Visma carry this bill's marker.",
        "Delete or reverse one of the two documents named in the detail in Visma.",
    ),
    "adopted_changed": Advice(
        "A person entered this document in Visma, and the bill has since changed in BILL.",
        "Make the change named in the detail in Visma by hand, or undo it in BILL.",
    ),
    "edited_in_visma": Advice(
        "Someone changed in Visma what has now changed in BILL too.",
        "Compare both values named in the detail, and make Visma and BILL agree.",
    ),
    "invoice_released": Advice(
        "The document is released in Visma and can no longer be changed, but the bill changed in BILL.",
        "Correct the difference named in the detail with a credit or an adjustment in Visma.",
    ),
    "archived_paid": Advice(
        "The bill was archived in BILL although its payment is made or scheduled.",
        "Decide in BILL whether the bill stands: restore it, or void the payment.",
    ),
    "not_in_bill": Advice(
        "BILL no longer knows this record, but it was carried over to Visma.",
        "Check in BILL what became of it; if it is gone for good, remove the document in Visma by hand.",
    ),
}
"""Every reason code a held record can carry."""

STATES: Final[Mapping[str, Advice]] = {
    "pending": Advice("Work is left for this record.", f"Nothing to do; {_BY_ITSELF}."),
    "synced": Advice("Visma has what BILL has.", "Nothing to do."),
    "waiting": Advice(
        "The bill is not approved in BILL yet.", "Approve it in BILL; the rest follows by itself."
    ),
    "held": Advice("A person must decide something.", "Read the detail."),
    "dead": Advice(
        "The work failed for good and left a dead letter.",
        "See `connector dead-letters list`, remove the cause, then `connector dead-letters replay ID`.",
    ),
    "ignored": Advice("This record is not carried over.", "Nothing to do."),
}
"""Every state of a record."""


WAITS: Final[Mapping[str, Advice]] = {
    "vendor_first": Advice(
        "The bill waits for its vendor to be carried over.", f"Nothing to do; {_BY_ITSELF}."
    ),
    "walk_first": Advice(
        "Visma's suppliers and invoices are read before anything is created.", f"Nothing to do; {_BY_ITSELF}."
    ),
    "credentials_first": Advice(
        "The tenant's credentials are not stored.", "Give them with `connector credentials set`."
    ),
}
"""What a pending record can wait for."""


def advise(state: str, reason: str | None) -> Advice:
    """What a record's state means and what to do next; the reason says it best where there is one."""
    told = {"held": REASONS, "pending": WAITS}.get(state, {})
    return told.get(reason or "", STATES[state])
