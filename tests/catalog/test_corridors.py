"""The corridor is what every offer and every policy in force allows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from catalog.corridors import PricePolicy, allows_none, corridor
from catalog.pricing import Goods
from catalog.scopes import Scope, prefix

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class _Offer:
    sku_id: int
    goods: Goods
    min_retail: Decimal | None
    max_retail: Decimal | None


bounds = st.none() | st.integers(1, 100).map(Decimal)
goods = st.builds(Goods, st.sampled_from("ab"), st.sampled_from(["x", None]), st.just("茶 > 绿茶"))
moments = st.none() | st.integers(-2, 2).map(lambda days: NOW + timedelta(days=days))
scopes = st.builds(
    Scope,
    st.sampled_from(["", "a", "b"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, "x", "y"]),
    st.sampled_from([None, "茶", "茶 > 绿茶", "绿茶"]),
    st.sampled_from([(), ("44",), ("1101", "4403")]),
    moments,
    moments,
)
offers = st.lists(st.builds(_Offer, st.just(1), goods, bounds, bounds), max_size=4)
policies = st.lists(st.builds(PricePolicy, scopes, bounds, bounds), max_size=6)


def _counts(policy: PricePolicy, offer: _Offer, region: str) -> bool:
    scope = policy.scope
    return (
        scope.source in ("", offer.goods.source)
        and scope.sku_id in (None, offer.sku_id)
        and scope.brand in (None, offer.goods.brand)
        and scope.category in (None, "茶", "茶 > 绿茶")
        and (not scope.regions or any(region.startswith(code) for code in scope.regions))
        and (scope.since is None or scope.since <= NOW)
        and (scope.until is None or scope.until > NOW)
    )


def _within(price: Decimal, floor: Decimal | None, ceiling: Decimal | None) -> bool:
    return (floor is None or price >= floor) and (ceiling is None or price <= ceiling)


@given(offers, policies, st.sampled_from(["", "440305", "110105"]), st.integers(0, 101))
def test_a_price_is_allowed_when_all_allow_it(
    offers: list[_Offer], policies: list[PricePolicy], region: str, price: int
) -> None:
    limits = [(offer.min_retail, offer.max_retail) for offer in offers]
    limits += [
        (policy.min_retail, policy.max_retail)
        for policy in policies
        if any(_counts(policy, offer, region) for offer in offers)
    ]
    allowed = corridor(offers, policies, region, NOW)
    assert _within(Decimal(price), *allowed) == all(_within(Decimal(price), *one) for one in limits)
    if allows_none(allowed):
        assert not _within(Decimal(price), *allowed)


def test_a_whole_province_or_city_is_what_its_codes_begin_with() -> None:
    given = ["440000", "440300", "440305", "44", "441900", "110105001"]
    assert [prefix(code) for code in given] == ["44", "4403", "440305", "44", "4419", "110105001"]
