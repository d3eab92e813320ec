"""Which machines a source may make us talk to: public ones only, unless its settings say so."""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

from .errors import Refused, TryLater

Address = IPv4Address | IPv6Address

_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def checked(host: str, port: int, *, allow_private: bool) -> str:
    """One address of `host` to connect to, and to no other: names may change between two looks.

    IPv4 first: it is there on every network.

    Every address of the name must be public; one that is not refuses the name. Raises Refused,
    or TryLater when the name does not resolve.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise TryLater("no-such-host", f"the host name {host} does not resolve") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private:
        for address in addresses:
            if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                raise Refused(
                    "private-host",
                    f"{host} leads to {address}, which is not on the public internet; if this is "
                    "meant, set allow_private_hosts = true for this source",
                )
    return next((address for address in addresses if ":" not in address), addresses[0])


def literal(host: str) -> Address | None:
    """The address that a host is written as, also as one number or with parts left out
    (2130706433, 0x7f.1); None for a name."""
    for form in (ipaddress.ip_address, _packed):
        try:
            return form(host.partition("%")[0])
        except (ValueError, OSError):
            continue
    return None


def _packed(host: str) -> Address:
    return IPv4Address(socket.inet_aton(host))


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, also when wrapped in an IPv6 one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None or any(address in network for network in _NAT64):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    )
