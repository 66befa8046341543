"""Passwords stay out of what is printed, logged and stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli import main
from workers.config import Settings
from workers.errors import UnreadableInput
from workers.lease.processing import describe
from workers.telemetry.secrets import check_broker_url, masked

URL = "redis://:hunter2@queue:6379/0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Cannot connect to {URL}: refused", "Cannot connect to redis://:***@queue:6379/0: refused"),
        ("postgresql://broadsheet:pa@ss/word@db/x", "postgresql://broadsheet:***@db/x"),
        ("rediss://user:hunter2@[::1]:1/0", "rediss://user:***@[::1]:1/0"),
        ("host=db password=hunter2 port=1", "host=db password=*** port=1"),
        ("host=db password='hunter 2' port=1", "host=db password=*** port=1"),
        (
            "postgresql://db/x?user=a&password=hunter2&sslmode=require",
            "postgresql://db/x?user=a&password=***&sslmode=require",
        ),
        ("nothing to hide at 10:30, see https://example.org/a", "nothing to hide at 10:30, see https://example.org/a"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4).filter(lambda word: word not in URL))
def test_no_password_survives_whatever_its_characters(password: str) -> None:
    text = f"Cannot connect to redis://:{password}@queue:6379/0: refused"
    assert masked(text) == "Cannot connect to redis://:***@queue:6379/0: refused"


@pytest.mark.parametrize("url", ["redis://:pa/ss@queue:6379", "redis://:pa#ss@queue", "redis://:p@queue:port", "queue"])
def test_a_broker_url_that_a_library_would_quote_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UnreadableInput, match="%2F") as refusal:
        check_broker_url(url)
    assert url not in str(refusal.value) and "pa'" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", [URL, "rediss://q?ssl_ca_certs=/ca.pem", "redis+socket:///run/b.sock?virtual_host=0", "memory://"]
)
def test_a_sound_broker_url_is_accepted(url: str) -> None:
    check_broker_url(url)


def test_settings_do_not_show_their_urls() -> None:
    shown = repr(Settings(database_url="postgresql://u:hunter2@db/x", broker_url=URL))
    assert "hunter2" not in shown and "lease_seconds" in shown


def test_what_is_stored_with_a_failed_page_holds_no_password() -> None:
    failure = describe(RuntimeError(f"lost {URL}"), "decode")
    assert "hunter2" not in failure.message + str(failure.traceback)


@pytest.mark.parametrize(
    "arguments",
    [
        ["worker", "--broker", "redis://:hunter2/x@127.0.0.1:1/0", "--database", "sqlite:///x.db"],
        ["worker", "--broker", URL, "--database", "postgresql://u:hunter2/x@127.0.0.1:1/d"],
        ["status", "--database", "postgresql://u:hunter2@127.0.0.1:1/d", "--debug"],
        ["status", "--database", "mysql://u:hunter2@127.0.0.1:1/d", "--debug"],
    ],
)
def test_no_error_of_the_command_shows_a_password(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    assert ended.value.code in (2, 3)
    assert "hunter2" not in printed.out + printed.err
