"""What operators do about money that waits: deposits, payouts, debts, statements, books."""

from collections.abc import Mapping

from api.doing import Doing, Work
from trade import wallets
from trade.settling import debts, payouts, reconciliations, statements


def _confirm_deposit(it: Doing) -> None:
    wallets.confirm(it.session, it.subject, it.now)


def _refuse_deposit(it: Doing) -> None:
    wallets.refuse(it.session, it.subject, it.need("reason"), it.now)


def _approve_payout(it: Doing) -> None:
    payouts.approve(it.session, it.desk.person_rule, it.subject, it.caller.party_id, it.now)


def _refuse_payout(it: Doing) -> None:
    payouts.failed(it.session, it.subject, it.need("reason"), it.now)


def _set_off(it: Doing) -> None:
    debts.set_off(it.session, it.key)


def _write_off(it: Doing) -> None:
    it.need("reason")
    debts.write_off(it.session, it.key)


def _answer(it: Doing) -> None:
    statements.answer(it.session, it.subject, it.need("reason"), it.now)


def _accept(it: Doing) -> None:
    reconciliations.accept(it.session, it.subject, it.now)


def _dismiss(it: Doing) -> None:
    reconciliations.dismiss(it.session, it.subject, it.need("reason"), it.now)


WORK: Mapping[tuple[str, str], Work] = {
    ("deposit_waiting", "confirm"): ("parties:write", _confirm_deposit),
    ("deposit_waiting", "refuse"): ("parties:write", _refuse_deposit),
    ("payout_waiting", "approve"): ("payouts:write", _approve_payout),
    ("payout_waiting", "refuse"): ("payouts:write", _refuse_payout),
    ("earnings_owed", "set_off"): ("payouts:write", _set_off),
    ("earnings_owed", "write_off"): ("payouts:write", _write_off),
    ("statement_disputed", "answer"): ("payouts:write", _answer),
    ("books_differ", "accept"): ("payouts:write", _accept),
    ("books_differ", "dismiss"): ("payouts:write", _dismiss),
}
"""As `workbench` has it of every other kind."""
