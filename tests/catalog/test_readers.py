"""What settings say about prices and sources reaches everybody who reads the catalogue."""

from decimal import Decimal

from kit.settings import Settings
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
    readers = readership(settings)
    leader, buyer = readers.reader("leader"), readers.reader("buyer")
    assert leader.prices.markup_percent == Decimal(15)
    assert (leader.prices.serves, buyer.prices.serves) == ("resell", "procure")
    assert not leader.sees_sources
    assert buyer.sees_sources
    assert leader.policy("teahouse").unknown_stock == "ask"
    assert leader.policy("teahouse").serves == {"procure"}
    assert leader.policy("another").serves == {"resell", "procure"}
    assert [one.prices.id for one in readers.per_list()] == ["procure", "resale"]
