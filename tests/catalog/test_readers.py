"""What settings say about prices and sources reaches everybody who reads the catalogue."""

from decimal import Decimal

from catalog.pricebook import Pricebook
from catalog.pricing import NOBODY, Buyer, Rule
from kit.settings import Settings
from tests.catalog.goods import NOW
from trade.desk import readership


def test_settings_decide_prices_and_source_policies() -> None:
    settings = Settings(
        pricing={"markup_percent": 15},
        sources={
            "teahouse": {
                "kind": "feed",
                "location": "inbox/*.csv",
                "unknown_stock": "ask",
                "serves": ["procure"],
            }
        },
    )
    readers = readership(settings, Pricebook())
    leader, buyer = (readers.reader(role, NOBODY, NOW) for role in ("leader", "buyer"))
    assert leader.prices.markup_percent == Decimal(15)
    assert (leader.prices.serves, buyer.prices.serves) == ("resell", "procure")
    assert not leader.sees_sources
    assert buyer.sees_sources
    assert leader.policy("teahouse").unknown_stock == "ask"
    assert leader.policy("teahouse").serves == {"procure"}
    assert leader.policy("another").serves == {"resell", "procure"}
    assert [one.prices.id for one in readers.per_list(NOW)] == ["procure", "resale"]


def test_a_level_that_rules_name_has_lists_of_its_own() -> None:
    book = Pricebook(1, (Rule(1, Decimal(5), level="金牌"), Rule(2, Decimal(3), party=7)))
    readers = readership(Settings(), book)
    ids = [one.prices.id for one in readers.per_list(NOW)]
    assert len(ids) == len(set(ids)) == 4
    assert all(one.isascii() and one.replace("_", "").isalnum() for one in ids)
    gold = readers.reader("leader", Buyer(8, frozenset(), "金牌"), NOW)
    other = readers.reader("leader", Buyer(7), NOW)
    assert gold.prices.id in ids
    assert other.prices.id == "resale"
    assert [rule.markup_percent for rule in gold.prices.rules] == [Decimal(5)]
    assert [rule.markup_percent for rule in other.prices.rules] == [Decimal(3)]
