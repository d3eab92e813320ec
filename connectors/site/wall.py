"""The wall between a crawl and machines that it must not reach, redirects included.

Names are resolved here and nowhere else: every address of a name must be public, and the
connection goes to the very address that was looked at. Addresses written as numbers are looked at
before a request is made.
"""

from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IResolverSimple
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from connectors import hosts
from connectors.errors import SupplierError

ALLOW_PRIVATE = "HUOPAN_ALLOW_PRIVATE_HOSTS"
SCHEMES = "HUOPAN_SCHEMES"
DOMAINS = "HUOPAN_DOMAINS"

held_back: Counter[str] = Counter()
"""What this process has not fetched: `private` machines, another `scheme`, `offsite` pages."""


@implementer(IResolverSimple)
class Resolver:
    """Gives an address of a name, if all of them are allowed."""

    def __init__(self, crawler: Crawler, reactor: ReactorBase) -> None:
        self._reactor = reactor
        self._private = crawler.settings.getbool(ALLOW_PRIVATE)

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> "Resolver":
        """As Scrapy makes it."""
        return cls(crawler, reactor)

    def install_on_reactor(self) -> None:
        """From now on every name goes through here."""
        self._reactor.installResolver(self)  # type: ignore[arg-type] # zope has no types

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> "Deferred[str]":
        """The address to connect to, and no other."""
        return deferToThread(self._address, name)

    def _address(self, name: str) -> str:
        try:
            return hosts.checked(name, 443, allow_private=self._private)
        except SupplierError as error:
            if error.code == "private-host":
                held_back["private"] += 1
            raise DNSLookupError(error.message) from error


class Gate:
    """Looks at every request before it is made, those after a redirect included."""

    def __init__(self, crawler: Crawler) -> None:
        self._private = crawler.settings.getbool(ALLOW_PRIVATE)
        self._schemes = frozenset(crawler.settings.getlist(SCHEMES))
        self._domains = tuple(crawler.settings.getlist(DOMAINS))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Gate":
        """As Scrapy makes it."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raises IgnoreRequest for another scheme or site, or an address that is not public."""
        parts = urlsplit(request.url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in self._schemes:
            raise _held_back("scheme", f"{parts.scheme} is not fetched")
        if not any(host == one or host.endswith(f".{one}") for one in self._domains):
            raise _held_back("offsite", f"{host} is another site")
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return  # a name: the resolver looks at it
        if not self._private and not hosts.is_public(address):
            raise _held_back("private", f"{address} is not on the public internet")


def _held_back(why: str, told: str) -> IgnoreRequest:
    held_back[why] += 1
    return IgnoreRequest(told)
