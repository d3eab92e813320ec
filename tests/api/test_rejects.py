"""Rejected rows as a sheet: nothing of it runs where somebody opens it."""

import csv
from io import StringIO

from connectors.model import Listing, Page, Reject, page
from kit import clock
from sync.guard import GuardLimits
from sync.importer import run_listing
from tests.api.shop import Shop
from tests.sync.shops import shelf


def test_a_rejected_rows_cells_are_text_whatever_they_begin_with(shop: Shop) -> None:
    hostile = Reject("报价.csv", 7, "=1+1", "＝SUM(A1)", "no price")
    pages = iter([Page(page(shelf(1).values()).rows, [hostile])])
    listing = Listing(clock.now(), complete=False, notes={}, pages=pages)
    run_listing(shop.db, "teahouse", listing, guard=GuardLimits())
    run = shop.got("operator", "/v1/runs")["items"][0]["id"]
    sheet = shop.ask("operator", "GET", f"/v1/runs/{run}/rejects.csv").content.decode("utf-8-sig")
    header, row = csv.reader(StringIO(sheet))
    assert header == ["file", "line", "column", "value", "reason"]
    assert row == ["报价.csv", "7", "'=1+1", "'＝SUM(A1)", "no price"]
