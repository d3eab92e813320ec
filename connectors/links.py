"""Addresses that people paste: whether they are pages of a platform. Pure."""

from collections.abc import Collection
from urllib.parse import urlsplit


def leads_to(link: str, domains: Collection[str]) -> bool:
    """Whether an address, with or without its scheme, is on one of these domains."""
    try:
        host = urlsplit(link if "://" in link else f"https://{link}").hostname or ""
    except ValueError:
        return False
    return any(host == one or host.endswith(f".{one}") for one in domains)
