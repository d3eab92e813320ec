"""Every route under /v1, one module for each thing that callers name."""

from fastapi import APIRouter

from api.routes import (
    brands,
    catalog,
    changes,
    claims,
    freight,
    hooks,
    listings,
    matches,
    media,
    operations,
    order_imports,
    orders,
    parties,
    payouts,
    pricing,
    purchases,
    runs,
    search,
    selections,
    sessions,
    share_page,
    shares,
    sources,
    wallet,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    sessions.router,
    search.router,  # before the products' own ids
    catalog.router,
    changes.router,
    selections.router,
    order_imports.router,  # before the orders' own ids
    orders.router,
    claims.router,
    shares.router,
    share_page.router,
    wallet.router,
    payouts.router,
    purchases.router,
    listings.router,
    brands.router,
    freight.router,
    parties.router,
    matches.router,
    runs.router,
    operations.router,
    pricing.router,
    sources.router,
    webhooks.router,
    media.router,
    hooks.router,
)
