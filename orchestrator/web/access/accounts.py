"""The password file: one account a line, as `htpasswd -B` writes it, with the role behind a third colon.

mary:$2y$05$...:reviewer
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import bcrypt

from workers.errors import UnreadableInput

log = logging.getLogger(__name__)

# bcrypt looks at no more of a password; htpasswd cuts it there too.
BCRYPT_BYTES = 72
# A hash that no password has, to take as long over a name that does not exist as over one that does.
_NOBODY = b"$2b$10$" + b"." * 53
_BCRYPT = ("$2a$", "$2b$", "$2y$")


class Role(IntEnum):
    """What somebody may do; each may do what the ones before may."""

    READER = 1
    REVIEWER = 2
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may come in; `password` is the bcrypt hash, empty where a proxy knows the password."""

    name: str
    password: bytes = field(repr=False)
    role: Role

    def has_password(self, password: str) -> bool:
        """Return whether this is the account's password."""
        return bool(self.password) and bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], self.password)


@dataclass(slots=True)
class Accounts:
    """The accounts of a file, read again when it has changed."""

    path: Path
    _read: Mapping[str, Account] = field(default_factory=dict, init=False)
    _version: tuple[int, int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._version = self._version_now()
        self._read = read_accounts(self.path)

    def get(self, name: str) -> Account | None:
        """Return the account of this name as the file has it now; a file that broke since counts as it was."""
        version = self._version_now()
        if version != self._version:
            self._version = version
            try:
                self._read = read_accounts(self.path)
            except UnreadableInput as error:
                log.error("%s The accounts stay as they were.", error)
        return self._read.get(name)

    def sign_in(self, name: str, password: str) -> Account | None:
        """Return the account if name and password are right; a tenth of a second of processor time, either way."""
        account = self.get(name)
        if account is None or not account.password:
            bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], _NOBODY)
            return None
        return account if account.has_password(password) else None

    def _version_now(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


def read_accounts(path: Path) -> dict[str, Account]:
    """Return the accounts of a password file by name.

    Raises:
        UnreadableInput: it cannot be read, or a line is no account; with its number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise UnreadableInput(f"{path} cannot be read as a password file: {reason}.") from error
    accounts: dict[str, Account] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        account = _account(line, f"{path}, line {number}")
        if account.name in accounts:
            raise UnreadableInput(f"{path}, line {number}: {account.name} is there a second time.")
        accounts[account.name] = account
    if not accounts:
        raise UnreadableInput(f"{path} has no account; make one with: htpasswd -B {path} NAME")
    return accounts


def _account(line: str, where: str) -> Account:
    name, _, rest = line.strip().partition(":")
    password, _, role = rest.partition(":")
    if not name or not (password == "*" or _is_bcrypt(password)):
        raise UnreadableInput(f"{where} is not NAME:BCRYPT-HASH:ROLE; make it with: htpasswd -B FILE NAME")
    known = [one.name.lower() for one in Role]
    if role and role not in known:
        raise UnreadableInput(f"{where}: {role!r} is no role; it is one of {', '.join(known)}.")
    return Account(name, b"" if password == "*" else password.encode(), Role[role.upper()] if role else Role.READER)


def _is_bcrypt(text: str) -> bool:
    return text.startswith(_BCRYPT) and len(text) == 60 and text.isascii()
