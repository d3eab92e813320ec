"""Who may call what: 401 without a token, 403 for roles and scopes that may not, 404 for ids of
others. The table names every route."""

import pytest

from kit.ids import outside
from tests.api.shop import HOME, Shop, ordering
from trade import parties, tokens

ALL = frozenset({"leader", "buyer", "brand", "operator"})
SELLS = frozenset({"leader", "buyer"})
DOOR = frozenset({"brand", "operator"})
PAYS = frozenset({"leader", "buyer", "brand"})
BRANDS = frozenset({"brand"})
OPERATES = frozenset({"operator"})

TABLE: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/v1/products"): ALL,
    ("GET", "/v1/products/facets"): ALL,
    ("GET", "/v1/products/{product_id}"): ALL,
    ("GET", "/v1/suggestions"): ALL,
    ("GET", "/v1/synonyms"): ALL,
    ("POST", "/v1/synonyms"): OPERATES,
    ("PUT", "/v1/synonyms/{group_id}"): OPERATES,
    ("DELETE", "/v1/synonyms/{group_id}"): OPERATES,
    ("GET", "/v1/shop-words"): OPERATES,
    ("POST", "/v1/shop-words"): OPERATES,
    ("DELETE", "/v1/shop-words/{word_id}"): OPERATES,
    ("POST", "/v1/skus/lookup"): ALL,
    ("GET", "/v1/skus/{sku_id}/price-history"): ALL,
    ("GET", "/v1/skus/{sku_id}/at"): ALL,
    ("GET", "/v1/skus/{sku_id}/sellable"): ALL,
    ("GET", "/v1/categories"): ALL,
    ("GET", "/v1/brands"): ALL,
    ("GET", "/v1/changes"): ALL,
    ("GET", "/v1/changes/snapshot"): ALL,
    ("GET", "/v1/selections"): SELLS,
    ("POST", "/v1/selections/batch"): SELLS,
    ("GET", "/v1/selections/{sku}"): SELLS,
    ("PUT", "/v1/selections/{sku}"): SELLS,
    ("DELETE", "/v1/selections/{sku}"): SELLS,
    ("GET", "/v1/selections/{sku}/kit"): SELLS,
    ("GET", "/v1/selections/{sku}/poster.png"): SELLS,
    ("POST", "/v1/quotes"): SELLS,
    ("GET", "/v1/quotes/{quote_id}"): SELLS | OPERATES,
    ("GET", "/v1/order-policy"): SELLS | OPERATES,
    ("PUT", "/v1/order-policy"): SELLS,
    ("POST", "/v1/orders"): SELLS,
    ("POST", "/v1/orders/batch"): SELLS,
    ("POST", "/v1/orders/{order_id}/proposal"): SELLS,
    ("POST", "/v1/orders/import"): SELLS,
    ("GET", "/v1/orders/imports/{import_id}"): SELLS | OPERATES,
    ("PUT", "/v1/orders/imports/{import_id}/mappings"): SELLS,
    ("POST", "/v1/orders/imports/{import_id}/confirm"): SELLS,
    ("GET", "/v1/orders/imports/{import_id}/result.xlsx"): SELLS,
    ("GET", "/v1/orders/imports/{import_id}/rejects.csv"): SELLS,
    ("GET", "/v1/orders"): SELLS | OPERATES,
    ("GET", "/v1/orders/{order_id}"): SELLS | OPERATES,
    ("POST", "/v1/orders/{order_id}/cancel"): SELLS,
    ("POST", "/v1/orders/{order_id}/address"): SELLS,
    ("POST", "/v1/orders/{order_id}/reveal"): SELLS,
    ("POST", "/v1/orders/{order_id}/unseal"): OPERATES,
    ("GET", "/v1/orders/{order_id}/openings"): OPERATES,
    ("GET", "/v1/orders/{order_id}/legal-hold"): OPERATES,
    ("PUT", "/v1/orders/{order_id}/legal-hold"): OPERATES,
    ("DELETE", "/v1/orders/{order_id}/legal-hold"): OPERATES,
    ("POST", "/v1/orders/{order_id}/claims"): SELLS,
    ("GET", "/v1/orders/{order_id}/claims/options"): SELLS,
    ("GET", "/v1/orders/{order_id}/decision"): OPERATES,
    ("GET", "/v1/claims"): ALL,
    ("POST", "/v1/evidence"): ALL,
    ("GET", "/v1/evidence/{evidence_id}"): ALL,
    ("GET", "/v1/claims/{claim_id}"): ALL,
    ("POST", "/v1/claims/{claim_id}/cancel"): SELLS,
    ("POST", "/v1/claims/{claim_id}/approve"): DOOR,
    ("POST", "/v1/claims/{claim_id}/refuse"): DOOR,
    ("GET", "/v1/shares"): SELLS,
    ("POST", "/v1/shares"): SELLS,
    ("GET", "/v1/shares/{code}"): SELLS,
    ("DELETE", "/v1/shares/{code}"): SELLS,
    ("POST", "/v1/shares/{code}/join"): SELLS,
    ("GET", "/v1/signups"): SELLS,
    ("POST", "/v1/signups/order"): SELLS,
    ("POST", "/v1/claims/{claim_id}/return"): SELLS,
    ("POST", "/v1/claims/{claim_id}/received"): DOOR,
    ("POST", "/v1/claims/{claim_id}/reissue"): DOOR,
    ("POST", "/v1/claims/{claim_id}/advance"): OPERATES,
    ("GET", "/v1/wallet"): ALL,
    ("GET", "/v1/wallet/entries"): ALL,
    ("POST", "/v1/deposit-requests"): PAYS,
    ("GET", "/v1/deposit-requests"): ALL,
    ("POST", "/v1/deposit-requests/{request_id}/confirm"): OPERATES,
    ("POST", "/v1/deposit-requests/{request_id}/refuse"): OPERATES,
    ("GET", "/v1/payee"): ALL,
    ("PUT", "/v1/payee"): PAYS,
    ("POST", "/v1/payouts"): PAYS,
    ("GET", "/v1/payouts"): ALL,
    ("GET", "/v1/payouts/export.xlsx"): OPERATES,
    ("GET", "/v1/payouts/income.xlsx"): OPERATES,
    ("POST", "/v1/payouts/{payout_id}/approve"): OPERATES,
    ("POST", "/v1/payouts/{payout_id}/paid"): OPERATES,
    ("POST", "/v1/payouts/{payout_id}/failed"): OPERATES,
    ("POST", "/v1/payouts/{payout_id}/returned"): OPERATES,
    ("GET", "/v1/wallet/earnings"): ALL,
    ("GET", "/v1/payables"): OPERATES,
    ("POST", "/v1/payables/{source}/payments"): OPERATES,
    ("GET", "/v1/reconciliations"): OPERATES,
    ("POST", "/v1/reconciliations/{difference_id}/accept"): OPERATES,
    ("POST", "/v1/reconciliations/{difference_id}/dismiss"): OPERATES,
    ("GET", "/v1/commissions"): ALL,
    ("POST", "/v1/selections/{sku}/link"): SELLS,
    ("GET", "/v1/statements"): ALL,
    ("GET", "/v1/statements/{statement_id}"): ALL,
    ("GET", "/v1/statements/{statement_id}/lines"): ALL,
    ("GET", "/v1/statements/{statement_id}/lines/{line}"): ALL,
    ("GET", "/v1/statements/{statement_id}/statement.xlsx"): ALL,
    ("GET", "/v1/statements/{statement_id}/statement.pdf"): ALL,
    ("POST", "/v1/statements/{statement_id}/confirm"): ALL,
    ("POST", "/v1/statements/{statement_id}/dispute"): ALL,
    ("POST", "/v1/statements/{statement_id}/answer"): OPERATES,
    ("POST", "/v1/parties/{party_id}/statements"): OPERATES,
    ("GET", "/v1/purchases"): DOOR,
    ("GET", "/v1/purchases/export.xlsx"): DOOR,
    ("GET", "/v1/purchases/sheets"): DOOR,
    ("POST", "/v1/purchases/sheets/{sheet_id}/send"): DOOR,
    ("POST", "/v1/purchases/ship-batch"): DOOR,
    ("POST", "/v1/purchases/ship-import"): DOOR,
    ("GET", "/v1/purchases/{purchase_id}"): DOOR,
    ("POST", "/v1/purchases/{purchase_id}/accept"): DOOR,
    ("POST", "/v1/purchases/{purchase_id}/refuse"): DOOR,
    ("POST", "/v1/purchases/{purchase_id}/address"): DOOR,
    ("POST", "/v1/purchases/{purchase_id}/ship"): DOOR,
    ("GET", "/v1/sales"): DOOR,
    ("GET", "/v1/listings"): BRANDS,
    ("POST", "/v1/listings/import"): BRANDS,
    ("GET", "/v1/listings/imports/{import_id}"): BRANDS,
    ("GET", "/v1/listings/imports/{import_id}/rejects.csv"): BRANDS,
    ("GET", "/v1/listings/{external_id}"): BRANDS,
    ("PUT", "/v1/listings/{external_id}"): BRANDS,
    ("PUT", "/v1/listings/{external_id}/stock"): BRANDS,
    ("PUT", "/v1/listings/{external_id}/price"): BRANDS,
    ("GET", "/v1/price-policies"): DOOR,
    ("GET", "/v1/price-policies/{policy}"): DOOR,
    ("PUT", "/v1/price-policies/{policy}"): DOOR,
    ("DELETE", "/v1/price-policies/{policy}"): DOOR,
    ("GET", "/v1/freight-templates"): DOOR,
    ("GET", "/v1/freight-templates/{template}"): DOOR,
    ("PUT", "/v1/freight-templates/{template}"): DOOR,
    ("DELETE", "/v1/freight-templates/{template}"): DOOR,
    ("GET", "/v1/bundles"): DOOR,
    ("POST", "/v1/bundles"): DOOR,
    ("GET", "/v1/bundles/{sku}"): DOOR,
    ("PUT", "/v1/bundles/{sku}"): DOOR,
    ("DELETE", "/v1/bundles/{sku}"): DOOR,
    ("GET", "/v1/grants"): DOOR,
    ("GET", "/v1/grants/{grant}"): DOOR,
    ("PUT", "/v1/grants/{grant}"): DOOR,
    ("DELETE", "/v1/grants/{grant}"): DOOR,
    ("GET", "/v1/parties"): OPERATES,
    ("POST", "/v1/parties"): OPERATES,
    ("GET", "/v1/parties/{party_id}"): OPERATES,
    ("PATCH", "/v1/parties/{party_id}"): OPERATES,
    ("GET", "/v1/parties/{party_id}/tokens"): OPERATES,
    ("POST", "/v1/parties/{party_id}/tokens"): OPERATES,
    ("DELETE", "/v1/parties/{party_id}/tokens/{token_id}"): OPERATES,
    ("GET", "/v1/parties/{party_id}/members"): OPERATES,
    ("POST", "/v1/parties/{party_id}/members"): OPERATES,
    ("POST", "/v1/parties/{party_id}/deposits"): OPERATES,
    ("GET", "/v1/applications"): OPERATES,
    ("GET", "/v1/applications/{application_id}"): OPERATES,
    ("GET", "/v1/applications/{application_id}/documents/{place}"): OPERATES,
    ("POST", "/v1/applications/{application_id}/approve"): OPERATES,
    ("POST", "/v1/applications/{application_id}/refuse"): OPERATES,
    ("GET", "/v1/sources"): OPERATES,
    ("POST", "/v1/sources"): OPERATES,
    ("GET", "/v1/sources/{code}"): OPERATES,
    ("PATCH", "/v1/sources/{code}"): OPERATES,
    ("GET", "/v1/sources/{code}/authorize"): OPERATES,
    ("POST", "/v1/sources/{code}/items"): OPERATES,
    ("POST", "/v1/sources/{code}/runs"): OPERATES,
    ("GET", "/v1/pricing-rules"): OPERATES,
    ("PUT", "/v1/pricing-rules"): OPERATES,
    ("POST", "/v1/pricing-rules/preview"): OPERATES,
    ("GET", "/v1/routing-rules"): OPERATES,
    ("PUT", "/v1/routing-rules"): OPERATES,
    ("POST", "/v1/routing-rules/replay"): OPERATES,
    ("GET", "/v1/runs"): OPERATES,
    ("GET", "/v1/runs/{run_id}"): OPERATES,
    ("GET", "/v1/runs/{run_id}/diff"): OPERATES,
    ("GET", "/v1/runs/{run_id}/rejects.csv"): OPERATES,
    ("POST", "/v1/runs/{run_id}/release"): OPERATES,
    ("POST", "/v1/runs/{run_id}/rollback"): OPERATES,
    ("GET", "/v1/matches"): OPERATES,
    ("POST", "/v1/matches/{match_id}/accept"): OPERATES,
    ("POST", "/v1/matches/{match_id}/reject"): OPERATES,
    ("POST", "/v1/products/{product_id}/split"): OPERATES,
    ("GET", "/v1/category-tree"): OPERATES,
    ("GET", "/v1/category-mappings"): OPERATES,
    ("PUT", "/v1/category-mappings"): OPERATES,
    ("GET", "/v1/category-mappings/unmapped"): OPERATES,
    ("POST", "/v1/category-mappings/learn"): OPERATES,
    ("GET", "/v1/brand-names"): OPERATES,
    ("PUT", "/v1/brand-names/{name}"): OPERATES,
    ("GET", "/v1/brand-wordings/unsure"): OPERATES,
    ("PUT", "/v1/brand-wordings"): OPERATES,
    ("GET", "/v1/events"): ALL,
    ("GET", "/v1/webhooks"): ALL,
    ("POST", "/v1/webhooks"): ALL,
    ("GET", "/v1/webhooks/{webhook_id}"): ALL,
    ("DELETE", "/v1/webhooks/{webhook_id}"): ALL,
    ("POST", "/v1/webhooks/{webhook_id}/secret"): ALL,
    ("POST", "/v1/webhooks/{webhook_id}/resume"): ALL,
    ("POST", "/v1/webhooks/{webhook_id}/replay"): ALL,
    ("GET", "/v1/exceptions"): OPERATES,
    ("POST", "/v1/exceptions/{exception_id}/{action}"): OPERATES,
    ("GET", "/v1/dead-letters"): OPERATES,
    ("POST", "/v1/dead-letters/{letter_id}/replay"): OPERATES,
    ("GET", "/v1/audit"): OPERATES,
}
OPEN = {
    ("POST", "/v1/login"),
    ("POST", "/v1/applications"),  # whoever wants to trade here has no token yet
    ("GET", "/v1/sources/{code}/callback"),  # a platform sends the operator's browser here
    ("POST", "/hooks/{source}"),
    ("GET", "/media/{name}"),
    ("GET", "/s/{code}"),  # a share's page, for whoever has its address
    ("POST", "/s/{code}"),
}
"""Routes without a token: they take a password, a signature, or show what is public."""
PREFIXES = {
    "product_id": "prd",
    "sku_id": "sku",
    "sku": "sku",
    "quote_id": "quo",
    "import_id": "imp",
    "sheet_id": "sht",
    "order_id": "ord",
    "claim_id": "clm",
    "evidence_id": "evi",
    "request_id": "dep",
    "application_id": "app",
    "payout_id": "pay",
    "statement_id": "stm",
    "difference_id": "dif",
    "purchase_id": "pur",
    "party_id": "pty",
    "token_id": "tok",
    "run_id": "run",
    "group_id": "syn",
    "word_id": "word",
    "webhook_id": "whk",
    "match_id": "mat",
    "name": "nam",
    "letter_id": "ltr",
}


def filled(path: str) -> str:
    """The path with ids that are nobody's."""
    ids = {name: outside(prefix, 987_654) for name, prefix in PREFIXES.items()}
    return path.format(
        line=1,
        place=0,
        exception_id=outside("order_held", 987_654),
        action="reroute",
        source="nothing",
        code="nothing",
        external_id="nothing",
        policy="nothing",
        grant="nothing",
        template="nothing",
        **ids,
    )


def test_the_table_names_every_route(shop: Shop) -> None:
    document = shop.client.get("/openapi.json").json()
    offered = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert offered == TABLE.keys() | OPEN


@pytest.mark.parametrize("role", [*sorted(ALL), None], ids=str)
def test_each_role_may_call_what_the_table_says(shop: Shop, role: str | None) -> None:
    wrong = []
    for (method, path), allowed in TABLE.items():
        body = {} if method in ("POST", "PUT", "PATCH") else None
        answer = shop.ask(role, method, filled(path), json=body)
        right = answer.status_code not in (401, 403) if role in allowed else False
        refusal = 401 if role is None else 403
        if not right and (role in allowed or answer.status_code != refusal):
            wrong.append((method, path, answer.status_code, answer.text))
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert wrong == []


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer hp_unknown", "Basic aHA6aHA=", "Bearer x y", "bearer"]
)
def test_whoever_is_not_known_gets_401_and_is_told_how(shop: Shop, header: str) -> None:
    answer = shop.client.get("/v1/wallet", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_narrow_token_does_no_more_than_its_scopes(shop: Shop) -> None:
    with shop.db.as_system() as session:
        narrow = tokens.issue(session, shop.parties["leader"], scopes=["catalog:read"])
    shop.tokens["narrow"] = narrow.text
    assert shop.ask("narrow", "GET", "/v1/synonyms").status_code == 200
    refused = shop.ask("narrow", "GET", "/v1/wallet")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_a_revoked_token_is_not_known_at_once(shop: Shop) -> None:
    party = shop.join("guest", "leader")
    assert shop.ask("guest", "GET", "/v1/wallet").status_code == 200
    listed = shop.got("operator", f"/v1/parties/{party}/tokens")["items"]
    path = f"/v1/parties/{party}/tokens/{listed[0]['id']}"
    assert shop.ask("operator", "DELETE", path).status_code == 204
    assert shop.ask("guest", "GET", "/v1/wallet").status_code == 401


def test_a_brand_without_a_source_has_no_door(shop: Shop) -> None:
    shop.join("maker", "brand")
    answer = shop.ask("maker", "GET", "/v1/purchases")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_source")


def test_a_members_password_opens_the_door(shop: Shop) -> None:
    with shop.db.as_system() as session:
        member = shop.parties["leader"]
        parties.add_member(session, member, "王掌柜", ["viewer"], password="correct horse")
    login = {"name": "王掌柜", "password": "correct horse"}
    answer = shop.client.post("/v1/login", json=login)
    assert answer.status_code == 201
    shop.tokens["member"] = answer.json()["token"]
    assert shop.ask("member", "GET", "/v1/wallet").status_code == 200
    assert shop.ask("member", "POST", "/v1/quotes", json={}).status_code == 403
    wrong = shop.client.post("/v1/login", json=login | {"password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_password")


class TestAnotherTenantsThings:
    """Every route with an id answers 404 for the ids of others, and shows nothing of them."""

    def test_of_a_leader(self, shop: Shop) -> None:
        goods = shop.offer()
        shop.ask("leader", "PUT", f"/v1/selections/{goods.sku}", json={"retail_price": "12"})
        quote = shop.said(
            "leader",
            "/v1/quotes",
            {"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": HOME},
        )
        order = shop.shipped(goods)
        claim = shop.said(
            "leader",
            f"/v1/orders/{order['id']}/claims",
            {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "坏了"},
        )["items"][0]
        own = f"/v1/orders/{order['id']}"
        line = {"sku": goods.sku, "quantity": 1}
        tries = [
            ("GET", f"/v1/selections/{goods.sku}", None),
            ("GET", f"/v1/quotes/{quote['id']}", None),
            ("GET", own, None),
            ("POST", f"{own}/cancel", {"reason": "x"}),
            ("POST", f"{own}/address", {"ship_to": HOME}),
            ("POST", f"{own}/reveal", {"purpose": "x"}),
            ("POST", f"{own}/claims", {"kind": "refund", "lines": [line], "reason": "x"}),
            ("GET", f"/v1/claims/{claim['id']}", None),
            ("POST", f"/v1/claims/{claim['id']}/cancel", None),
            ("POST", "/v1/orders", ordering(goods, quote=quote["id"], max_total=None)),
        ]
        for who in ("other", "buyer"):
            for method, path, body in tries:
                answer = shop.ask(who, method, path, json=body)
                assert answer.status_code == 404, (who, method, path, answer.text)
            for path in ("/v1/orders", "/v1/claims", "/v1/selections", "/v1/deposit-requests"):
                assert shop.got(who, path)["items"] == []
        assert shop.got("leader", f"/v1/claims/{claim['id']}")["status"] == "open"

    def test_of_a_supplier(self, shop: Shop) -> None:
        goods = shop.offer()
        order = shop.shipped(goods)
        claim = shop.said(
            "leader",
            f"/v1/orders/{order['id']}/claims",
            {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "坏了"},
        )["items"][0]
        purchase = shop.purchase()["id"]
        parcel = {"carrier": "顺丰", "tracking_number": "SF0000000001"}
        tries = [
            ("GET", f"/v1/purchases/{purchase}", None),
            ("POST", f"/v1/purchases/{purchase}/accept", None),
            ("POST", f"/v1/purchases/{purchase}/refuse", {"code": "x", "message": "x"}),
            ("POST", f"/v1/purchases/{purchase}/address", {"accept": True}),
            ("POST", f"/v1/purchases/{purchase}/ship", parcel),
            ("GET", f"/v1/claims/{claim['id']}", None),
            ("POST", f"/v1/claims/{claim['id']}/approve", None),
            ("POST", f"/v1/claims/{claim['id']}/refuse", {"reason": "x"}),
        ]
        for method, path, body in tries:
            answer = shop.ask("rival", method, path, json=body)
            assert answer.status_code == 404, (method, path, answer.text)
        batch = {"items": [parcel | {"purchase": purchase}]}
        told = shop.said("rival", "/v1/purchases/ship-batch", batch, 200)["items"]
        assert told[0]["status"] == 404
        assert shop.got("rival", "/v1/purchases")["items"] == []
        assert shop.got("rival", "/v1/claims")["items"] == []

    def test_an_operator_sees_whose_things_it_asks_for(self, shop: Shop) -> None:
        order = shop.shipped(shop.offer())
        leader = outside("pty", shop.parties["leader"])
        assert shop.got("operator", f"/v1/orders/{order['id']}")["id"] == order["id"]
        assert len(shop.got("operator", f"/v1/orders?party={leader}")["items"]) == 1
        assert shop.got("operator", "/v1/orders", 422)["code"] == "invalid"
        decided = shop.got("operator", f"/v1/orders/{order['id']}/decision")["items"]
        assert decided[0]["purchases"][0]["source"] == "teahouse-secret"
