"""Whether the broker answers, for the run page: the database alone does not tell."""

from __future__ import annotations

from workers.config import Settings

PING_SECONDS = 1.0
AWAY = "The broker does not answer, so workers are given no pages. Nothing is lost; it goes on when the broker does."


def broker_trouble(settings: Settings) -> str:
    """Return a sentence when the broker of the settings does not answer, an empty text when it does or there is none.

    An ingest on a laptop has a broker of its own and looks after it.
    """
    if not settings.broker_url.startswith(("redis://", "rediss://")):
        return ""
    from redis import Redis, RedisError

    from workers.celery import app_for

    tls = app_for(settings).conf.broker_use_ssl or {}
    client = Redis.from_url(
        settings.broker_url, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS, **tls
    )
    try:
        client.ping()
    except (RedisError, OSError):
        return AWAY
    finally:
        client.close()
    return ""
