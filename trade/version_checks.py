"""What must always hold of rules, standings, bundles and freight templates as they are kept.

Each has a version that began and has not ended, which says what it says; versions of one do not
overlap.
"""

_SCOPE = "source name sku_id brand brand_of category regions valid_from valid_until"
_GRANTS = f"{_SCOPE} to_party to_level max_per_order max_per_day max_per_recipient"
_POLICIES = f"{_SCOPE} min_retail max_retail"
_FREIGHT = "source name content"
_STOOD = """(SELECT id AS party_id, level, parent_id FROM parties
    WHERE level IS NOT NULL OR parent_id IS NOT NULL)"""
_MADE = """(SELECT sku_id, jsonb_object_agg(part_id::text, units) AS parts FROM sku_parts
    GROUP BY sku_id)"""
_KEPT = (
    ("grant", "grants", "grant_versions", "id", _GRANTS),
    ("price policy", "price_policies", "price_policy_versions", "id", _POLICIES),
    ("standing of party", _STOOD, "party_standings", "party_id", "level parent_id"),
    ("bundle", _MADE, "bundle_versions", "sku_id", "parts"),
    ("freight template", "freight_templates", "freight_template_versions", "id", _FREIGHT),
)


def _current(what: str, rules: str, versions: str, key: str, columns: str) -> str:
    said, kept = (", ".join(f"{of}.{x}" for x in (key, *columns.split())) for of in "rv")
    return f"""
        SELECT '{what} ' || coalesce(r.{key}, v.{key}), CASE
            WHEN v.{key} IS NULL THEN 'no version of it holds'
            WHEN r.{key} IS NULL THEN 'a version of it holds, and it is not there'
            ELSE 'its version says otherwise' END
        FROM {rules} r FULL JOIN (SELECT * FROM {versions} WHERE ended_at IS NULL) v
          ON v.{key} = r.{key}
        WHERE ({said}) IS DISTINCT FROM ({kept})"""  # noqa: S608 - tables of ours


def _apart(what: str, versions: str, key: str) -> str:
    return f"""
        SELECT '{what} ' || {key}, 'said two things at ' || following FROM (
            SELECT {key}, ended_at, lead(began_at) OVER (
                PARTITION BY {key} ORDER BY began_at) AS following FROM {versions}) spans
        WHERE following < coalesce(ended_at, 'infinity')"""  # noqa: S608 - tables of ours


QUERIES: dict[str, str] = {
    "whatever is kept as it was is the version of it that holds": " UNION ALL ".join(
        _current(*kept) for kept in _KEPT
    ),
    "no two versions of what is kept as it was hold at once": " UNION ALL ".join(
        _apart(what, versions, key) for what, _, versions, key, _ in _KEPT
    ),
}
"""Rule → query of (subject, detail)."""
