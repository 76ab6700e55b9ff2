"""Only the app's own pages are answered."""

from __future__ import annotations

import socket

import pytest

from tests.app.serving import Served, wav


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("guarded") / "outputs") as served:
        yield served


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_its_own_names_are_answered(served, name):
    assert served.ask("GET", "/api/runs", headers={"Host": f"{name}:{served.port}"}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""]
)
def test_another_host_name_is_refused(served, host):
    reply = served.ask("GET", "/api/runs", headers={"Host": host.format(port=served.port)})
    assert reply.status == 421 and "127.0.0.1" in reply.error["needed"]


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/events", "/static/index.html"])
def test_a_page_elsewhere_is_refused(served, path):
    assert served.ask("GET", path, headers={"Origin": "http://evil.example"}).status == 403
    assert served.ask("GET", path, headers={"Origin": "null"}).status == 403
    assert served.ask("GET", path, headers={"Origin": "http://localhost:1"}).status == 403


def test_what_a_page_elsewhere_embeds_is_refused_but_a_link_to_the_app_works(served):
    assert served.ask("GET", "/api/runs", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert served.ask("GET", "/", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    opened = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert served.ask("GET", "/api/runs", headers=opened).status == 403
    assert served.ask("GET", "/", headers=opened).status == 200


def test_what_changes_something_needs_origin_and_header(served):
    own, ours = {"Origin": served.origin}, {"X-Ddsp-Match": "1"}

    def post(headers):
        return served.ask("POST", "/api/sounds?name=a", wav(), headers=headers, bare=True).status

    assert post({}) == post(own) == post(ours) == 403
    assert post({**ours, "Origin": "http://evil.example"}) == 403
    assert post({**ours, "Sec-Fetch-Site": "same-site"}) == 403
    assert post({**ours, **own, "Sec-Fetch-Site": "cross-site"}) == 403
    assert post({**ours, **own}) == post({**ours, "Sec-Fetch-Site": "same-origin"}) == 201
    assert len(served.get("/api/state").json["sounds"]) == 2


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/runs/none", "/none"])
def test_every_answer_is_safe_to_show(served, path):
    headers = served.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "'unsafe-inline'" not in headers["content-security-policy"].partition("style-src")[0]
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert not any(name.startswith("access-control") for name in headers)


def test_it_listens_on_this_machine_only(served):
    assert served.app.socket.getsockname()[0] == "127.0.0.1"
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", served.port))


@pytest.mark.parametrize(
    "path",
    [
        "/static/../__init__.py",
        "/static/..%2f__init__.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/web/../app/server.py",
        "/web/voice.py",
        "/web/../report/page.css",
        "/static/../../report/page.css",
        "/static/..%2f..%2freport%2fpage.css",
        "/web/..%5c..%5cerrors.py",
        "/static/a%00.js",
        "/app/server.py",
        "/static/",
        "/api/runs/..%2f..%2fetc/match.wav",
        "/api/nothing",
    ],
)
def test_no_address_leads_out(served, path):
    reply = served.get(path)
    assert reply.status == 404 and set(reply.error) == {"found", "needed", "try"}


def test_its_scripts_are_served_as_scripts(served):
    reply = served.get("/web/synth.js")
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/javascript")
