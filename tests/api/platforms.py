"""Goods of the sandbox's platforms behind the API: bought over real HTTP, priced by the test."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kit import clock
from kit.ids import inside
from tests.api.shop import Shop, ordering
from tests.stage import Stage
from tests.trade.market import Goods
from trade import following, invariants, rerouting, submit
from trade.after_sales import taking_back

JD, ALI = "jd-vop", "ali"


@dataclass(frozen=True)
class Trade:
    """A shop whose goods come from platforms; prices in fen."""

    shop: Shop
    stage: Stage

    def goods(self, source: str, fen: int, place: int = 0, **fields: Any) -> Goods:
        """Goods that cost so much, here and there; the `place`-th of the platform's."""
        if source == JD:
            name = str(self.stage.act("jd", "skus")[place])
        else:
            name = self.stage.act("ali1688", "offers", limit=30)[place]["skus"][0]["external_id"]
        found = self.shop.market.offer(
            source=source, external_id=name, cost=f"{fen / 100:.2f}", seller=source, **fields
        )
        self.price(source, name, fen)
        return found

    def price(self, source: str, name: str, fen: int, stock: int = 50) -> None:
        """What a platform asks from now on."""
        if source == JD:
            key = self.stage.act("jd", "good", sku=int(name))["key"]
            self.stage.post("goods", platform="jd", key=key, price=fen, stock=stock)
            return
        offers = self.stage.act("ali1688", "offers", limit=30)
        [key] = [x["key"] for one in offers for x in one["skus"] if x["external_id"] == name]
        self.stage.post("goods", platform="ali1688", key=key, price=fen, stock=stock)

    def ordered(self, *goods: Goods, quantity: int = 1, **fields: Any) -> str:
        """An order of the leader; its id."""
        lines = [{"sku": one.sku, "quantity": quantity} for one in goods]
        body = ordering(goods[0], **{"lines": lines} | fields)
        return str(self.shop.said("leader", "/v1/orders", body)["id"])

    def worked(self, *sources: str) -> None:
        """Workers submit what is due and look elsewhere for what was refused, until all is done."""
        office = self.shop.app.state.office
        until = clock.now() + timedelta(seconds=60)
        desk, db = office.terms.desk, self.shop.db
        while sum(submit.drain(db, desk, source, office.source, until) for source in sources):
            rerouting.drain(db, desk, until, platforms=office.platforms)

    def followed(self, *sources: str) -> None:
        """Platforms are asked what became of what they hold, until nothing is due."""
        until, office = clock.now() + timedelta(seconds=60), self.shop.app.state.office
        for source in sources:
            following.drain(self.shop.db, source, office.source, until)
        rerouting.drain(self.shop.db, office.terms.desk, until, platforms=office.platforms)
        self.worked(*sources)

    def claimed(self, *sources: str) -> None:
        """Platforms are asked about claims, until nothing is due."""
        until, office = clock.now() + timedelta(seconds=60), self.shop.app.state.office
        for source in sources:
            taking_back.drain(self.shop.db, office.terms.desk, source, office.source, until)

    def retried(self, *sources: str) -> None:
        """Held lines are tried once more, as cron does."""
        until = clock.now() + timedelta(seconds=60)
        platforms = self.shop.app.state.office.platforms
        rerouting.drain(self.shop.db, platforms.desk, until, held=True, platforms=platforms)
        self.worked(*sources)

    def seen(self, order: str) -> Any:
        """The order as its leader sees it."""
        return self.shop.got("leader", f"/v1/orders/{order}")

    def told(self, order: str, kind: str) -> list[Any]:
        """What the order's timeline says of one kind, but for deadlines."""
        found = [one["detail"] for one in self.seen(order)["timeline"] if one["kind"] == kind]
        return [one and {k: v for k, v in one.items() if k != "deadline"} for one in found]

    def decided(self, order: str) -> list[Any]:
        """What the rule for dearer sources decided, as operators read it."""
        found = self.shop.got("operator", f"/v1/orders/{order}/decision")["items"]
        return [one["dearer"] for one in found if one["dearer"]]

    def bought(self, order: str) -> list[tuple[str, str]]:
        """Source and state of every purchase."""
        found = self.shop.market.purchases(inside("ord", order))
        return [(one.source, one.state) for one in found]

    def balanced(self) -> bool:
        """Whether everything that must hold does."""
        with self.shop.db.as_system() as session:
            found = invariants.violations(session)
        assert not found, found
        return True
