"""Settings from the environment."""

from __future__ import annotations

import pytest

from workers.config import Settings
from workers.errors import UnreadableInput


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_env({"BROADSHEET_MAX_ATTEMPTS": "5", "BROADSHEET_BROKER_URL": "redis://r"})
    assert (settings.max_attempts, settings.broker_url) == (5, "redis://r")


def test_settings_survive_the_way_into_a_process_of_ours() -> None:
    settings = Settings(database_url="sqlite:///x.db", broker_url="redis://r", lease_seconds=300)
    assert Settings.from_env(settings.to_env()) == settings


def test_a_setting_that_is_no_number_is_named() -> None:
    with pytest.raises(UnreadableInput, match="BROADSHEET_MAX_ATTEMPTS must be a whole number, not 'many'"):
        Settings.from_env({"BROADSHEET_MAX_ATTEMPTS": "many"})


def test_the_lease_must_outlive_the_hard_limit() -> None:
    with pytest.raises(UnreadableInput, match="must rise"):
        Settings(lease_seconds=100)


def test_without_a_database_the_file_here_is_used() -> None:
    assert Settings().with_urls(None, None).database_url.endswith("/broadsheet.db")
    assert Settings(database_url="a").with_urls("b", None).database_url == "b"
