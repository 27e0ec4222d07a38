"""What a person must decide is held, with its reason, and goes on by itself when that is done."""

from __future__ import annotations

from deploy.demo.clients import ACME
from deploy.demo.day import Day, since
from deploy.sandbox import seeds

_BEFORE = '"Lager i Göteborg" = "200" }'
_MENDED = '"Lager i Göteborg" = "200", "Ledning" = "300" }'


def hold_ambiguous_vendor(day: Day) -> None:
    """A vendor that could be either of two suppliers is held, and its bill with it."""
    vendor = day.new_vendor(ACME, 2)
    bill = day.new_bill(ACME, vendor, "EL-77", "6230.00")
    day.tell(
        "Hållbar El i Västerås AB sends a bill. Visma has two suppliers of exactly that name, and neither "
        "has a company number."
    )
    day.story.held[ACME.id, vendor["id"]] = "ambiguous_supplier"
    day.story.held[ACME.id, bill["id"]] = "vendor_held"
    day.wait_for_state(ACME, "vendor", vendor["id"], "held")
    day.wait_for_state(ACME, "bill", bill["id"], "held")
    day.tell(
        "The connector does not guess: vendor and bill are held until a person says which one it is. Both "
        "will still be held at the end of the day."
    )


def free_unmapped_cost_centre(day: Day) -> None:
    """A line on a cost centre without a counterpart is held; the mended settings file frees it."""
    centre = {
        "chartOfAccountId": seeds.account_id(seeds.SWEDEN, "6540"),
        "departmentId": seeds.department_id(seeds.SWEDEN, "300"),
    }
    line = {"amount": 15900, "description": "Licenser ledningsgruppen", "classifications": centre}
    vendor = day.get_vendor(ACME, "Kontorsvaror i Åmål AB")
    bill = day.new_bill(ACME, vendor, "K-2102", billLineItems=[line])
    reason = day.wait_for_state(ACME, "bill", bill["id"], "held")
    day.tell(
        "A bill arrives on the cost centre Ledning, which Acme's settings do not know. It is held, and the "
        f"reason is {reason}."
    )
    text = day.settings_text(ACME)
    started = day.clock()
    day.apply(ACME, mend(text))
    day.narrator.show_commands([f"connector tenant apply {ACME.file_name}"])
    day.wait_for_document(ACME, bill)
    day.tell(
        f"Someone adds Ledning to the settings file and applies it: {since(day, started)} later the bill is "
        "in Visma, on cost centre 300."
    )


def mend(settings: str) -> str:
    """Acme's settings with the cost centre that was missing."""
    return settings.replace(_BEFORE, _MENDED)
