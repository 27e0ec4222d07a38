"""``connector keys``: the master keys that all credentials are sealed under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from shared.errors import ConnectorError
from shared.store.pool import Conn
from shared.store.secrets import StoredSecret, find_secret, list_all_secrets, swap_secret
from shared.vault import SealBroken, UnknownKeyId, Vault
from workers.cli.output import say
from workers.cli.session import Session, pass_session


@dataclass(slots=True)
class _Count:
    """What became of the secrets of one kind; the texts say why some were left as they are."""

    resealed: int = 0
    current: int = 0
    problems: list[str] = field(default_factory=list)


@click.group(short_help="The master keys that seal all credentials.")
def keys() -> None:
    """The master keys that all credentials are sealed under."""


@keys.command(short_help="Reseal every secret under the first master key.")
@pass_session
def rotate(session: Session) -> None:
    """Reseal every secret under the first master key.

    To change the key: add the new one at the end of CONNECTOR_MASTER_KEYS everywhere and restart, put it
    first everywhere and restart, run this command, then drop the old one. Safe to repeat, and to run
    while the connector works.

    \b
    Example:
      connector keys rotate
    """
    with session.database() as conn:
        counts = _rotate(conn, session.vault, list_all_secrets(conn))
    key_id = session.vault.sealing_key_id
    for kind, count in counts.items():
        already = f", {count.current} were already" if count.current else ""
        say(f"{kind}: {count.resealed} resealed under key {key_id}{already}")
    if not counts:
        say("no secrets are stored yet")
    problems = [problem for count in counts.values() for problem in count.problems]
    if problems:
        raise ConnectorError(f"left as they are: {'; '.join(problems)}")


def _rotate(conn: Conn, vault: Vault, stored: Iterable[StoredSecret]) -> dict[str, _Count]:
    """Reseal what is sealed under another key than the first; counts by kind."""
    counts: dict[str, _Count] = {}
    for secret in stored:
        count = counts.setdefault(secret.kind, _Count())
        try:
            if _reseal(conn, vault, secret):
                count.resealed += 1
            else:
                count.current += 1
        except UnknownKeyId as error:
            count.problems.append(
                f"{secret.kind} of {secret.tenant} is sealed under key {error.key_id}, which "
                "CONNECTOR_MASTER_KEYS does not hold: add that key and run this again"
            )
        except SealBroken:
            count.problems.append(f"{secret.kind} of {secret.tenant} does not open: set it again")
    return counts


def _reseal(conn: Conn, vault: Vault, secret: StoredSecret) -> bool:
    """Whether it was resealed; False when it is under the first key already.

    Opened in any case, so that a first key of the right id and the wrong bytes is noticed before the old
    one is dropped. Raises UnknownKeyId and SealBroken.
    """
    tenant, kind = secret.tenant, secret.kind
    while True:
        plain = vault.unseal(secret.sealed, tenant=tenant, kind=kind)
        if secret.sealed.key_id == vault.sealing_key_id:
            return False
        if swap_secret(conn, secret, vault.seal(plain, tenant=tenant, kind=kind)):
            return True
        found = find_secret(conn, tenant, kind)  # set anew meanwhile, by an older process perhaps
        if found is None:
            return False
        secret = StoredSecret(tenant, kind, found)
