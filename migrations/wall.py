"""The tenant wall: row-level security on every table that belongs to a party.

`huopan_app` serves and is subject to it; the role that migrates owns the tables and serves nobody.
The scope comes from two settings that `kit.db` sets in every transaction: `huopan.party` and
`huopan.system`.
"""

from alembic import op

SCOPE = """
CREATE FUNCTION in_party(owner bigint) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN owner = nullif(current_setting('huopan.party', true), '')::bigint;
CREATE FUNCTION in_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('huopan.system', true), '') = 'on';
"""

ROLE_ALONE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huopan_app') THEN
        CREATE ROLE huopan_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migrator made it
END $$;
GRANT huopan_app TO CURRENT_USER;
"""
"""The role itself, which no dump of a database holds."""

ROLE = f"""{ROLE_ALONE}
GRANT USAGE ON SCHEMA public TO huopan_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO huopan_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app;
REVOKE ALL ON alembic_version FROM huopan_app;
GRANT SELECT ON alembic_version TO huopan_app;
"""

OWN = "in_party(party_id)"
SUPPLIER = "in_party(supplier_id)"

TENANT_TABLES = {
    "parties": "in_party(id)",
    "members": OWN,
    "tokens": OWN,
    "balances": OWN,
    "postings": OWN,
    "selections": OWN,
    "quotes": OWN,
    "quote_plans": "false",
    "order_plans": "false",
    "orders": OWN,
    "order_lines": OWN,
    "order_events": OWN,
    "purchases": SUPPLIER,
    "purchase_lines": SUPPLIER,
    "purchase_moves": SUPPLIER,
    "parcels": f"{OWN} OR {SUPPLIER}",
    "parcel_lines": f"{OWN} OR {SUPPLIER}",
    "claims": f"{OWN} OR {SUPPLIER}",
    "claim_lines": f"{OWN} OR {SUPPLIER}",
    "recipients": "in_party(party_id) OR id IN (SELECT recipient_id FROM purchases)",
    "recipient_openings": OWN,
    "idempotency_keys": OWN,
    "audit": OWN,
}
"""Who sees a row besides the system. Purchases are the supplier's: a leader sees none."""

LATER_TABLES = {
    "deposit_requests": OWN,
    "price_policies": OWN,
    "grants": OWN,
    "freight_templates": OWN,
    "bundles": OWN,
    "events": f"{OWN} OR {SUPPLIER}",
    "webhooks": OWN,
    "deliveries": OWN,
    "rule_changes": "reaches(reach, nullif(current_setting('huopan.party', true), '')::bigint)",
    "payees": OWN,
    "payouts": OWN,
    "shares": OWN,
    "share_skus": OWN,
    "earnings": OWN,
    "signups": OWN,
    "order_imports": OWN,
    "order_import_parts": OWN,
    "imported_orders": OWN,
    "goods_names": OWN,
    "supplier_sheets": SUPPLIER,
    "sheet_purchases": SUPPLIER,
    "sheet_claims": SUPPLIER,
    "claim_moves": SUPPLIER,
    "reconciliations": "false",
    "differences": "false",
    "commissions": OWN,
    "commissions_read": "false",
    "applications": "false",
    "application_documents": "false",
    "statements": OWN,
    "statement_lines": OWN,
    "platform_claims": "false",
    "evidence": OWN,
    "parcel_events": f"{OWN} OR {SUPPLIER}",
    "dearer_lines": "false",
    "proposals": OWN,
    "live_answers": "false",
    "address_requests": f"{OWN} OR {SUPPLIER}",
    "grant_versions": "false",
    "price_policy_versions": "false",
    "party_standings": OWN,
    "freight_template_versions": "false",
    "strays": "false",
}
"""The same for tables that later migrations make; each protects its own."""

APPEND_ONLY = (
    "order_plans",
    "postings",
    "purchase_moves",
    "order_events",
    "recipient_openings",
    "audit",
    "price_points",
)
"""Rows of these are written once: the serving role may not change or remove them."""


def build() -> None:
    """Roles, grants and policies for the tables as they now are."""
    op.execute(SCOPE)
    op.execute(ROLE)
    for table in TENANT_TABLES:
        protect(table)
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM huopan_app")


def protect(table: str) -> None:
    """Put one table behind the wall."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO huopan_app"
        f" USING (in_system() OR {(TENANT_TABLES | LATER_TABLES)[table]})"
    )
