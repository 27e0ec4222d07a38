"""What differs between the two countries of the ready-made worlds; names and numbers are invented."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Country:
    """What differs between the two countries."""

    code: str
    currency: str
    time_zone: str
    segment: str
    accounts: tuple[tuple[str, str], ...]
    categories: tuple[tuple[str, str, str, str], ...]
    zones: dict[str, str]
    centres: tuple[tuple[str, str], ...]
    rates: dict[str, str] = field(default_factory=dict)


SWEDEN = Country(
    code="SE",
    currency="SEK",
    time_zone="Europe/Stockholm",
    segment="Kostnadsställe",
    accounts=(
        ("4000", "Inköp av varor"),
        ("5010", "Lokalhyra"),
        ("5410", "Förbrukningsinventarier"),
        ("6540", "IT-tjänster"),
    ),
    categories=(
        ("25", "Ingående moms 25 %", "25", "Vat"),
        ("12", "Ingående moms 12 %", "12", "Vat"),
        ("6", "Ingående moms 6 %", "6", "Vat"),
        ("0", "Momsfritt", "0", "ExemptVat"),
        ("21", "Omvänd skattskyldighet", "25", "ReverseVat"),
    ),
    zones={"01": "Inrikes", "02": "EU", "03": "Utanför EU"},
    centres=(("000", "Gemensamt"), ("100", "Försäljning"), ("200", "Lager i Göteborg"), ("300", "Ledning")),
    rates={"EUR": "11.25", "DKK": "1.51", "NOK": "0.98"},
)
"""USD has no rate on purpose: a bill in dollars meets the missing exchange rate."""

DENMARK = Country(
    code="DK",
    currency="DKK",
    time_zone="Europe/Copenhagen",
    segment="Afdeling",
    accounts=(
        ("4000", "Varekøb"),
        ("5010", "Husleje"),
        ("5410", "Småanskaffelser"),
        ("6540", "It-ydelser"),
    ),
    categories=(
        ("25", "Købsmoms 25 %", "25", "Vat"),
        ("12", "Købsmoms 12 %", "12", "Vat"),
        ("6", "Købsmoms 6 %", "6", "Vat"),
        ("0", "Momsfrit", "0", "ExemptVat"),
        ("21", "Omvendt betalingspligt", "25", "ReverseVat"),
    ),
    zones={"01": "Indland", "02": "EU", "03": "Uden for EU"},
    centres=(("000", "Fælles"), ("100", "Salg"), ("200", "Lager i Ærø"), ("300", "Ledelse")),
    rates={"EUR": "7.46", "SEK": "0.66", "NOK": "0.65"},
)

VENDORS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "SE": (
        ("Kontorsvaror i Åmål AB", "Järnvägsgatan 3", "662 31", "Åmål"),
        ("Östersunds Frakt & Åkeri AB", "Storgatan 18", "831 30", "Östersund"),
        ("Hållbar El i Västerås AB", "Ängsgärdet 2", "721 30", "Västerås"),
        ("Smörgåsköket HB", "Södra vägen 41", "412 54", "Göteborg"),
    ),
    "DK": (
        ("Rønne Kontorforsyning ApS", "Store Torv 1", "3700", "Rønne"),
        ("Blåbjerg Transport A/S", "Søvej 12", "6830", "Nørre Nebel"),
        ("Ærø El og Vand A/S", "Brogade 20", "5970", "Ærøskøbing"),
        ("Smørrebrødskøkkenet I/S", "Vestergade 7", "8000", "Aarhus C"),
    ),
}
