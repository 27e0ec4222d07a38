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
        "The bill's vendor is held, so the bill has no supplier to go to; or Visma takes no documents for "
        "its supplier, which is on hold or inactive there.",
        "Settle the vendor (`connector records show TENANT vendor VENDOR_ID` has its own reason), or "
        f"activate the supplier in Visma; then {_BY_ITSELF}.",
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
        "A line's Visma account does not exist, is not active, or may not be posted to by hand.",
        f"Activate it in Visma, or map the line to another account and {_APPLY}.",
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
        "A mapped VAT category does not exist in Visma or is not active there, or none is set for bills "
        "without VAT.",
        "Activate it in Visma, or change mapping.vat_category, vat_category_exempt or "
        f"[mapping.vat_categories] and {_APPLY}.",
    ),
    "period_missing": Advice(
        "No financial period in Visma holds the bill's invoice date.",
        f"Create the financial year in Visma, or correct the date in BILL; {_BY_ITSELF}.",
    ),
    "period_closed": Advice(
        "The financial period of the bill's invoice date is closed or not active in Visma.",
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
        "Visma already has a document of this supplier with this invoice number, and it is not surely this "
        "bill: it belongs to another bill, differs, or none is to be taken over (sync.adopt_existing).",
        "Find out which of the two is right: void or correct the one in Visma, or archive or correct the "
        "bill in BILL.",
    ),
    "doubled": Advice(
        "Two live documents in Visma carry this bill's marker.",
        "Delete or reverse one of the two documents named in the detail in Visma.",
    ),
    "adopted_changed": Advice(
        "A person entered this document in Visma, and the bill has since changed, was archived or lost its "
        "approval in BILL.",
        "Make the change named in the detail in Visma by hand, or undo it in BILL.",
    ),
    "edited_in_visma": Advice(
        "Someone changed, added or deleted in Visma what has now changed in BILL too.",
        f"Compare both values named in the detail, and make Visma and BILL agree; then {_BY_ITSELF}.",
    ),
    "invoice_released": Advice(
        "The document is released in Visma and can no longer be changed, but the bill changed, was archived "
        "or lost its approval in BILL.",
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
        "See `connector dead-letters list TENANT`, remove the cause, then "
        "`connector dead-letters replay ID`.",
    ),
    "ignored": Advice(
        "This record is not carried over, as it is in BILL now.",
        "Nothing to do; if it should be in Visma, change in BILL what the detail names.",
    ),
}
"""Every state of a record."""


WAITS: Final[Mapping[str, Advice]] = {
    "vendor_first": Advice(
        "The bill waits for its vendor to be carried over.", f"Nothing to do; {_BY_ITSELF}."
    ),
    "walk_first": Advice(
        "Visma's suppliers and invoices are read before anything is created.", f"Nothing to do; {_BY_ITSELF}."
    ),
    "attachments_first": Advice(
        "The bill's documents are copied to the invoice before it is released.",
        f"Nothing to do; {_BY_ITSELF}. What fails is among `connector dead-letters list TENANT`.",
    ),
    "credentials_first": Advice(
        "The tenant's credentials are not stored.",
        "Give them with `connector credentials set TENANT bill` and "
        "`connector credentials set TENANT visma`.",
    ),
}
"""What a pending record can wait for."""

PAUSED: Final = Advice(
    "The tenant is paused: nothing is carried over until it is resumed.",
    f"Go on with `connector tenant resume TENANT`; then {_BY_ITSELF}.",
)
SUSPENDED: Final = Advice(
    "The tenant is suspended: BILL or Visma refused its credentials.",
    "See `connector status TENANT`, then give new ones with `connector credentials set TENANT bill` or "
    f"`... visma`; then {_BY_ITSELF}.",
)


def advise(state: str, reason: str | None) -> Advice:
    """What a record's state means and what to do next; the reason says it best where there is one."""
    told = {"held": REASONS, "pending": WAITS}.get(state, {})
    return told.get(reason or "", STATES[state])
