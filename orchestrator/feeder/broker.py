"""The broker as the feeder sees it. It carries numbers of page runs and may forget them at any moment."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import uuid4

from celery import Celery
from kombu.exceptions import BatchPublishError, OperationalError

from workers.errors import ServiceDown
from workers.messages import PROCESS_PAGE, Queue

BATCH = 500

Message = tuple[int, Queue]
"""The number of a page run, and the queue it goes to."""


class Broker(Protocol):
    """What a feeder needs of a broker."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Send messages.

        Raises:
            ServiceDown: the broker does not take them; some may have been sent.
        """

    def queue_length(self) -> int:
        """Return how many messages wait in the queues.

        Raises:
            ServiceDown: the broker does not answer.
        """

    def queued_ids(self) -> set[int]:
        """Return the page runs whose messages wait in the queues.

        Raises:
            ServiceDown: the broker does not answer.
        """


class RedisBroker:
    """Celery's queues on Redis."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._prefix = app.conf.broker_transport_options["global_keyprefix"]
        connection = app.connection_for_write()
        # "full" and "loading" are channel errors here; the rest means that nobody is there
        self._troubles = (
            BatchPublishError,
            OperationalError,
            OSError,
            *connection.connection_errors,
            *connection.channel_errors,
        )

    def publish(self, messages: Sequence[Message]) -> None:
        """Send messages, many in one round trip.

        What `send_task` would look up again for each message is left out: half of its time.
        """
        make = self._app.amqp.create_task_message
        with self._translated(), self._app.producer_pool.acquire(block=True) as producer, producer.batch(BATCH):
            for page_run_id, queue in messages:
                task_id = str(uuid4())
                message = make(task_id, PROCESS_PAGE, (page_run_id,), {}, argsrepr=f"({page_run_id},)", kwargsrepr="{}")
                producer.publish(
                    message.body,
                    exchange="",
                    routing_key=queue.value,
                    delivery_mode=2,
                    headers=message.headers,
                    serializer="json",
                    **message.properties,
                )

    def queue_length(self) -> int:
        """Return how many messages wait in the queues."""
        with self._translated(), self._client() as client:
            return sum(client.llen(queue) for queue in Queue)

    def queued_ids(self) -> set[int]:
        """Return the page runs whose messages wait in the queues; what is no message of ours is passed over."""
        with self._translated(), self._client() as client:
            # of the commands that we use, kombu leaves this one without the prefix
            lists = [client.lrange(f"{self._prefix}{queue}", 0, -1) for queue in Queue]
        return {number for texts in lists for text in texts for number in _page_run_in(text)}

    @contextmanager
    def _client(self) -> Iterator[Any]:
        with self._app.pool.acquire(block=True) as connection:
            yield connection.default_channel.client

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._troubles as error:
            raise ServiceDown(
                f"The broker does not answer, or takes no messages: {error}. Start it again, or run the same command "
                "again; nothing that is stored is lost."
            ) from error


def _page_run_in(text: bytes) -> Iterator[int]:
    try:
        arguments = json.loads(base64.b64decode(json.loads(text)["body"]))[0]
        (number,) = arguments
    except (ValueError, KeyError, TypeError, IndexError):
        return
    if isinstance(number, int):
        yield number
