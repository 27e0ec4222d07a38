"""Morning: the clients are set up, and their old suppliers are found again."""

from __future__ import annotations

from deploy.demo.chapters.proofs import prove_twice_delivered
from deploy.demo.clients import ACME, CLIENTS, CREDENTIALS, NORDWIND, Client, found, supplier
from deploy.demo.day import Day, as_input, since
from deploy.sandbox.jsonio import Json

_OLD_SUPPLIERS: dict[str, list[Json]] = {
    ACME.id: [
        supplier("Kontorsvaror Åmål", corporateId="556000-0000"),
        supplier("SMÖRGÅSKÖKET"),
        supplier("Hållbar El i Västerås AB", mainAddress={"city": "Västerås"}),
        supplier("Hållbar El i Västerås AB", mainAddress={"city": "Köping"}),
    ],
    NORDWIND.id: [
        supplier("Ærø Elværk", vatRegistrationId="DK 10 00 00 02"),
        supplier("Smørrebrødskøkkenet"),
    ],
}
"""What people entered in Visma years ago. Most will be recognized; two of one name cannot be told apart."""


def connect_clients(day: Day) -> None:
    """Set up BILL and Visma, then do what an operator does: settings, credentials, webhooks."""
    for client in CLIENTS:
        day.visma_tenants[client.id] = found(day.control, client)
        _enter_old_suppliers(day, client)
    day.tell(
        "An accounting firm looks after Acme AB in Sweden and Nordwind ApS in Denmark. Both enter and "
        "approve their bills in BILL; their books are kept in Visma.net."
    )
    _run_commands(day)
    day.tell("From now on BILL notifies the connector, and every 2 s it also looks for itself.")


def _run_commands(day: Day) -> None:
    for client in CLIENTS:
        path = day.stage.home / client.file_name
        path.write_text(day.settings_text(client), encoding="utf-8")
    files = [str(day.stage.home / client.file_name) for client in CLIENTS]
    day.stage.connector("tenant", "apply", *files)
    day.run_each(
        [
            (("credentials", "set", client.id, system), as_input(values))
            for client in CLIENTS
            for system, values in CREDENTIALS.items()
        ]
    )
    day.run_each([(("webhook", "subscribe", client.id), None) for client in CLIENTS])
    day.narrator.show_commands(
        [
            f"connector tenant apply {' '.join(client.file_name for client in CLIENTS)}",
            *(f"connector credentials set {client.id} bill|visma" for client in CLIENTS),
            *(f"connector webhook subscribe {client.id}" for client in CLIENTS),
        ]
    )


def _enter_old_suppliers(day: Day, client: Client) -> None:
    day.story.old_suppliers[client.id] = [
        day.control.create_supplier(client.company, one) for one in _OLD_SUPPLIERS[client.id]
    ]


def meet_known_suppliers(day: Day) -> None:
    """The same companies come as vendors from BILL: linked, never made a second time."""
    for client in CLIENTS:
        # All that BILL sends this morning comes twice, until ``bring_morning_post`` is over.
        day.control.add_fault("repeat_hook", tenant=client.organization, times=None)
    day.story.promise("every notification of the morning was delivered twice", prove_twice_delivered(day))
    started = day.clock()
    bills = [
        _meet(day, ACME, 0, "Kontorsvaror Åmål", "K-2101", "4999.00"),
        _meet(day, ACME, 3, "SMÖRGÅSKÖKET", "860", "1187.50"),
        _meet(day, NORDWIND, 2, "Ærø Elværk", "70012", "3400.00"),
        _meet(day, NORDWIND, 3, "Smørrebrødskøkkenet", "55-1", "742.00"),
    ]
    day.tell(
        "Four vendors and a bill of each are entered in BILL. Visma has had these suppliers for years, "
        "under other spellings."
    )
    for client, bill in bills:
        day.wait_for_document(client, bill)
    day.tell(
        f"After {since(day, started)} all four bills are in Visma, on the suppliers that were there: two "
        "recognized by their company number, two by their name. No supplier was made twice."
    )


def _meet(
    day: Day, client: Client, place: int, known_as: str, number: str, amount: str
) -> tuple[Client, Json]:
    vendor = day.new_vendor(client, place)
    number_in_visma = day.story.find_old_supplier(client.id, known_as)
    day.story.partners[client.id][vendor["id"]] = number_in_visma
    return client, day.new_bill(client, vendor, number, amount)
