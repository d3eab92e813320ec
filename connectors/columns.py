"""The columns of a page of listings, for those who read and write whole pages."""

import polars as pl

PRICE = pl.Decimal(14, 4)
"""A tax-inclusive unit price in CNY."""

LISTING: dict[str, pl.DataType] = {
    "file": pl.String(),  # where the row came from: file name, sheet or call
    "line": pl.Int64(),  # 1-based line or row in that file, as a person counts it
    "external_id": pl.String(),  # the source's SKU id, never empty, never a number
    "listing": pl.String(),  # the source's product id that groups SKUs
    "title": pl.String(),  # never empty
    "brand": pl.String(),
    "category": pl.String(),  # the source's words, levels joined by " > "
    "gtin": pl.String(),  # GTIN-14 with a valid check digit, else null
    "mpn": pl.String(),
    "seller": pl.String(),
    "unit": pl.String(),
    "pack": pl.Int32(),  # pieces in one selling unit, ≥ 1
    "attributes": pl.String(),  # JSON object of strings, keys sorted
    "images": pl.String(),  # JSON list of addresses
    "materials": pl.String(),  # JSON list of addresses
    "description": pl.String(),
    "dropship_price": PRICE,  # null: not sold by the piece
    "bulk_price": PRICE,  # null: not sold in bulk
    "tiers": pl.String(),  # JSON list of [quantity, "price"], quantities rising; bulk only
    "moq": pl.Int64(),  # ≥ 1; bulk only
    "multiple": pl.Int64(),  # ≥ 1
    "msrp": PRICE,
    "min_retail": PRICE,
    "max_retail": PRICE,
    "stock_state": pl.String(),  # in_stock | low | out; null: the source says nothing
    "stock_quantity": pl.Int64(),  # ≥ 0; null: no number stated
    "tax_rate": pl.Decimal(5, 4),  # 0.13
    "tax_code": pl.String(),
    "invoice": pl.String(),  # special | ordinary | none
    "freight": pl.String(),  # JSON, see Freight in catalog.freight; null: unknown
    "ships_within_hours": pl.Int32(),
    "cutoff": pl.String(),  # "16:00", Asia/Shanghai
    "presale_ship_by": pl.Date(),
    "valid_from": pl.Datetime("us", "UTC"),  # the prices count from then on
    "valid_until": pl.Datetime("us", "UTC"),
    "expires_on": pl.Date(),
    "returnable": pl.Boolean(),
    "weight_g": pl.Int64(),
    "ships_from": pl.String(),
    "not_delivered_to": pl.String(),  # JSON list of GB/T 2260 prefixes
    "state": pl.String(),  # live | off
    "affiliate_price": PRICE,  # what consumers pay at the platform; null: no affiliate offer
    "commission_rate": pl.Decimal(5, 4),  # of the affiliate price, 0.015 is 1.5 %
    "bulk_terms": pl.String(),  # JSON object, see BULK_TERMS; null: nothing beyond tiers and MOQ
}
"""Columns of a page of listings. Every page has all of them, in this order; null is unknown."""
