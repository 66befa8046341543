"""A fleet for some minutes under every fault at random: `python -m tests.chaos [--seed N] [--pages N] [--minutes M]`.

The same seed draws the same faults in the same order; when they strike depends on the machine. Afterwards the same
must hold as after each single fault: every page done or quarantined, results once and complete, attempts accounted
for, never more in flight than the window.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis as redis_client
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from orchestrator.feeder.broker import RedisBroker
from tests.faults.plan import Fault
from tests.fleet import Fleet
from tests.integration.fleets import a_fleet, a_redis
from tests.servers import PostgresServer, RedisServer
from workers.celery import app_for
from workers.errors import ServiceDown
from workers.messages import Queue
from workers.telemetry.metrics import child_processes

# What strikes pages, and how many of a hundred pages; some only once, some in every attempt.
PAGE_FAULTS = {
    ("analyse", "kill"): 4,
    ("analyse", "segfault"): 3,
    ("analyse", "memory_error"): 3,
    ("record.commit", "kill"): 3,
    ("recorded", "kill"): 3,
    ("claim.commit", "kill"): 2,
    ("load", "bad_scan"): 2,
    ("analyse", "linger"): 10,
}
POISON = 2
WINDOW = 16


def draw_faults(random_: random.Random, pages: int) -> list[Fault]:
    """Return the faults of the pages: each page meets at most one."""
    names = [f"p{number:04}.png" for number in range(1, pages + 1)]
    random_.shuffle(names)
    faults = [Fault("analyse", "linger_a_little")]
    for (point, action), share in PAGE_FAULTS.items():
        for _ in range(max(1, pages * share // 100)):
            faults.append(Fault(point, action, names.pop(), None if action == "bad_scan" else (1,)))
    faults += [Fault("analyse", "segfault", names.pop()) for _ in range(max(1, pages * POISON // 100))]
    return faults


@dataclass
class Chaos:
    """The fleet, its servers, and what can be done to them."""

    random: random.Random
    fleet: Fleet
    redis: RedisServer
    postgres: PostgresServer
    happened: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Start two feeders and two workers, each again when it dies."""
        for _ in range(2):
            self._restarting(self.fleet.feeder)
            self.fleet.worker(2, restart=True)

    def _restarting(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        process = start()
        self.fleet.restarting[process.pid] = lambda: self._restarting(start)
        return process

    def strike(self) -> str:
        """Do one thing at random; returns its name."""
        actions = [
            self.kill_a_child,
            self.kill_a_worker,
            self.deploy_a_worker,
            self.freeze_a_worker,
            self.kill_a_feeder,
            self.kill_redis,
            self.freeze_redis,
            self.empty_redis,
            self.fill_redis,
            self.restart_postgres,
            self.deliver_twice,
        ]
        action = self.random.choice(actions)
        with suppress(ProcessLookupError, RedisError, OperationalError, ServiceDown):
            action()
        self.happened[action.__name__] += 1
        return action.__name__

    def _pick(self, command: str) -> subprocess.Popen[bytes]:
        alive = [p for p in self.fleet.processes if p.poll() is None and isinstance(p.args, list) and command in p.args]
        return self.random.choice(alive)

    def kill_a_child(self) -> None:
        """Kill a child of a worker."""
        children = child_processes(self._pick("worker").pid)
        if children:
            os.kill(self.random.choice(children), signal.SIGKILL)

    def kill_a_worker(self) -> None:
        """Kill a whole worker."""
        self._pick("worker").kill()

    def deploy_a_worker(self) -> None:
        """Ask a worker to stop."""
        self._pick("worker").send_signal(signal.SIGTERM)

    def freeze_a_worker(self) -> None:
        """Stop a worker's main process for a while."""
        worker = self._pick("worker")
        worker.send_signal(signal.SIGSTOP)
        self.fleet.watch(self.random.uniform(1, 8))
        worker.send_signal(signal.SIGCONT)

    def kill_a_feeder(self) -> None:
        """Kill a feeder."""
        self._pick("feed").kill()

    def kill_redis(self) -> None:
        """Kill Redis, which keeps nothing, up to six times in a row."""
        for _ in range(self.random.randint(1, 6)):
            self.redis.kill()
            self.fleet.watch(self.random.uniform(0, 1))
            self.redis.start()

    def freeze_redis(self) -> None:
        """Stop Redis for a while."""
        assert self.redis.process is not None
        self.redis.process.send_signal(signal.SIGSTOP)
        self.fleet.watch(self.random.uniform(1, 25))
        self.redis.process.send_signal(signal.SIGCONT)

    def empty_redis(self) -> None:
        """Flush Redis."""
        with redis_client.Redis(port=self.redis.port, socket_timeout=5) as client:
            client.flushall()

    def fill_redis(self) -> None:
        """Let Redis be full for a while."""
        with redis_client.Redis(port=self.redis.port, socket_timeout=5) as client:
            client.config_set("maxmemory", 1)
            self.fleet.watch(self.random.uniform(1, 4))
            client.config_set("maxmemory", 0)

    def restart_postgres(self) -> None:
        """Stop PostgreSQL and start it again."""
        self.postgres.stop()
        self.fleet.watch(self.random.uniform(0, 3))
        self.postgres.start()

    def deliver_twice(self) -> None:
        """Send messages of page runs in any state."""
        numbers = self.random.sample(range(1, 50), 10)
        RedisBroker(app_for(self.fleet.settings)).publish([(number, Queue.BULK) for number in numbers])


def run(seed: int, pages: int, minutes: float, folder: Path) -> Counter[str]:
    """Let it happen, wait for the end, check; returns how often each fault struck."""
    postgres = PostgresServer(folder / "postgres")
    postgres.folder.mkdir()
    postgres.make()
    postgres.start()
    random_ = random.Random(seed)
    limits = {"soft_limit_seconds": 15, "hard_limit_seconds": 17, "lease_seconds": 20, "visibility_seconds": 30}
    options = {"max_window": WINDOW, "max_attempts": 6, "max_failure_rate": 100}
    try:
        with (
            a_redis() as redis,
            a_fleet(folder, postgres, redis, pages, draw_faults(random_, pages), **limits, **options) as fleet,
        ):
            chaos = Chaos(random_, fleet, redis, postgres)
            chaos.start()
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end and not _over(fleet):
                fleet.watch(random_.uniform(0.5, 4))
                print(f"  {chaos.strike()}  {_states(fleet)}", flush=True)
            fleet.until_ended(300)
            fleet.check()
            print(f"ended as {fleet.states()}, never more than {fleet.most_in_flight} of {WINDOW} in flight")
            return chaos.happened
    finally:
        postgres.stop()


def _states(fleet: Fleet) -> dict[str, int] | None:
    with suppress(OperationalError):
        return fleet.states()
    return None


def _over(fleet: Fleet) -> bool:
    with suppress(OperationalError):
        return fleet.count("ready", "queued", "running") == 0
    return False


def main() -> None:
    """Read the options and run; a broken promise ends with an AssertionError and the folder of logs is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--minutes", type=float, default=4)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-chaos-"))
    folder.chmod(0o755)
    print(f"seed {options.seed}; logs in {folder}", flush=True)
    happened = run(options.seed, options.pages, options.minutes, folder)
    print(f"every promise held under {dict(happened)}; seed {options.seed}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
