"""Real price lists of other people, where they lie beside the repository; they are never copied."""

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SupplierError, Unreadable
from connectors.model import Listing, Page
from connectors.registry import open_source

FEEDS = Path(__file__).parents[3] / "shared" / "data" / "feeds"


def opened(name: str, **config: object) -> Listing:
    path = FEEDS / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return open_source("s", {"kind": "feed", "location": str(path)} | config).items()


def drained(listing: Listing) -> tuple[list[Page], SupplierError | None]:
    pages: list[Page] = []
    try:
        pages.extend(listing.pages)
    except SupplierError as error:
        return pages, error
    return pages, None


def rows(pages: list[Page]) -> list[dict[str, Any]]:
    return [row for page in pages for row in page.rows.to_dicts()]


def test_an_xls_whose_prices_are_zero_sells_nothing_for_nothing() -> None:
    listing = opened("xls-goods-sheet/商品资料.xls", columns={"sku": "条码", "price": "售价"})
    pages, error = drained(listing)
    assert error is None
    good = rows(pages)
    assert 0 < len(good) < 348
    assert all(row["dropship_price"] > 0 for row in good)
    assert all(row["gtin"] is None for row in good)
    zero = [r for page in pages for r in page.rejects if "zero" in r.reason]
    assert len(zero) + len(good) + _others(pages) == 348
    assert {reject.column for reject in zero} == {"售价"}


def _others(pages: list[Page]) -> int:
    lines = {r.line for page in pages for r in page.rejects}
    zero = {r.line for page in pages for r in page.rejects if "zero" in r.reason}
    return len(lines - zero)


def test_a_sheet_without_names_for_its_columns_asks_for_them() -> None:
    with pytest.raises(Unreadable) as caught:
        opened("xlsx-formula-sheet/价格表.xlsx")
    assert "no column found for sku, title" in caught.value.message
    assert "Head them sku, title" in caught.value.message


def test_bmecat_in_euros_is_refused_row_by_row_and_its_dtd_never_fetched() -> None:
    pages, error = drained(opened("bmecat/bmecat12.new_catalog.golden.xml"))
    assert isinstance(error, Unreadable)
    reasons = {r.reason for page in pages for r in page.rejects if r.column == "price"}
    assert reasons
    assert all("not in CNY" in reason for reason in reasons)


def test_a_graph_of_references_is_no_list_of_goods() -> None:
    with pytest.raises(Unreadable, match="no column found"):
        opened("dfc-jsonld/fdc-catalog.json")
