"""How fast `broadsheet web` answers, and what those who look cost those who work.

    python -m benchmarks.web                     three minutes: tiles, thumbnails, progress, readers, 20,000 page runs
    python -m benchmarks.web --folder FOLDER     the same, and pages of the database with 1 M page runs and 10 M boxes
                                                 there, which is made (half an hour) where it is not
    python -m benchmarks.web --only tiles        or thumbnails, answers, progress, readers; repeatable

Times are by the wall clock unless they say otherwise; other work on the machine spoils them, so the load is printed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
from PIL import Image
from sqlalchemy import Engine, insert, select, update

import migrations
from benchmarks.synthetic import fill
from models import Page, PageRun, Pipeline, Volume, database_now
from models.session import open_engine
from samples.pages import PageDesign, draw
from tests.acceptance.command import Broadsheet
from tests.servers import free_port, wait_until
from tests.web import Archive, address_of

LARGE = (7500, 9400)  # 70 Mpx
THUMBNAILS, CONNECTIONS = 500, 6  # as many as a browser opens
READERS, READ_SECONDS = 50, 20.0
TURNS = 8
TILE = "/iiif/image/{}/{},0,512,512/512,512/0/default.jpg"


def get(address: str, path: str) -> tuple[int, bytes]:
    """Ask once, on a connection of its own."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)) as connection:
        connection.request("GET", path, headers={"Accept": "text/html,image/*"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def seconds(address: str, path: str) -> float:
    """Return how long an answer takes that must be a good one."""
    began = time.perf_counter()
    status, content = get(address, path)
    took = time.perf_counter() - began
    assert status == 200, (path, status, content[:300])
    return took


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """Return the processor time that a process has used so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def a_server(archive: Archive, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the real command; yield its address and its process."""
    command = archive.broadsheet.start("web", "--port", "0", "--cache", str(archive.folder / "cache"), *options)
    try:
        yield address_of(command), command
    finally:
        command.kill()
        command.communicate()


def an_archive(folder: Path, scans: dict[str, bytes | Path], size: tuple[int, int]) -> tuple[Archive, list[int]]:
    """Store scans of one size as pages that were read, and return the numbers of the pages."""
    archive = Archive(folder, Broadsheet(folder))
    for name, content in scans.items():
        path = folder / "scans" / name
        path.parent.mkdir(exist_ok=True)
        path.hardlink_to(content) if isinstance(content, Path) else path.write_bytes(content)
    engine = open_engine(archive.database_url)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(insert(Pipeline), {"fingerprint": "0" * 16, "parameters": "{}", "versions": "{}"})
        volume = {"source": "scans", "location": str(folder / "scans"), "kind": "directory"}
        connection.execute(insert(Volume), volume)
        pages = [
            {
                "volume_id": 1, "page_number": n, "name": name, "sha256": f"{n:064x}", "size_bytes": 1,
                "modified_ns": 0, "address": json.dumps({"members": [name], "frame": None}),
            }
            for n, name in enumerate(scans, 1)
        ]  # fmt: skip
        connection.execute(insert(Page), pages)
        done = {"state": "done", "pipeline_id": 1, "width": size[0], "height": size[1], "text_lines": 0}
        connection.execute(insert(PageRun), [done | {"page_id": n} for n in range(1, len(scans) + 1)])
    engine.dispose()
    return archive, list(range(1, len(scans) + 1))


def a_scan(path: Path, size: tuple[int, int], **options: object) -> bytes:
    """Draw a page of this size and return the bytes of its file."""
    page = np.asarray(draw(PageDesign(3, columns=4)).image.convert("L"))
    times = (-(-size[1] // page.shape[0]), -(-size[0] // page.shape[1]))
    Image.fromarray(np.tile(page, times)[: size[1], : size[0]]).save(path, **options)
    return path.read_bytes()


def tiles(folder: Path) -> Iterator[str]:
    """The first tile of a large scan, and those after it."""
    jpeg = a_scan(folder / "large.jpg", LARGE, quality=85)
    wavelet = a_scan(folder / "large.jp2", LARGE, irreversible=True, quality_mode="rates", quality_layers=[12])
    archive, (first, second) = an_archive(folder, {"a.jpg": jpeg, "b.jp2": wavelet}, LARGE)
    with a_server(archive) as (address, process):
        seconds(address, "/healthz")
        for number, name in ((first, "JPEG"), (second, "JPEG 2000")):
            overview = seconds(address, f"/iiif/image/{number}/full/469,/0/default.jpg")
            before = cpu_seconds(process)
            sharp = seconds(address, TILE.format(number, 0))
            processor = cpu_seconds(process) - before
            others = [seconds(address, TILE.format(number, 512 * n)) for n in range(1, 9)]
            again = [seconds(address, TILE.format(number, 512 * n)) for n in range(1, 9)]
            yield (
                f"{name} of {LARGE[0] * LARGE[1] / 1e6:.0f} Mpx: the whole page small {ms(overview)}, first sharp tile "
                f"{ms(sharp)} ({ms(processor)} of processor time), others {ms(statistics.median(others))}, kept ones "
                f"{ms(statistics.median(again))}"
            )


def thumbnails(folder: Path) -> Iterator[str]:
    """A wall of 500 thumbnails, made before."""
    size = (1500, 2200)
    a_scan(folder / "one.jpg", size, quality=85)
    scans: dict[str, bytes | Path] = {f"p{n:04}.jpg": folder / "one.jpg" for n in range(THUMBNAILS)}
    archive, pages = an_archive(folder, scans, size)
    with a_server(archive) as (address, _):
        for name in ("made", "warm"):
            began = time.perf_counter()
            wall = seconds(address, f"/pages?per={THUMBNAILS}")
            with ThreadPoolExecutor(CONNECTIONS) as browser:
                list(browser.map(lambda page: seconds(address, f"/thumbnails/{page}.jpg"), pages))
            yield f"a wall of {THUMBNAILS} thumbnails, {name}: {ms(time.perf_counter() - began)} (the page {ms(wall)})"


def answers(folder: Path, volumes: int, pages: int, lines: int) -> Iterator[str]:
    """Pages of a large database: the first time, and the median of five."""
    archive = Archive(folder, Broadsheet(folder))
    engine = open_engine(archive.database_url)
    migrations.upgrade(engine)
    fill(engine, volumes, pages, lines)
    engine.dispose()
    middle = volumes * pages // 2
    recent = quote("SELECT volume, page, text_lines FROM page_status WHERE volume_id = 3 ORDER BY text_lines LIMIT 20")
    paths = (
        "/", "/volumes/3", "/pages", "/pages?volume=3&state=done", f"/pages/{middle}", "/faces", "/pictures", "/review",
        "/runs", "/ask", f"/ask?sql={recent}",
    )  # fmt: skip
    yield f"a database with {volumes * pages:,} page runs and {volumes * pages * lines:,} boxes:"
    with a_server(archive) as (address, _):
        for path in paths:
            first, *again = (seconds(address, path) for _ in range(6))
            yield f"  {path[:60]:<60} first {ms(first)}, then {ms(statistics.median(again))}"


def progress(folder: Path) -> Iterator[str]:
    """How long after a commit three servers behind nginx show it, and after one of them was killed."""
    archive, engine = work_to_do(folder, 20, 1000)
    with ExitStack() as stack:
        servers = [stack.enter_context(a_server(archive)) for _ in range(3)]
        nginx = stack.enter_context(a_proxy(folder, [address for address, _ in servers]))
        watchers = [Watcher(nginx) for _ in range(6)]
        wait_until(lambda: all(watcher.done == 0 for watcher in watchers), "the first state")
        yield f"progress through nginx, three servers, {20_000:,} page runs: {delays(engine, watchers)}"
        servers[0][1].kill()
        wait_until(lambda: sum(watcher.reconnected for watcher in watchers) > 0, "a browser that asks again")
        yield f"  after one server was killed: {delays(engine, watchers)}"
        for watcher in watchers:
            watcher.stop()
    engine.dispose()


def readers(folder: Path) -> Iterator[str]:
    """What fifty who watch take of the two processors that the workers use, by processor time."""
    archive, engine = work_to_do(folder, 20, 1000)
    with a_server(archive) as (address, process):
        watchers = [Watcher(address) for _ in range(READERS)]
        wait_until(lambda: all(watcher.done is not None for watcher in watchers), "the first state")
        before, began = cpu_seconds(process), time.perf_counter()
        while time.perf_counter() - began < READ_SECONDS:
            finish(engine, 2)
            time.sleep(0.5)
        took = cpu_seconds(process) - before
        share = took / (time.perf_counter() - began) / 2
        yield f"{READERS} readers of the run page while pages end: {100 * share:.1f} % of two processors, server's time"
        for watcher in watchers:
            watcher.stop()
    engine.dispose()


class Watcher:
    """A browser on the run page: it follows the events and asks again when they break off."""

    def __init__(self, address: str) -> None:
        self.done: int | None = None
        self.reconnected = 0
        self._address, self._ended = address, False
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the next event."""
        self._ended = True

    def _follow(self) -> None:
        while not self._ended:
            try:
                self._listen()
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
            self.reconnected += 1

    def _listen(self) -> None:
        with closing(http.client.HTTPConnection(urlsplit(self._address).netloc, timeout=60)) as connection:
            connection.request("GET", "/runs/events")
            answer = connection.getresponse()
            for line in answer:
                if line.startswith(b"data: "):
                    self.done = json.loads(line[6:])["state"]["total"].get("done", 0)
                if self._ended:
                    return


def delays(engine: Engine, watchers: list[Watcher]) -> str:
    """Finish a page again and again, and return how long it takes until all show it."""
    found = []
    for _ in range(TURNS):
        done = finish(engine, 1)
        began = time.perf_counter()
        wait_until(lambda done=done: all(watcher.done == done for watcher in watchers), "the progress", 60)
        found.append(time.perf_counter() - began)
    return f"shown by all after {ms(statistics.median(found))}, at most {ms(max(found))}"


def work_to_do(folder: Path, volumes: int, pages: int) -> tuple[Archive, Engine]:
    """Return a database of page runs that wait."""
    archive = Archive(folder, Broadsheet(folder))
    engine = open_engine(archive.database_url)
    migrations.upgrade(engine)
    fill(engine, volumes, pages, 1)
    with engine.begin() as connection:
        connection.execute(update(PageRun).values(state="ready", finished_at=None))
    return archive, engine


def finish(engine: Engine, count: int) -> int:
    """Let pages be done, and return how many are."""
    with engine.begin() as connection:
        waiting = select(PageRun.page_run_id).where(PageRun.state == "ready").limit(count)
        done = {"state": "done", "started_at": database_now(-1), "finished_at": database_now()}
        connection.execute(update(PageRun).where(PageRun.page_run_id.in_(waiting)).values(**done))
        return len(connection.execute(select(PageRun.page_run_id).where(PageRun.state == "done")).all())


@contextmanager
def a_proxy(folder: Path, servers: list[str]) -> Iterator[str]:
    """Run nginx, as docs/deployment.md sets it up, in front of several servers; yield its address."""
    port, upstream = free_port(), "".join(f"server {urlsplit(one).netloc} max_fails=1; " for one in servers)
    configuration = folder / "nginx.conf"
    configuration.write_text(f"""
        daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
        events {{ worker_connections 512; }}
        http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; 
          fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
          upstream broadsheet {{ {upstream} }}
          server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://broadsheet; proxy_http_version 1.1;
            proxy_set_header Host $host; proxy_read_timeout 1h; }} }} }}""")
    nginx = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(configuration), "-p", str(folder)])
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers_at(address), "nginx")
        yield address
    finally:
        nginx.terminate()
        nginx.wait()


def answers_at(address: str) -> bool:
    """Return whether somebody answers there."""
    try:
        return get(address, "/healthz")[0] == 200
    except OSError:
        return False


def ms(took: float) -> str:
    """Return a time as people read it."""
    return f"{1000 * took:,.0f} ms"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: dict[str, Callable[[Path], Iterator[str]]] = {
        "tiles": tiles, "thumbnails": thumbnails, "progress": progress, "readers": readers,
        "answers": lambda folder: answers(folder, 20, 1000, 10),
    }  # fmt: skip
    parser.add_argument("--only", action="append", choices=parts, help="[all]")
    parser.add_argument("--folder", type=Path, help="keep a database of 1 M page runs and 10 M boxes here")
    wanted = parser.parse_args()
    for name in wanted.only or parts:
        with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as temporary:
            folder = Path(temporary)
            work = parts[name](folder)
            if name == "answers" and wanted.folder:
                wanted.folder.mkdir(parents=True, exist_ok=True)
                work = answers(wanted.folder, 1000, 1000, 10)
            print(f"-- {name}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
            for line in work:
                print(line, flush=True)


if __name__ == "__main__":
    main()
