"""Which addresses a host may have: none of this machine, its network or its cloud's metadata, unless it is allowed.

A name is looked up once and the connection goes to the address that was checked: a name server that answers
differently the second time changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from workers.errors import NotNow, RefusedHost

_NAT64 = IPv6Network("64:ff9b::/96")
_LOOK_UP_AGAIN_SECONDS = 10.0


def checked_addresses(host: str, port: int, allowed: Collection[str] = ()) -> list[str]:
    """Return the addresses of a host that may be asked.

    Args:
        host: its name or number.
        port: where it listens.
        allowed: hosts that may have any address, by the name by which they are asked.

    Raises:
        RefusedHost: it has an address of this machine or a private network, and is not allowed by name.
        NotNow: its name cannot be looked up.
    """
    name = host.strip("[]").lower()
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise NotNow(
            f"The name {name} cannot be looked up; check it and the network.", _LOOK_UP_AGAIN_SECONDS
        ) from error
    if name not in {one.strip("[]").lower() for one in allowed} and not all(map(is_public, found)):
        raise RefusedHost(
            f"{name} has an address of this machine or of a private network, which is not asked; --allow-host {name} "
            "at ingest allows it."
        )
    return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """Return whether an address is of the public internet."""
    number: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(number, IPv6Address):
        number = number.ipv4_mapped or number.sixtofour or _behind_nat64(number) or number
    return number.is_global and not number.is_multicast


def _behind_nat64(number: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(number) & 0xFFFFFFFF) if number in _NAT64 else None
