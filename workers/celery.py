"""The Celery app. The broker may lose everything: what must not be lost is in the database."""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Any

from celery import Celery
from kombu.serialization import register
from kombu.utils.json import dumps, loads

from workers.config import Settings
from workers.errors import UnreadableInput
from workers.lease.database import identity, retry_while_down, short_lived_engine
from workers.messages import MAX_MESSAGE_BYTES, Queue, key_prefix


def app_for(settings: Settings) -> Celery:
    """Return the app of the database that `settings` name, which is asked who it is.

    Raises:
        UnreadableInput: no database is named.
        OperationalError: it did not answer for as long as the settings say.
    """
    if not settings.database_url:
        raise UnreadableInput("No database is named; set BROADSHEET_DATABASE_URL, as for every worker.")
    with short_lived_engine(settings) as engine:
        database_id = retry_while_down(lambda: identity(engine), settings.database_patience_seconds)
    return make_app(settings, database_id)


def make_app(settings: Settings, database_id: str) -> Celery:
    """Return an app for the messages of one database; nothing is connected before it is used."""
    _forget_settings_of_others()
    app = Celery(
        "broadsheet",
        broker=settings.broker_url or None,
        include=["workers.tasks"],
        fixups=[],  # Django's, where its settings are in the environment
        set_as_current=True,
    )
    app.conf.update(celery_settings(settings, database_id))
    register("json", dumps, loads_bounded, content_type="application/json", content_encoding="utf-8")
    return app


def _forget_settings_of_others() -> None:
    """Take out of this process's environment what Celery would read by itself, even over what it is told.

    It is meant for another program: an app of ours is configured by its settings alone.
    """
    for name in [name for name in os.environ if name.startswith("CELERY_")]:
        del os.environ[name]


def loads_bounded(body: str | bytes) -> Any:
    """Return the content of a JSON message.

    Raises:
        ValueError: it is larger than any message of ours; nothing of it was parsed.
    """
    if len(body) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {len(body)} bytes is over the limit of {MAX_MESSAGE_BYTES}")
    return loads(body)


def celery_settings(settings: Settings, database_id: str) -> dict[str, Any]:
    """Return Celery's settings, each with its reason."""
    return {
        # Ids only: nothing that arrives is ever unpickled, and results live in SQL.
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_default_queue": Queue.BULK,
        # Acknowledge after the work, so that a worker that is stopped gives its message back; but do not put a
        # message back whose child died: with late acks that loops without bound. The database counts attempts.
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        # One page at a time in each child; a hoarded message would wait behind a slow page.
        "worker_prefetch_multiplier": 1,
        "task_soft_time_limit": settings.soft_limit_seconds,
        "task_time_limit": settings.hard_limit_seconds,
        # Read after a task ends, against the PEAK resident size: a child that met a giant scan is replaced.
        "worker_max_memory_per_child": settings.max_memory_per_process_kib,
        # A page that runs while Redis restarts is finished and stored; killing it would only repeat the work.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Asked to stop, a worker lets its pages run so long; then it returns them, message and lease.
        "worker_soft_shutdown_timeout": settings.soft_shutdown_seconds,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": settings.visibility_seconds,
            "health_check_interval": 10,
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # Interactive page runs overtake the others.
            "queue_order_strategy": "sorted",
            "global_keyprefix": key_prefix(database_id),
        },
        # kombu would not check the certificate of a rediss:// address that has no parameters (ssl_ca_certs=...).
        "broker_use_ssl": _default_tls(settings.broker_url),
        # Nobody listens to events or remote control of single tasks; both cost a connection each.
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _default_tls(broker_url: str) -> dict[str, Any] | None:
    if broker_url.startswith("rediss://") and "ssl_" not in broker_url:
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return None


@cache
def _app_of_environment() -> Celery:
    return app_for(Settings.from_env())


def __getattr__(name: str) -> Any:
    """Return `app`, made when somebody asks: `celery --app workers` does."""
    if name == "app":
        return _app_of_environment()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
