"""Pages of a IIIF host of our own, which blocks whoever asks too often, and lies as hosts in the wild do."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from tests.iiif_host import IiifHost, Picture, a_iiif_host
from tests.unit.printed_pages import printed_page
from workers.errors import MissingSource, NotNow, RefusedHost, StorageError, UnreadableImage
from workers.lease import host_budgets
from workers.lease.guest import Guest
from workers.on_original import on_original
from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page
from workers.sources.iiif.archives import names_in
from workers.sources.iiif.asking import Remembered
from workers.sources.iiif.image import CanvasImage
from workers.sources.iiif.opening import open_canvas
from workers.sources.limits import Limits
from workers.sources.politeness import Budget, host_of
from workers.sources.stores.web import Answer, web

ALLOWED = ("127.0.0.1",)


@pytest.fixture
def host() -> Iterator[IiifHost]:
    with a_iiif_host() as server:
        yield server


@pytest.fixture
def guest(host: IiifHost, sqlite_engine: Engine) -> Guest:
    host_budgets.set_budget(sqlite_engine, host_of(host.url), Budget(1000, 1.0, 8))
    return Guest(sqlite_engine, web(ALLOWED), patience_seconds=5.0)


def blank(width: int, height: int) -> Image.Image:
    return Image.new("L", (width, height), 250)


def canvas(host: IiifHost, name: str = "p", size: tuple[int, int] | None = None, url: str = "") -> CanvasImage:
    return CanvasImage(f"{host.url}/image/{name}", 0, url, size)


def opened(guest: Guest, image: CanvasImage) -> Image.Image:
    return open_canvas(guest.get, image, "p", Limits())


@pytest.mark.parametrize("version", [2, 3])
def test_a_picture_that_is_not_large_is_taken_whole(host: IiifHost, guest: Guest, version: int) -> None:
    host.pictures["p"] = Picture(blank(600, 800), version)
    assert opened(guest, canvas(host)).size == (600, 800)
    assert list(host.counts().values()) == [1, 1]


@pytest.mark.parametrize("version", [2, 3])
def test_a_large_picture_is_asked_for_as_large_as_its_text_needs(host: IiifHost, guest: Guest, version: int) -> None:
    ink, _ = printed_page(1, size=88, shape=(4400, 3600))
    host.pictures["p"] = Picture(Image.fromarray(255 - ink), version)
    image = opened(guest, canvas(host, size=(3600, 4400)))
    assert 7e6 < image.width * image.height < 9e6
    layout = on_original(analyse_page(image, PipelineParameters()), image)
    whole = analyse_page(Image.fromarray(255 - ink), PipelineParameters())
    assert (layout.width, layout.height) == (3600, 4400) and len(layout.lines) == len(whole.lines)
    away = [abs(a.bbox.y_min - b.bbox.y_min) for a, b in zip(layout.lines, whole.lines, strict=True)]
    assert np.median(away) <= 4


def test_small_text_is_asked_for_larger(host: IiifHost, guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.sources.iiif.opening.WORKING_PIXELS", 0.3e6)
    ink, _ = printed_page(1, size=16, shape=(1200, 1000))
    host.pictures["p"] = Picture(Image.fromarray(255 - ink))
    assert opened(guest, canvas(host)).width > 700
    assert len(host.asked) == 3


def test_what_a_host_refuses_in_one_size_is_taken_in_another(host: IiifHost, guest: Guest) -> None:
    host.pictures["p"] = Picture(blank(5000, 4000), level=0, sizes=[(1250, 1000)])  # no whole number of its size
    host.pictures["q"] = Picture(blank(5000, 4000), version=3, most_width=2000)
    assert opened(guest, canvas(host)).size == (5000, 4000)
    assert opened(guest, canvas(host, "q")).size == (2000, 1600)


@pytest.mark.parametrize(
    ("told", "size"),
    [((1200, 1600), (1200, 1600)), ((60, 80), (60, 80)), ((100, 100), (600, 800)), (None, (600, 800))],
)
def test_boxes_are_in_the_pixels_of_the_canvas_unless_it_lies(
    host: IiifHost, guest: Guest, told: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    host.pictures["p"] = Picture(blank(600, 800))
    image = opened(guest, canvas(host, size=told))
    layout = on_original(analyse_page(image, PipelineParameters()), image)
    assert (layout.width, layout.height) == size


def test_a_dead_service_beside_a_picture_gives_the_picture(host: IiifHost, guest: Guest) -> None:
    host.pictures["plain"] = Picture(blank(300, 400))
    url = f"{host.url}/image/plain/full/full/0/default.jpg"
    assert opened(guest, canvas(host, "dead", url=url)).size == (300, 400)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {}, b""), MissingSource),
        ((410, {}, b""), MissingSource),
        ((403, {}, b""), UnreadableImage),
        ((500, {}, b""), StorageError),
        ((200, {}, b"<html>not a picture</html>"), UnreadableImage),
        ((200, {}, b""), UnreadableImage),
        ((302, {"Location": "/p.jpg"}, b""), UnreadableImage),
    ],
)
def test_what_is_no_picture_is_told(
    host: IiifHost, guest: Guest, answer: tuple[int, dict[str, str], bytes], error: type[Exception]
) -> None:
    host.answers["/p.jpg"] = lambda: answer
    with pytest.raises(error):
        opened(guest, CanvasImage(url=f"{host.url}/p.jpg"))


def test_a_redirect_is_followed_and_counts(host: IiifHost, guest: Guest) -> None:
    host.answers["/old"] = lambda: (301, {"Location": "/new"}, b"")
    host.answers["/new"] = lambda: (200, {}, b"here")
    assert guest.get(f"{host.url}/old", 100).body == b"here"


def test_a_redirect_that_leaves_the_web_is_refused(host: IiifHost, guest: Guest) -> None:
    host.answers["/old"] = lambda: (301, {"Location": "ftp://127.0.0.1/new"}, b"")
    with pytest.raises(RefusedHost, match="/old redirects to ftp://"):
        guest.get(f"{host.url}/old", 100)


def test_a_redirect_from_https_to_http_is_refused(sqlite_engine: Engine) -> None:
    class Redirects:
        def get(self, url: str, most_bytes: int, headers: object = None, *, follow: bool = True) -> Answer:
            return Answer(url, 301, {"location": "http://iiif.example/p.jpg"}, b"")

    with pytest.raises(RefusedHost, match="redirects to http://"):
        Guest(sqlite_engine, Redirects()).get("https://iiif.example/p.jpg", 100)


def test_a_host_that_says_too_often_is_asked_by_nobody_before_its_time(host: IiifHost, guest: Guest) -> None:
    host.answers["/a"] = lambda: (429, {"Retry-After": "3600"}, b"")
    host.answers["/b"] = lambda: (200, {}, b"")
    with pytest.raises(NotNow) as refused:
        guest.get(f"{host.url}/a", 100)
    assert 3590 < refused.value.seconds <= 3600
    with pytest.raises(NotNow):
        guest.get(f"{host.url}/b", 100)
    assert host.counts() == {"/a": 1}


def test_a_host_that_is_gone_is_left_alone_for_a_while(sqlite_engine: Engine) -> None:
    with a_iiif_host() as server:
        url = server.url
    host_budgets.set_budget(sqlite_engine, host_of(url), Budget(1000, 1.0, 8))
    guest = Guest(sqlite_engine, web(ALLOWED), patience_seconds=0.0)
    for least in (1, 1, 20):
        with pytest.raises(NotNow) as gone:
            guest.get(f"{url}/a", 100)
        assert gone.value.of_page and gone.value.seconds > least
        time.sleep(0.01)


def test_a_host_that_fails_at_one_picture_goes_on_with_the_others(host: IiifHost, guest: Guest) -> None:
    host.answers |= {"/bad": lambda: (503, {}, b""), "/good": lambda: (200, {}, b"")}
    for _ in range(5):
        with pytest.raises(NotNow) as failed:
            guest.get(f"{host.url}/bad", 100)
        assert failed.value.of_page
        assert guest.get(f"{host.url}/good", 100).status == 200


def test_what_was_had_is_not_asked_for_again(host: IiifHost, guest: Guest) -> None:
    host.pictures["p"] = Picture(blank(600, 800))
    for _ in range(2):
        open_canvas(Remembered(guest.get), canvas(host), "p", Limits())
    assert set(host.counts().values()) == {1}


def test_a_picture_in_a_zip_is_taken_from_there_and_the_zip_asked_for_once(host: IiifHost, guest: Guest) -> None:
    host.files["/vol.zip"] = zipped({"a/1.png": blank(300, 400), "a/2.png": blank(310, 410)})
    ask = Remembered(guest.get)
    for name, size in (("a/1.png", (300, 400)), ("a/2.png", (310, 410))):
        image = CanvasImage(url=f"{host.url}/vol.zip", member=name)
        assert open_canvas(ask, image, "p", Limits()).size == size
    with pytest.raises(MissingSource):
        open_canvas(ask, CanvasImage(url=f"{host.url}/vol.zip", member="a/3.png"), "p", Limits())
    assert host.counts() == {"/vol.zip": 1}


def test_the_names_in_a_zip_are_read_from_its_last_bytes(host: IiifHost, guest: Guest) -> None:
    data = zipped({f"{number}.png": blank(100 + number, 100) for number in range(20)})
    host.files["/vol.zip"] = data
    answer = guest.get(f"{host.url}/vol.zip", 3000, {"Range": "bytes=-3000"})
    assert len(names_in(answer.body, answer.headers["content-range"])) == 20
    assert names_in(answer.body[-500:], f"bytes {len(data) - 500}-{len(data) - 1}/{len(data)}") == ()  # not all of them
    assert names_in(b"", "bytes 0-0/99999999999") == names_in(b"no zip", "bytes 0-5/6") == names_in(b"", "") == ()


def zipped(pictures: dict[str, Image.Image]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, picture in pictures.items():
            body = io.BytesIO()
            picture.save(body, "PNG")
            archive.writestr(name, body.getvalue())
    return whole.getvalue()


ASKER = """
import sys, threading, time
from models.session import open_engine
from workers.errors import NotNow, RefusedHost
from workers.lease.guest import Guest
from workers.sources.stores.web import Answer, web
database, url, seconds = sys.argv[1:]
engine = open_engine(database)
print("ready", flush=True)
sys.stdin.readline()
until = time.monotonic() + float(seconds)

def ask():
    guest = Guest(engine, web(["127.0.0.1"]), patience_seconds=0.3)
    while time.monotonic() < until:
        try:
            guest.get(f"{url}/x", 100)
        except NotNow as error:
            time.sleep(min(error.seconds, 1.0))

threads = [threading.Thread(target=ask) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_eight_workers_use_a_budget_and_are_never_blocked(host: IiifHost, sqlite_engine: Engine) -> None:
    period, seconds = 2.0, 5.0
    host.answers["/x"] = lambda: (200, {}, b"x")
    host.limit, host.delay = (20, period), 0.02
    host_budgets.set_budget(sqlite_engine, host_of(host.url), Budget(20, period, 2))
    command = [sys.executable, "-c", ASKER, str(sqlite_engine.url), host.url, str(seconds)]
    folder = Path(__file__).parents[2]
    askers = [
        subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for asker in askers:
        assert asker.stdout is not None and asker.stdout.readline() == "ready\n"
    began = time.monotonic()
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    for asker in askers:
        asker.communicate()
    asked = [at for at, _ in host.asked if at < began + seconds]
    assert host.blocks == 0
    # how much of it is used is shown with a clock of our own (test_politeness.py): here the machine may be busy
    assert len(asked) >= 0.3 * 20 * seconds / period
