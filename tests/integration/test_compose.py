"""The compose file: what it promises, and the fleet that it makes, run for real by `make compose-test`."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, ImageDraw

from tests.servers import wait_until
from workers.config import Settings

ROOT = Path(__file__).resolve().parents[2]
PASSWORDS = {
    "POSTGRES_PASSWORD": "5ecret0fpostgres",
    "REDIS_PASSWORD": "5ecret0fredis",
    "FLOWER_BASIC_AUTH": "m:5ecret",
}
OURS = ("migrate", "feeder", "worker", "ingest", "broadsheet", "flower", "web")


@cache
def services() -> dict[str, dict[str, Any]]:
    """The services as the file describes them, before any variable is filled in."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text.removesuffix("s"))


def test_every_service_of_the_fleet_is_there() -> None:
    assert set(services()) == {"postgres", "redis", "prometheus", *OURS}
    assert {name for name, service in services().items() if "profiles" in service} == {
        "prometheus",
        "ingest",
        "broadsheet",
        "web",
    }


def test_no_port_is_published_beyond_localhost() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 3 and all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", [*OURS, "redis"])
def test_containers_of_ours_have_no_rights_they_do_not_need(name: str) -> None:
    service = services()[name]
    assert service["cap_drop"] == ["ALL"] and service["read_only"] and service["user"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["worker", "ingest", "broadsheet", "web"])
def test_the_archive_cannot_be_written(name: str) -> None:
    mounts = [mount for mount in services()[name]["volumes"] if isinstance(mount, dict)]
    assert mounts[0]["target"] == "/archive" and all(mount["read_only"] for mount in mounts)


def test_people_sign_in_to_the_pages_and_a_server_that_hangs_is_noticed() -> None:
    web = services()["web"]
    assert "--auth=/run/passwords" in web["command"] and "--cache=/var/tmp/web" in web["command"]
    assert [mount["target"] for mount in web["volumes"] if isinstance(mount, dict)] == ["/archive", "/run/passwords"]
    assert "/healthz" in web["healthcheck"]["test"][-1]


def test_what_commands_write_reaches_the_host() -> None:
    service = services()["broadsheet"]
    assert "${OUT:-./out}:/out" in service["volumes"]
    assert service["working_dir"] == "/out", "a mere name is not written into a folder that goes with the container"


def test_nothing_starts_before_what_it_needs() -> None:
    ready = {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert all(services()[name]["depends_on"] == ready for name in OURS if name != "migrate")


def test_services_come_back_by_themselves_and_say_how_they_are() -> None:
    for name in ("postgres", "redis", "feeder", "worker", "flower", "web"):
        assert services()[name]["restart"] == "unless-stopped"
        assert "healthcheck" in services()[name] and "mem_limit" in services()[name]
    assert all(services()[name]["restart"] == "no" for name in ("migrate", "ingest", "broadsheet"))


def test_a_worker_has_longer_to_stop_than_its_soft_shutdown_takes() -> None:
    assert seconds(services()["worker"]["stop_grace_period"]) >= Settings().soft_shutdown_seconds + 30


def test_redis_keeps_what_it_has_and_refuses_what_is_too_much() -> None:
    command = services()["redis"]["command"][-1]
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", "--proto-max-bulk-len 1mb", "requirepass"):
        assert option in command


def test_no_password_is_in_the_file_and_every_variable_is_in_the_example() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = (ROOT / ".env.example").read_text()
    variables = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) - {
        "BROADSHEET_IMAGE",
        "FLOWER_PORT",
        "PROMETHEUS_PORT",
        "WEB_PORT",
    }
    assert variables == set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    for name in (*PASSWORDS, "ARCHIVE"):
        assert f"${{{name}:?set it in .env}}" in text


def test_the_image_is_built_from_wheels_alone() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "# syntax" not in text and "apt-get" not in text
    assert re.search(r"^USER \d+", text, re.MULTILINE)


def test_a_change_of_our_code_moves_neither_requirements_nor_weights() -> None:
    requirements, _, image = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    assert "fetch_weights" in requirements and "fetch_weights" not in image
    assert "COPY . ." not in requirements


def test_compose_itself_accepts_the_file(tmp_path: Path) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no docker compose here to check the file with")
    environ = os.environ | PASSWORDS | {"ARCHIVE": str(tmp_path)}
    command = ["docker", "compose", "--env-file", os.devnull, "--profile", "*", "config", "--quiet"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)


# ---- the fleet, for real ----

# Times that suit a test; the order of the file's own is kept.
OVERRIDE = """
x-times: &times
  environment:
    BROADSHEET_SOFT_LIMIT_SECONDS: "15"
    BROADSHEET_HARD_LIMIT_SECONDS: "20"
    BROADSHEET_LEASE_SECONDS: "25"
    BROADSHEET_VISIBILITY_SECONDS: "60"
services:
  feeder: *times
  worker: *times
"""
MAIN = "from workers.telemetry.metrics import child_processes as of; import os; main = of(1)[0]; "
KILL_CHILD = MAIN + "os.kill(of(main)[0], 9)"
KILL_MAIN = MAIN + "os.kill(main, 9)"
OOM_SCORES = MAIN + "print([int(open(f'/proc/{p}/oom_score_adj').read()) for p in (main, of(main)[0])])"


@dataclass
class Deployment:
    """The compose file's fleet under a project name of its own."""

    folder: Path
    project: str = "broadsheet-test"
    figures: dict[str, float] = field(default_factory=dict)

    def compose(self, *arguments: str, seconds: float = 300, check: bool = True) -> str:
        """Run docker compose and return what it printed."""
        files = ["--file", "docker-compose.yml", "--file", str(self.folder / "override.yml")]
        done = subprocess.run(
            ["docker", "compose", "--project-name", self.project, "--env-file", os.devnull, *files, *arguments],
            cwd=ROOT,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environ(self) -> dict[str, str]:
        """Return what .env would hold."""
        ours = {"ARCHIVE": str(self.folder / "archive"), "WORKER_PROCESSES": "1", "FLOWER_PORT": "0"}
        ours |= {"WORKER_MEMORY": "700m", "OUT": str(self.folder / "out")}
        return os.environ | PASSWORDS | ours | {"BROADSHEET_IMAGE": "broadsheet:test"}

    def up(self) -> None:
        """Start the fleet with two workers and wait until all of it is healthy."""
        self.compose("up", "--detach", "--wait", "--scale", "worker=2")

    def ask(self, sql: str) -> list[dict[str, str]]:
        """Return the rows of a query."""
        answer = self.compose("exec", "-T", "feeder", "broadsheet", "query", "--format", "csv", sql)
        return list(csv.DictReader(io.StringIO(answer)))

    def count(self, condition: str) -> int:
        """Return how many page runs fulfil a condition."""
        return int(self.ask(f"SELECT count(*) AS n FROM page_status WHERE {condition}")[0]["n"])

    def in_worker(self, number: int, code: str, check: bool = True) -> str:
        """Run a little Python in a worker's container."""
        return self.compose("exec", "-T", "--index", str(number), "worker", "python", "-c", code, check=check)

    def figures_of(self, service: str) -> str:
        """Return what a service tells Prometheus."""
        code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/metrics').read().decode())"
        return self.compose("exec", "-T", service, "python", "-c", code)

    def note(self, what: str, since: float) -> None:
        """Keep how long something took, to be printed at the end."""
        self.figures[what] = time.monotonic() - since

    def scans(self, name: str, count: int) -> str:
        """Make scans of a few lines of print, each different, and return their place in the containers."""
        place = self.folder / "archive" / name
        place.mkdir(parents=True)
        for number in range(count):
            page = Image.new("L", (700, 500), 255)
            draw = ImageDraw.Draw(page)
            for line in range(20):
                draw.text(
                    (40, 40 + 20 * line), f"line {line} of page {number} of {name}, set in small type " * 2, fill=0
                )
            page.save(place / f"p{number:04}.png")
        return f"/archive/{name}"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Deployment]:
    """The fleet, built and brought up; ended with its volumes."""
    if not os.environ.get("BROADSHEET_COMPOSE_TEST"):
        pytest.skip("the fleet in containers takes minutes: make compose-test")
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers")
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-compose-"))
    folder.chmod(0o755)  # the containers' user must be able to look into it
    (folder / "archive").mkdir()
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)  # and to write there
    (folder / "override.yml").write_text(OVERRIDE)
    made = Deployment(folder)
    began = time.monotonic()
    made.compose("build", "migrate", seconds=3600)
    made.note("build of the image", began)
    began = time.monotonic()
    made.up()
    made.note("up to everything healthy", began)
    yield made
    made.compose("--profile", "*", "down", "--volumes", "--remove-orphans", check=False)
    shutil.rmtree(folder)
    print("\n" + "\n".join(f"{seconds:7.1f} s  {what}" for what, seconds in made.figures.items()))


def test_the_bulk_command_ends_every_page(fleet: Deployment) -> None:
    place = fleet.scans("first", 20)
    began = time.monotonic()
    summary = json.loads(fleet.compose("run", "--rm", "-T", "ingest", place, "--json"))
    fleet.note("compose run ingest of 20 pages, its own start included", began)
    assert (summary["pages"], summary["done"]) == (20, 20)
    figures = fleet.figures_of("feeder")
    assert 'broadsheet_page_runs{state="done"} 20.0' in figures and "broadsheet_workers 2.0" in figures
    assert "broadsheet_page_seconds_count" in fleet.figures_of("worker")


def test_reports_exports_and_pictures_are_on_the_host(fleet: Deployment) -> None:
    for arguments in (
        ("report", "--output", "/out/report.html"),
        ("export", "--format", "alto", "--output", "/out/alto"),
        ("overlay", "p0000.png", "--output", "p0000.pdf"),
        ("query", "--output", "lines.csv", "SELECT page, text_lines FROM page_status"),
    ):
        fleet.compose("run", "--rm", "-T", "broadsheet", *arguments)
    out = fleet.folder / "out"
    assert "p0000.png" in (out / "report.html").read_text()
    assert len(list((out / "alto").rglob("*.xml"))) == 20
    assert (out / "p0000.pdf").read_bytes().startswith(b"%PDF")
    assert len((out / "lines.csv").read_text().splitlines()) == 21


def test_the_image_is_light_and_has_the_weights_of_the_second_reader(fleet: Deployment) -> None:
    code = "from importlib.util import find_spec as of; from workers.weights import ALL, FOLDER; "
    code += "print([bool(of(name)) for name in ('torch', 'kraken')], all((FOLDER / w.name).is_file() for w in ALL))"
    assert fleet.in_worker(1, code) == "[False, False] True\n"


def test_children_are_the_first_to_go_when_memory_is_short(fleet: Deployment) -> None:
    main, child = json.loads(fleet.in_worker(1, OOM_SCORES))
    assert child - main >= 500


def test_a_killed_child_and_a_killed_worker_lose_no_page(fleet: Deployment) -> None:
    place = fleet.scans("second", 150)
    fleet.compose("run", "--rm", "-T", "ingest", place, "--no-wait")
    ours = f"volume = '{place}'"
    wait_until(lambda: fleet.count(f"{ours} AND state = 'done'") > 5, "the first pages", 60)
    fleet.in_worker(1, KILL_CHILD)
    fleet.in_worker(2, KILL_MAIN, check=False)  # the container ends, and what we run in it too
    began = time.monotonic()
    worker = fleet.compose("ps", "--quiet", "worker").split()
    wait_until(lambda: any(restarts(container) for container in worker), "the killed worker's restart", 60)
    fleet.note("restart of a killed worker container", began)
    wait_until(lambda: fleet.count(f"{ours} AND state = 'done'") == 150, "the end of all pages", 240)
    fleet.note("all 150 pages done after both were killed", began)
    expect_complete(fleet, ours, 150)
    assert 1 <= fleet.count(f"{ours} AND attempts = 2") <= 2, "only what was in the hands of the killed ran twice"


def test_down_and_up_again_in_mid_run_loses_no_page(fleet: Deployment) -> None:
    place = fleet.scans("third", 150)
    fleet.compose("run", "--rm", "-T", "ingest", place, "--no-wait")
    ours = f"volume = '{place}'"
    wait_until(lambda: fleet.count(f"{ours} AND state = 'done'") > 5, "the first pages", 60)
    logged = fleet.compose("logs", "--no-color")
    began = time.monotonic()
    fleet.compose("down")
    fleet.note("down in mid-run", began)
    down = datetime.now(UTC)
    began = time.monotonic()
    fleet.up()
    fleet.note("up again to everything healthy", began)
    wait_until(lambda: fleet.count(f"{ours} AND state = 'done'") == 150, "the end of all pages", 240)
    (rest,) = fleet.ask(f"SELECT count(*) AS pages FROM page_run WHERE finished_at > '{down:%Y-%m-%d %H:%M:%S}'")
    fleet.note(f"all {rest['pages']} pages that were left done since up", began)
    assert int(rest["pages"]) > 0, "it was down in mid-run"
    expect_complete(fleet, ours, 150)
    assert fleet.count(f"{ours} AND attempts > 1") == 0, "what was given back in good order does not count"
    assert fleet.count("state <> 'done'") == 0
    logged += fleet.compose("logs", "--no-color")
    assert not [word for word in PASSWORDS.values() if word.rpartition(":")[2] in logged]


def test_a_page_that_is_too_much_for_the_memory_is_quarantined_and_its_worker_lives(fleet: Deployment) -> None:
    place = fleet.scans("fourth", 5)
    huge = Image.new("RGB", (13_000, 13_000), "white")  # 500 MB once decoded, within the limit of pixels
    ImageDraw.Draw(huge).text((100, 100), "too much for 700 MB", fill="black")
    huge.save(fleet.folder / "archive" / "fourth" / "p9999.png")
    workers = fleet.compose("ps", "--quiet", "worker").split()
    before = [restarts(container) for container in workers]
    began = time.monotonic()
    summary = json.loads(fleet.compose("run", "--rm", "-T", "ingest", place, "--json", check=False))
    fleet.note("a page too large tried three times, each killed for memory, and quarantined", began)
    assert (summary["done"], summary["quarantined"]) == (5, 1)
    (page,) = fleet.ask("SELECT page, attempts, error_code FROM page_status WHERE state = 'quarantined'")
    assert (page["page"], page["attempts"], page["error_code"]) == ("p9999.png", "3", "worker_lost")
    assert [restarts(container) for container in workers] == before, "the main processes survived"


def restarts(container: str) -> int:
    command = ["docker", "inspect", "--format", "{{.RestartCount}}", container]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def expect_complete(fleet: Deployment, condition: str, pages: int) -> None:
    """Each page has results, and as many rows of them as its own count says."""
    (row,) = fleet.ask(
        f"""SELECT count(*) AS pages, sum(text_lines) AS told, min(text_lines) AS least,
                   (SELECT count(*) FROM page_lines WHERE {condition}) AS stored
            FROM page_status WHERE {condition} AND state = 'done'"""
    )
    assert int(row["pages"]) == pages and int(row["least"]) > 0
    assert row["told"] == row["stored"]
