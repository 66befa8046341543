"""Attacks on `broadsheet web`; docs/security.md lists them, each with its test here."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import bcrypt
import pytest
from sqlalchemy import insert, update

import migrations
from models import Page, PageDescription, PageRun
from models.session import open_engine
from tests.acceptance.command import Broadsheet
from tests.archive import add_done_pages, page
from tests.browser import a_page
from tests.rows import add_page_runs
from tests.web import Archive, serving
from workers.layout import BoundingBox

PASSWORDS = {"rea": "reader", "vera": "reviewer", "lola": "reviewer", "otto": "operator"}


@dataclass
class Browser:
    """As much of a browser as an attack needs: it keeps cookies, and sends what headers it is told to."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """Return status, text and headers of one answer; redirects are not followed."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        sent = {"Accept": "text/html", "Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())}
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if form is None else urlencode(form)
        connection.request("GET" if form is None else "POST", path, body, sent | dict(headers or {}))
        answer = connection.getresponse()
        text, found = answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        if "set-cookie" in found:
            name, _, rest = found["set-cookie"].partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer.status, text, found

    def token(self, path: str = "/") -> str:
        """Return the token of the forms of a page."""
        found = re.search(r'name="csrf[-_]token" (?:content|value)="([^"]+)"', self.ask(path)[1])
        assert found
        return found[1]

    def sign_in(self, name: str, password: str, target: str = "/") -> tuple[int, str, dict[str, str]]:
        """Fill in the form of the login page."""
        form = {"csrf_token": self.token("/login"), "name": name, "password": password, "next": target}
        return self.ask("/login", form)


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A password file in which everybody's password is their name and role."""
    path = tmp_path_factory.mktemp("auth") / "passwords"
    lines = [
        f"{name}:{bcrypt.hashpw(f'{name} {role}'.encode(), bcrypt.gensalt(4)).decode()}:{role}"
        for name, role in PASSWORDS.items()
    ]
    path.write_text("# who may come in\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def guarded(web_archive: Archive, passwords: Path) -> Iterator[str]:
    with serving(web_archive, "--auth", str(passwords)) as address:
        yield address


@pytest.fixture(scope="module")
def behind_proxy(web_archive: Archive, passwords: Path) -> Iterator[str]:
    options = ["--trusted-header", "X-Remote-User", "--trusted-proxy", "127.0.0.1", "--auth", str(passwords)]
    with serving(web_archive, *options) as address:
        yield address


def signed_in(address: str, name: str) -> Browser:
    browser = Browser(address)
    assert browser.sign_in(name, f"{name} {PASSWORDS[name]}")[0] == 303
    return browser


def test_a_site_that_points_its_name_at_this_machine_is_refused(web_address: str) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8765", ""):
        assert Browser(web_address).ask("/", headers={"Host": host})[0] in (400, 421)
    for host in ("localhost", "127.0.0.1:9", "[::1]:8765", "LOCALHOST:1"):
        assert Browser(web_address).ask("/", headers={"Host": host})[0] == 200


def test_another_site_cannot_write_with_the_visitors_browser(web_address: str) -> None:
    browser = Browser(web_address)
    status, text, _ = browser.ask("/runs/decisions", {"decision": "cancel:volume:1"})
    assert (status, "another site" in text) == (403, True)
    token = browser.token()
    for wrong in ("", "x", token[:-1], token + "x"):
        assert browser.ask("/runs/decisions", {"decision": "cancel:volume:1", "csrf_token": wrong})[0] == 403
    strange = Browser(web_address)
    strange.token()
    assert strange.ask("/runs/decisions", {"decision": "cancel:volume:1", "csrf_token": token})[0] == 403


def test_the_token_of_another_session_is_none_of_ours(guarded: str) -> None:
    token = signed_in(guarded, "otto").token()
    other = signed_in(guarded, "vera")
    assert other.ask("/logout", {"csrf_token": token})[0] == 403


def test_nothing_is_shown_without_a_password(guarded: str) -> None:
    browser = Browser(guarded)
    status, _, headers = browser.ask("/volumes/1?x=1")
    assert (status, headers["location"]) == (303, "/login?next=%2Fvolumes%2F1%3Fx%3D1")
    for path in ("/ask.csv?sql=SELECT+1", "/runs/state", "/runs/events", "/iiif/1/info.json", "/static/../runs"):
        assert browser.ask(path, headers={"Accept": "application/json"})[0] in (401, 404)
    assert browser.ask("/healthz")[:2] == (200, "ok\n")


def test_a_wrong_password_and_an_unknown_name_look_alike(guarded: str) -> None:
    wrong, unknown = Browser(guarded).sign_in("rea", "guess"), Browser(guarded).sign_in("nobody", "guess")
    assert wrong[0] == unknown[0] == 401
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", wrong[1]) == strip.sub("", unknown[1])


def test_passwords_cannot_be_tried_by_the_thousand(guarded: str) -> None:
    browser = Browser(guarded)
    assert {browser.sign_in("vera", f"guess {n}")[0] for n in range(10)} == {401}
    status, text, _ = browser.sign_in("vera", "vera reviewer")
    assert (status, "wait five minutes" in text) == (429, True)
    assert browser.sign_in("otto", "otto operator")[0] == 303, "others may still come in"


def test_a_login_leads_to_no_other_site(guarded: str) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\nx"):
        assert Browser(guarded).sign_in("rea", "rea reader", target)[2]["location"] == "/"
    assert Browser(guarded).sign_in("rea", "rea reader", "/runs?x=1")[2]["location"] == "/runs?x=1"


def test_a_session_cannot_be_forged_or_read_by_scripts(guarded: str) -> None:
    browser = Browser(guarded)
    cookie = browser.sign_in("rea", "rea reader")[2]["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    (name,) = browser.cookies
    body, stamp, sign = browser.cookies[name].split(".")
    import base64
    import json

    forged = base64.b64encode(json.dumps({"name": "otto", "seal": "0" * 32}).encode()).decode()
    for value in (f"{forged}.{stamp}.{sign}", f"{body}.{stamp}.{sign[:-2]}aa", forged, "", "null"):
        assert Browser(guarded, {name: value}).ask("/")[0] == 303


def test_a_session_does_not_survive_a_new_password(web_archive: Archive, passwords: Path, tmp_path: Path) -> None:
    own = tmp_path / "passwords"
    own.write_text(passwords.read_text())
    with serving(web_archive, "--auth", str(own)) as address:
        browser = signed_in(address, "rea")
        assert browser.ask("/")[0] == 200
        lines = own.read_text().splitlines()
        changed = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()
        own.write_text("\n".join(f"rea:{changed}:operator" if line.startswith("rea:") else line for line in lines))
        assert browser.ask("/")[0] == 303
        assert Browser(address).sign_in("rea", "another")[0] == 303, "no restart is needed"


def test_signing_out_ends_a_session(guarded: str) -> None:
    browser = signed_in(guarded, "rea")
    assert browser.ask("/logout", {"csrf_token": browser.token()})[0] == 303
    assert browser.ask("/")[0] == 303


@pytest.mark.parametrize(("name", "status"), [("rea", 403), ("lola", 403), ("otto", 400)])
def test_only_operators_decide_about_page_runs(guarded: str, name: str, status: int) -> None:
    browser = signed_in(guarded, name)
    answer = browser.ask("/runs/decisions", {"csrf_token": browser.token(), "decision": "nothing"})
    assert answer[0] == status
    if status == 403:
        assert "those with the role operator" in answer[1]


def test_a_proxys_word_is_taken_from_the_proxy_alone(web_archive: Archive, passwords: Path, behind_proxy: str) -> None:
    assert Browser(behind_proxy).ask("/", headers={"X-Remote-User": "vera"})[0] == 200
    assert Browser(behind_proxy).ask("/")[0] == 401
    assert Browser(behind_proxy).ask("/", headers={"X-Remote-User": "", "X-Forwarded-For": "127.0.0.1"})[0] == 401
    with serving(web_archive, "--trusted-header", "X-Remote-User", "--trusted-proxy", "10.0.0.0/8") as elsewhere:
        forged = {"X-Remote-User": "otto", "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
        assert Browser(elsewhere).ask("/", headers=forged)[0] == 403
    told = web_archive.broadsheet.run("web", "--trusted-header", "X-Remote-User", code=2).stderr
    assert "--trusted-proxy" in told


def test_the_proxy_says_who_and_the_file_what_they_may_do(behind_proxy: str) -> None:
    for name, status in (("stranger", 403), ("rea", 403), ("otto", 400)):
        browser, header = Browser(behind_proxy), {"X-Remote-User": name}
        found = re.search(r'csrf-token" content="([^"]+)"', browser.ask("/", headers=header)[1])
        assert found
        form = {"csrf_token": found[1], "decision": "nothing"}
        assert browser.ask("/runs/decisions", form, header)[0] == status


def test_a_cookie_that_came_by_tls_never_goes_without(behind_proxy: str) -> None:
    header = {"X-Remote-User": "rea"}
    assert "secure" not in Browser(behind_proxy).ask("/", headers=header)[2]["set-cookie"].lower()
    by_tls = Browser(behind_proxy).ask("/", headers=header | {"X-Forwarded-Proto": "https"})
    assert "secure" in by_tls[2]["set-cookie"].lower()


def test_a_server_that_others_reach_says_so_and_lets_them_only_read(web_archive: Archive) -> None:
    with serving(web_archive, "--host", "0.0.0.0") as address:
        browser = Browser(address.replace("0.0.0.0", "127.0.0.1"))
        answer = browser.ask("/runs/decisions", {"csrf_token": browser.token(), "decision": "cancel:volume:1"})
        assert (answer[0], "guest has the role reader" in answer[1]) == (403, True)


def test_every_answer_forbids_what_is_not_ours(guarded: str) -> None:
    for path in ("/login", "/nowhere", "/healthz", "/static/style.css"):
        policy = Browser(guarded).ask(path)[2]["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_no_path_of_an_address_reaches_a_file(web_address: str) -> None:
    for path in (
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd",
        "/thumbnails/../../broadsheet.db", "/thumbnails/..%2f1.jpg", "/iiif/image/..%2f..%2fetc/info.json",
        "/pages/..%2f..", "/volumes/%00",
    ):  # fmt: skip
        assert Browser(web_address).ask(path)[0] in (400, 404), path


def test_no_picture_is_larger_than_the_limit(web_address: str) -> None:
    for size in ("5000,", "100000,100000", "^max", "pct:1000", "9" * 50 + ","):
        status, told, _ = Browser(web_address).ask(f"/iiif/image/1/full/{size}/0/default.jpg")
        assert status in (400, 404) and "<html" in told


def test_a_form_without_an_end_is_refused(web_address: str) -> None:
    status, told, _ = Browser(web_address).ask("/runs/decisions", {"decision": "x" * (2 << 20)})
    assert (status, "too large" in told) == (403, True)


def test_hostile_names_and_titles_are_text_on_every_page(chromium: Any, tmp_path: Path) -> None:
    hostile = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{ 7 * 7 }}'
    archive = Archive(tmp_path, Broadsheet(tmp_path))
    engine = open_engine(archive.database_url)
    migrations.upgrade(engine)
    face = BoundingBox(10, 10, 60, 60)
    (run,) = add_done_pages(engine, [page(faces=[face])], hostile)
    (failed,) = add_page_runs(engine, 1, "quarantined", f"{hostile} again")
    with engine.begin() as connection:
        connection.execute(update(Page).values(name=hostile))
        broken = {"error_code": "<b>code", "error_message": hostile, "is_current": True}
        connection.execute(update(PageRun).where(PageRun.page_run_id == failed).values(**broken))
        whose = {"title": hostile, "issue": hostile, "date_issued": "1900-01-01", "page_label": hostile}
        connection.execute(insert(PageDescription), {"page_id": 1, "date_precision": "day", **whose})
    engine.dispose()
    paths = ("/", "/pages", "/volumes/1", "/pages/1", "/pages/2", "/faces", "/runs", "/review",
             "/ask?sql=SELECT+*+FROM+page_status", f"/ask?{urlencode({'sql': hostile})}",
             f"/pages?{urlencode({'title': hostile})}", f"/{urlencode({'x': hostile})}")  # fmt: skip
    with (
        serving(archive) as address,
        a_page(chromium, address, expected=["Failed to load resource", "Tile %s failed"]) as opened,
    ):
        opened.on("dialog", lambda dialog: pytest.fail(f"a script of the archive ran: {dialog.message}"))
        for path in paths:
            opened.goto(path)
            assert opened.locator("img[src=x]").count() == 0 and "49" not in opened.title(), path
        opened.goto("/runs")
        opened.get_by_text(hostile).first.wait_for()
    assert run


def test_every_attack_of_the_list_has_its_test() -> None:
    root = Path(__file__).parents[2]
    named = set(re.findall(r"`(test_\w+)`", (root / "docs" / "security.md").read_text()))
    found = {
        name for path in root.glob("tests/**/test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 25 and named <= found, named - found


def pages_of_templates() -> list[Path]:
    return sorted((Path(__file__).parents[2] / "orchestrator" / "web" / "templates").glob("**/*.j2"))


@pytest.mark.parametrize("template", pages_of_templates(), ids=lambda path: path.name)
def test_no_template_has_a_script_a_style_or_a_handler_in_it(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=|javascript:|\|\s*safe\b", text)
