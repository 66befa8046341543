"""Settings from the environment."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.commands.settings import as_markdown
from orchestrator.commands.settings import settings as settings_command
from workers.config import Settings, unknown_settings
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


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAX_ATTEMPTS", "0", "must be 1 or more, not 0"),
        ("MAX_WINDOW", "-5", "must be 1 or more, not -5"),
        ("MAX_FAILURE_RATE", "101", "must be 0 to 100, not 101"),
        ("SOFT_LIMIT_SECONDS", "0", "must be 1 or more, not 0"),
    ],
)
def test_a_number_outside_its_range_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(UnreadableInput, match=f"BROADSHEET_{name} {words}"):
        Settings.from_env({f"BROADSHEET_{name}": value})


def test_a_misspelt_setting_is_told_with_the_nearest_one() -> None:
    environ = {"BROADSHEET_MAX_PIXELZ": "5", "BROADSHEET_IMAGE": "ours", "BROADSHEET_COLOUR": "red", "PATH": "/bin"}
    assert unknown_settings(environ | Settings().to_env()) == [
        "BROADSHEET_COLOUR is no setting of ours.",
        "BROADSHEET_MAX_PIXELZ is no setting of ours; did you mean BROADSHEET_MAX_PIXELS?",
    ]


def test_the_page_of_settings_is_that_of_the_definitions() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == as_markdown() + "\n", "broadsheet settings --markdown > docs/settings.md"


def test_every_setting_says_what_it_means() -> None:
    assert all(item.metadata["meaning"].endswith(".") for item in fields(Settings))


def test_the_command_shows_what_is_in_force_without_passwords() -> None:
    environ = {"BROADSHEET_BROKER_URL": "redis://:hunter2@queue/0", "BROADSHEET_MAX_ATTEMPTS": "7", "BROADSHEET_X": ""}
    shown = CliRunner().invoke(settings_command, env=environ)
    assert shown.exit_code == 0
    assert "BROADSHEET_MAX_ATTEMPTS  7 attempts\n" in shown.stdout
    assert "hunter2" not in shown.output
    assert "BROADSHEET_X is no setting of ours" in shown.stderr
