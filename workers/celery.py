"""The Celery app. The broker is only the doorbell: what must not be lost is in the database."""

from __future__ import annotations

from typing import Any

from celery import Celery

from workers.config import Settings

PROCESS_PAGE = "broadsheet.process_page"
QUEUE = "pages"


def make_app(settings: Settings) -> Celery:
    """Return an app for these settings; nothing is connected before it is used."""
    app = Celery("broadsheet", broker=settings.broker_url or None, include=["workers.tasks"], set_as_current=True)
    app.conf.update(celery_settings(settings))
    return app


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return Celery's settings, each with its reason."""
    return {
        # Ids only: nothing that arrives is ever unpickled, and results live in SQL.
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_default_queue": QUEUE,
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
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": settings.visibility_seconds,
            "health_check_interval": 10,
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # One Redis may serve several applications.
            "global_keyprefix": "broadsheet:",
        },
        # Nobody listens to events or remote control of single tasks; both cost a connection each.
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


app = make_app(Settings.from_env())
