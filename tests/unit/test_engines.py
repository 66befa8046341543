"""How a database is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from models.session import open_engine, open_engine_read_only

BOTH = pytest.mark.parametrize("open_", [open_engine, open_engine_read_only])


class Seen(Exception):
    """The settings that would have been used."""


def settings_of(engine: Engine) -> dict[str, Any]:
    """Return what the driver is told when it connects."""

    def stop(_dialect: Any, _record: Any, _arguments: Any, settings: dict[str, Any]) -> None:
        raise Seen(settings)

    event.listen(engine, "do_connect", stop)
    with pytest.raises(Seen) as seen:
        engine.connect()
    settings: dict[str, Any] = seen.value.args[0]
    return settings


@BOTH
def test_a_server_whose_machine_vanished_is_given_up_within_a_minute(open_: Callable[[str], Engine]) -> None:
    settings = settings_of(open_("postgresql://host/name"))
    assert settings["tcp_user_timeout"] <= 60_000
    silence = settings["keepalives_idle"] + settings["keepalives_interval"] * settings["keepalives_count"]
    assert silence <= 60


@BOTH
def test_what_the_address_of_a_database_says_about_time_holds(open_: Callable[[str], Engine]) -> None:
    settings = settings_of(open_("postgresql://host/name?connect_timeout=3&tcp_user_timeout=5000"))
    assert (settings["connect_timeout"], settings["tcp_user_timeout"]) == ("3", "5000")
