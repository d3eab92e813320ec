"""What a token may do: the scopes of its role, narrowed by its member and its own list. Pure."""

from collections.abc import Collection

from kit.errors import FieldError, Problem

ROLES = ("leader", "brand", "buyer", "operator")

_SHARED = frozenset(
    {
        "evidence:write",
        "catalog:read",
        "wallet:read",
        "statements:read",
        "statements:write",
        "webhooks:read",
        "webhooks:write",
    }
)
_PAYS = frozenset({"wallet:write"})
_SELLS = frozenset(
    {
        "selections:read",
        "selections:write",
        "shares:read",
        "shares:write",
        "orders:read",
        "orders:write",
        "recipients:reveal",
        "claims:read",
        "claims:write",
    }
)
_SUPPLIES = frozenset({"purchases:read", "purchases:write", "claims:read", "claims:answer"})
_RULES = frozenset(
    {
        *("policies:read", "policies:write", "grants:read", "grants:write"),
        *("freight:read", "freight:write", "bundles:read", "bundles:write"),
    }
)
_OFFERS = frozenset({"listings:read", "listings:write"}) | _RULES
_OPERATES = frozenset(
    {
        "orders:read",
        "parties:read",
        "parties:write",
        "sources:read",
        "sources:write",
        "audit:read",
        "exceptions:write",
        "claims:advance",
        "synonyms:write",
        "pricing:read",
        "pricing:write",
        "routing:read",
        "routing:write",
        "matches:read",
        "matches:write",
        "payouts:write",
        "recipients:unseal",
    }
)

OF_ROLE: dict[str, frozenset[str]] = {
    "leader": _SHARED | _PAYS | _SELLS,
    "buyer": _SHARED | _PAYS | _SELLS,
    "brand": _SHARED | _PAYS | _SUPPLIES | _OFFERS,
    "operator": _SHARED | _SUPPLIES | _OPERATES | _RULES,
}
"""Role of a party → everything its tokens may ever do."""

SCOPES = frozenset().union(*OF_ROLE.values())

_READS = frozenset(scope for scope in SCOPES if scope.endswith(":read"))

OF_MEMBER: dict[str, frozenset[str]] = {
    "owner": SCOPES,
    "clerk": SCOPES
    - {"wallet:write", "parties:write", "sources:write"}
    - {"pricing:write", "policies:write", "grants:write", "webhooks:write", "payouts:write"}
    - {"claims:advance", "statements:write", "routing:write", "recipients:unseal"},
    "finance": _READS | {"wallet:write", "payouts:write", "statements:write", "exceptions:write"},
    "viewer": _READS,
}
"""What a member with this role may do at most, whatever the party may."""


def allowed(role: str, scopes: Collection[str], member_roles: Collection[str]) -> frozenset[str]:
    """What a token may do: no own `scopes` means all of its role, no member means the party."""
    found = OF_ROLE[role]
    if member_roles:
        found &= frozenset().union(*(OF_MEMBER[one] for one in member_roles))
    return found & frozenset(scopes) if scopes else found


def check_scopes(role: str, scopes: Collection[str]) -> None:
    """Raises Problem 422 for a scope that a party of this role cannot have."""
    _check("scopes", scopes, sorted(OF_ROLE[role]), f"a {role}'s token")


def check_member_roles(roles: Collection[str]) -> None:
    """Raises Problem 422 for a role that members do not have, or for none at all."""
    if not roles:
        raise _invalid("roles", f"give at least one of {', '.join(OF_MEMBER)}")
    _check("roles", roles, list(OF_MEMBER), "a member")


def check_role(role: str) -> None:
    """Raises Problem 422 for a role that parties do not have."""
    _check("role", [role], list(ROLES), "a party")


def _check(field: str, given: Collection[str], known: Collection[str], who: str) -> None:
    for one in given:
        if one not in known:
            raise _invalid(field, f"{one!r} is not for {who}; there are {', '.join(known)}")


def _invalid(field: str, message: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {message}", errors=[FieldError(field, "unknown", message)]
    )
