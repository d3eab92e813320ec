"""`search` and `reindex`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from huopan.show import AsJson

if TYPE_CHECKING:
    from catalog.reads import Card

app = typer.Typer()


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="Words, a brand, a GTIN or another code.")],
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """What a leader would find, best first, at the prices a leader pays."""
    from catalog.pricing import NOBODY
    from catalog.search import Asked, SearchIndex
    from catalog.search import search as find
    from huopan import show
    from huopan.house import opened
    from huopan.index import abreast
    from kit import clock

    with opened() as house:
        abreast(house)
        index = SearchIndex(house.settings.data.dir)
        reader = house.readership.reader("leader", NOBODY, clock.now())
        with house.db.as_nobody() as session:
            cards = find(session, index, Asked(text), reader, clock.now(), limit).items
    show.told([_view(card) for card in cards], _table(cards, text), as_json=as_json)


@app.command()
def reindex(*, as_json: AsJson = False) -> None:
    """The search index anew from the catalogue; searches go on in the old one meanwhile."""
    from huopan import show
    from huopan.house import opened
    from huopan.index import rebuilt

    with opened() as house:
        products = rebuilt(house)
    told = (
        "The process that writes the index builds it anew now; searches go on meanwhile."
        if products is None
        else f"The search index holds {products:,} products."
    )
    show.told({"products": products, "asked": products is None}, told, as_json=as_json)


def _view(card: "Card") -> dict[str, Any]:
    from kit.ids import outside
    from kit.money import price_text

    def price(value: Any) -> str | None:
        return None if value is None else price_text(value)

    return {
        "id": outside("prd", card.id),
        "title": card.title,
        "brand": card.brand,
        "category": card.category,
        "price_from": price(card.price_from),
        "msrp": price(card.msrp),
        "margin_percent": price(card.margin_percent),
        "stock": {"state": card.stock.state, "quantity": card.stock.quantity},
        "modes": card.modes,
        "as_of": card.as_of,
    }


def _table(cards: "list[Card]", text: str) -> str:
    from huopan import show

    if not cards:
        return (
            f"Nothing is found for {text!r}: try fewer words; `huopan sources` shows what is read."
        )
    rows = []
    for card in map(_view, cards):
        stock = card["stock"]
        amount = stock["state"] if stock["quantity"] is None else stock["quantity"]
        rows.append(
            (card["id"], card["title"], card["brand"], card["price_from"], card["msrp"], amount)
        )
    return show.table(("id", "title", "brand", "price", "msrp", "stock"), rows)
