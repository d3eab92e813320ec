"""Which goods come first: what sells, at what margin, and how that reaches the index."""

from decimal import Decimal

from sqlalchemy import insert, text

from catalog.matching import joining
from catalog.models import Demand
from catalog.search import roll_sales
from catalog.search import schema as fields
from tests.catalog.goods import Made, Supply
from tests.catalog.test_search import Shop, policies, shop

__all__ = ["policies", "shop"]


def sell(shop: Shop, *sales: tuple[Made, int]) -> int:
    """Let so many units of each be sold in 30 days, and nothing else; returns what was marked."""
    with shop.database.as_system() as session:
        session.execute(text("DELETE FROM demand"))
        for made, units in sales:
            session.execute(insert(Demand).values(sku_id=made.sku_id, sold=units))
        marked = roll_sales(session)
    shop.sync()
    return marked


def test_what_sells_best_comes_first_when_sorted_by_sales(shop: Shop) -> None:
    tea, cup, pot = shop.add("茶"), shop.add("杯"), shop.add("壶")
    shop.sync()
    assert shop.find(sort="-sales") == ["壶", "杯", "茶"]
    assert sell(shop, (tea, 3), (cup, 2)) == 2
    assert shop.find(sort="-sales") == ["茶", "杯", "壶"]
    assert sell(shop, (cup, 2), (pot, 9)) == 2
    assert shop.find(sort="-sales") == ["壶", "杯", "茶"]


def test_sales_are_exact_when_few_and_small_moves_of_many_mark_nothing(shop: Shop) -> None:
    tea, cup = shop.add("茶"), shop.add("杯")
    assert sell(shop, (tea, 63), (cup, 10_000)) == 2
    assert sell(shop, (tea, 62), (cup, 10_100)) == 1
    assert sell(shop, (tea, 62), (cup, 10_100)) == 0
    assert sell(shop, (tea, 62), (cup, 10_600)) == 1
    with shop.database.as_system() as session:
        kept = session.execute(text("SELECT sold FROM product_marks ORDER BY sold")).scalars().all()
    assert kept == [62, 10_496]


def test_what_a_merged_sku_sold_counts_for_the_product_that_it_leads_on_to(shop: Shop) -> None:
    one, cup, other = shop.add("茶"), shop.add("杯"), shop.add("茶", Supply("b"))
    sell(shop, (one, 2), (cup, 3), (other, 2))
    assert shop.find(sort="-sales") == ["杯", "茶", "茶"]
    with shop.database.as_system() as session:
        joining.merge(session, other.sku_id, one.sku_id, "operator")
    assert sell(shop, (one, 2), (cup, 3), (other, 2)) == 2
    assert shop.find(sort="-sales") == ["茶", "杯"]
    with shop.database.as_system() as session:
        assert roll_sales(session, [one.sku_id, other.sku_id]) == 0
        session.execute(text("UPDATE demand SET sold = sold + 1"))
        assert roll_sales(session, [other.sku_id]) == 1
        kept = session.execute(text("SELECT sold FROM product_marks ORDER BY sold")).scalars().all()
    assert kept == [0, 3, 6]


def test_equally_relevant_goods_come_by_sales_then_margin_then_the_newest(shop: Shop) -> None:
    shop.add("绿茶甲", msrp="24")
    shop.add("绿茶乙", msrp="13")
    sold = shop.add("绿茶丙")
    gone = shop.add("绿茶丁", Supply(state="out", quantity=0))
    shop.add("绿茶戊")
    shop.add("茶杯", msrp="90", attributes={"适用": "绿茶"})
    sell(shop, (sold, 5), (gone, 500))
    expected = ["绿茶丙", "绿茶甲", "绿茶乙", "绿茶戊", "绿茶丁"]
    assert shop.find("绿茶") == [*expected, "茶杯"]
    assert [title for title in shop.find() if title != "茶杯"] == expected


def test_a_much_shorter_title_beats_sales_and_a_little_shorter_one_does_not() -> None:
    def rank(words: int, sold: int) -> int:
        return fields.rank(
            on_hand=True, words_in_title=words, sold=sold, margin=Decimal(5), product_id=1
        )

    assert rank(5, 0) < rank(30, 10_000)
    assert rank(7, 9) < rank(5, 1) < rank(7, 1)


def test_every_sort_number_gives_its_product_back() -> None:
    for product in (1, fields.MOST_ID):
        known = {"on_hand": False, "sold": 10**12, "product_id": product}
        for margin in (None, Decimal(-5000), Decimal("99.99")):
            rank = fields.rank(**known, margin=margin, words_in_title=10**6)  # type: ignore[arg-type]
            worth = fields.worth(**known, margin=margin)  # type: ignore[arg-type]
            assert fields.product_of_rank(rank) == fields.product_of_rank(worth) == product
            assert max(rank, worth) < 1 << 63
        assert fields.product_of_key(fields.by_sales(10**12, product)) == product
