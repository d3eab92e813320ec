"""A claim that a platform handles leaf by leaf is asked for, and paid back, to the fen."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from connectors.trading import ClaimState
from kit import clock
from kit.db import Database
from kit.ids import inside
from tests.trade.market import NOW, Market, make_desk
from tests.trade.test_claims import claim, seen
from tests.trade.test_supplier_door import Shop
from trade.after_sales import platform_answers, platform_claims
from trade.after_sales.platform_claims import Heard
from trade.desk import SourceTerms
from trade.models import PlatformClaim


def test_parts_of_a_claim_add_up_to_what_was_asked(shared_database: Database) -> None:
    terms = {"teahouse": SourceTerms(platform=True)}
    shop = Shop(Market(shared_database, make_desk(sources=terms)))
    shop.ship("SF1234567890")
    name = claim(shop, 3, 800)
    in_leaves(shop, name)
    with shop.market.db.as_system() as session:
        desk, later = shop.market.desk, clock.now() + timedelta(minutes=1)
        jobs = platform_claims.take(session, desk, "teahouse", later)
        assert sum(job.asked.amount or 0 for job in jobs if job.asked) == Decimal("8.00")
        for job, back in zip(jobs, ("2.67", "2.67", "2.66"), strict=True):
            told = ClaimState(job.claim_ref or "", "refunded", refunded=Decimal(back))
            assert platform_answers.write_down(session, desk, job, Heard(state=told), NOW)
    assert seen(shop, name)["lines"][0]["refunded"] == "8.00"


def in_leaves(shop: Shop, name: str) -> None:
    """Each unit of the claim is in a platform order of its own, and claimed there."""
    with shop.market.db.as_system() as session:
        asked = PlatformClaim.claim_id == inside("clm", name)
        first = session.scalars(select(PlatformClaim).where(asked)).one()
        common = {
            column: getattr(first, column)
            for column in ("claim_id", "purchase_id", "purchase_line_id", "source", "external_id")
        }
        rows = [first, *(PlatformClaim(**common) for _ in range(2))]
        session.add_all(rows)
        for place, row in enumerate(rows):
            row.quantity, row.ref, row.state = 1, f"L{place}-{name}", "open"
            row.claim_ref = f"S{place}-{name}"
