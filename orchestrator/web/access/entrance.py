"""Who is let in by which door: nobody is asked on this machine, elsewhere a password file or a proxy knows them."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.web.access.accounts import Account, Accounts, Role
from workers.errors import UnreadableInput

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOCAL_NAMES = ("localhost",)
SECRET_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and what they may do."""

    name: str
    role: Role

    @property
    def may_review(self) -> bool:
        """Return whether they may leave verdicts."""
        return self.role >= Role.REVIEWER

    @property
    def may_operate(self) -> bool:
        """Return whether they may cancel, retry and reorder."""
        return self.role >= Role.OPERATOR


@dataclass(frozen=True, slots=True)
class Entrance:
    """How visitors are told: by `accounts`, by the `header` of a proxy at one of `proxies`, or not at all.

    `address` is what the server listens on; `hosts` are further names by which it is reached; `secret` signs sessions.
    """

    address: str = "127.0.0.1"
    accounts: Accounts | None = None
    header: str = ""
    proxies: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def is_local(self) -> bool:
        """Return whether only this machine reaches the server."""
        return is_loopback(self.address)

    @property
    def asks_for_password(self) -> bool:
        """Return whether visitors sign in here."""
        return self.accounts is not None and not self.header

    @property
    def cookie(self) -> str:
        """Return the name of the session's cookie: servers on other ports of this machine have others."""
        return f"broadsheet-{hashlib.sha256(self.secret.encode()).hexdigest()[:8]}"

    def without_password(self) -> Visitor:
        """Return who comes in where nobody is asked: on this machine its user, from elsewhere a reader."""
        return Visitor(_user(), Role.OPERATOR) if self.is_local else Visitor("guest", Role.READER)

    def by_header(self, name: str) -> Visitor:
        """Return who the proxy says is there; those whom the password file does not name are readers."""
        account = self.accounts.get(name) if self.accounts else None
        return Visitor(name, account.role if account else Role.READER)

    def trusts(self, peer: str) -> bool:
        """Return whether a connection from this address is the proxy's."""
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:  # a unix socket has no address; its permissions say who may connect
            return not peer
        return any(address in network for network in self.proxies)

    def seal(self, account: Account) -> str:
        """Return what a session holds of a password, so that it ends when the password is changed."""
        return hmac.new(self.secret.encode(), account.password, hashlib.sha256).hexdigest()[:32]

    def knows_host(self, host: str) -> bool:
        """Return whether a Host header names this server.

        A web site can let its own name point at this machine, and its scripts would then read what we serve
        (DNS rebinding). It cannot do so with a number, nor with our names.
        """
        name = host_name(host)
        return is_number(name) or name in self.hosts or name in LOCAL_NAMES or name == socket.gethostname().lower()


@dataclass(frozen=True, slots=True)
class Doors:
    """What a command line says of who may come in."""

    address: str
    password_file: Path | None = None
    header: str = ""
    proxies: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)


def open_entrance(doors: Doors) -> Entrance:
    """Return the entrance that was asked for.

    Raises:
        UnreadableInput: the password file or the address of a proxy is none, or the secret can be guessed.
    """
    if doors.secret and len(doors.secret) < SECRET_LENGTH:
        raise UnreadableInput(f"BROADSHEET_WEB_SECRET is shorter than {SECRET_LENGTH} characters; give a random one.")
    return Entrance(
        doors.address,
        Accounts(doors.password_file) if doors.password_file else None,
        doors.header,
        networks(doors.proxies),
        frozenset(name.lower() for name in doors.names),
        doors.secret or secrets.token_urlsafe(32),
    )


def host_name(host: str) -> str:
    """Return the name in a Host header, without the port and the brackets of IPv6, in small letters."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def is_number(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Return whether an address to listen on is this machine's own."""
    return address in LOCAL_NAMES or (is_number(address) and ipaddress.ip_address(address).is_loopback)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the addresses of proxies: single ones or networks such as 10.0.0.0/24.

    Raises:
        UnreadableInput: one is neither.
    """
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise UnreadableInput(f"The proxy must be an address or a network such as 10.0.0.0/24: {error}.") from error


def warning(entrance: Entrance) -> str | None:
    """Return what to tell who starts a server that others reach, None where there is nothing to warn of."""
    if entrance.is_local or entrance.accounts is not None or entrance.header:
        return None
    return (
        f"Everybody who reaches {entrance.address} can read this archive, and nobody there can review or operate; "
        "give --auth FILE to ask for passwords."
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "local"
