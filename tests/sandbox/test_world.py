"""The invented goods: the same for the same seed, and restless."""

from stdnum import ean

from sandbox.world import World


def test_the_same_seed_gives_the_same_world() -> None:
    one, two, other = World("a", 50), World("a", 50), World("b", 50)
    assert [one.listing(i) for i in range(50)] == [two.listing(i) for i in range(50)]
    assert one.listing(3) != other.listing(3)


def test_goods_are_whole() -> None:
    world = World("a", 200)
    skus = [sku for i in range(200) for sku in world.listing(i).skus]
    assert len({sku.key for sku in skus}) == len(skus)
    assert all(ean.is_valid(sku.gtin) for sku in skus)
    assert all(world.price(sku) > 0 and world.stock(sku) >= 0 for sku in skus)


def test_prices_and_stock_move_with_the_ticks_and_stay_when_nailed() -> None:
    world = World("a", 100)
    skus = [sku for i in range(100) for sku in world.listing(i).skus]
    before = [(world.price(sku), world.stock(sku)) for sku in skus]
    world.fix(skus[0].key, price=1234, stock=7)
    world.tick += 1
    after = [(world.price(sku), world.stock(sku)) for sku in skus]
    moved = sum(was != now for was, now in zip(before, after, strict=True))
    assert 0 < moved < len(skus)
    assert after[0] == (1234, 7)
    world.taken[skus[0].key] += 9
    assert world.stock(skus[0]) == 0
