"""The chapters of the day, in order. A new one is a function of a ``Day`` and a line in ``CHAPTERS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.demo.chapters import changes, closing, deciding, opening, post, trouble
from deploy.demo.day import Day


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the day; ``play`` returns when what must follow has followed."""

    title: str
    play: Callable[[Day], None]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter("Two client companies are connected", opening.connect_clients),
    Chapter("Suppliers that Visma knows already", opening.meet_known_suppliers),
    Chapter("The morning's post, every notification twice", post.bring_morning_post),
    Chapter("A bill waits for its approval", post.wait_for_approval),
    Chapter("A credit, and an invoice in euros", post.bring_credit_and_euros),
    Chapter("A corrected bill, a renamed vendor", changes.correct_and_rename),
    Chapter("Two suppliers of one name", deciding.hold_ambiguous_vendor),
    Chapter("A cost centre nobody mapped", deciding.free_unmapped_cost_centre),
    Chapter("A notification gets lost", trouble.lose_notification),
    Chapter("Signed out in the middle of the day", trouble.expire_session_and_token),
    Chapter("Two people, one document", trouble.collide_in_visma),
    Chapter("A bill is deleted", changes.delete_bill),
    Chapter("A task dies and is replayed", closing.replay_dead_letter),
    Chapter("The month is proved", closing.prove_the_month),
)
