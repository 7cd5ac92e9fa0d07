"""Runs the nginx configuration of docs/deploy.md: Debian's nginx, a self-signed certificate, loopback."""

import http.client
import json
import shutil
import ssl
import subprocess
from contextlib import ExitStack

import pytest

from support import nginx
from support.web_client import ADA
from support.web_server import TIMEOUT, free_port, running

pytestmark = [
    pytest.mark.server,
    nginx.required,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


def configured(folder, backend, tls, plain):
    return nginx.replaced(
        nginx.documented_configurations()[0],
        {
            "127.0.0.1:8002": f"127.0.0.1:{backend}",
            "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
            "listen 80": f"listen 127.0.0.1:{plain}",
            "/etc/ssl/usage.example.crt": f"{folder}/site.crt",
            "/etc/ssl/usage.example.key": f"{folder}/site.key",
        },
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    certificate = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    certificate += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    certificate += ["-keyout", str(folder / "site.key"), "-out", str(folder / "site.crt")]
    subprocess.run(certificate, check=True, capture_output=True)
    tls, plain = free_port(), free_port()
    limits = {
        "VIGILITY_TRUSTED_PROXIES": "127.0.0.1",
        "VIGILITY_ALLOWED_HOSTS": "usage.example",
        "VIGILITY_ATTEMPTS_PER_ADDRESS": "20",
    }
    with ExitStack() as stack:
        server = stack.enter_context(running(folder, **limits))
        stack.enter_context(nginx.running(folder, configured(folder, server.port, tls, plain), tls))
        yield Site(folder, server, tls, plain)


class Site:
    def __init__(self, folder, server, tls, plain):
        self.server, self.tls, self.plain = server, tls, plain
        self._trust = ssl.create_default_context(cafile=str(folder / "site.crt"))

    def send(self, method, path, body=None, **headers):
        # From another loopback address, because 127.0.0.1 is the proxy's.
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.tls, timeout=TIMEOUT, context=self._trust, source_address=("127.0.0.2", 0)
        )
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content


def test_the_contract_through_tls(site):
    response, _ = site.send("POST", "/register", ADA)
    assert response.status == 201
    cookies = response.headers.get_all("Set-Cookie")
    assert all(cookie.lower().endswith("samesite=lax; secure") for cookie in cookies)
    assert response.headers["Strict-Transport-Security"]
    cookie = cookies[0].partition(";")[0]
    same_origin = {
        "Cookie": cookie,
        "Origin": f"https://127.0.0.1:{site.tls}",
        "Sec_Fetch_Site": "same-origin",
    }
    assert site.send("POST", "/track", {"feature_name": "a"}, **same_origin)[0].status == 201
    other = same_origin | {"Origin": "https://evil.example"}
    assert site.send("POST", "/track", {"feature_name": "a"}, **other)[0].status == 403
    report = json.loads(site.send("GET", "/analytics", Cookie=cookie)[1])
    assert report["barChartData"] == [{"feature": "a", "count": 1}]
    refused, body = site.send("POST", "/track", {"feature_name": "x" * 2_000_000}, Cookie=cookie)
    assert (refused.status, list(json.loads(body))) == (413, ["error"])


def test_the_documented_host_is_served_and_no_other(site):
    for host, status in ((f"usage.example:{site.tls}", 200), ("usage.example", 200), ("evil.example", 421)):
        response, body = site.send("GET", "/health", Host=host)
        assert response.status == status, body
    assert b"VIGILITY_ALLOWED_HOSTS" in body


def test_a_client_cannot_choose_how_its_cookies_are_set(site):
    login = {"username": "ada-by-tls", "password": "a long password", "age": 36, "gender": "Female"}
    response, _ = site.send("POST", "/register", login, X_Forwarded_Proto="http")
    assert all(cookie.endswith("; Secure") for cookie in response.headers.get_all("Set-Cookie"))


def test_metrics_are_not_accessible_from_outside(site):
    assert site.send("GET", "/metrics")[0].status == 403
    with site.server.connect() as client:
        assert client.send("GET", "/metrics")[0] == 200


def test_a_client_cannot_choose_its_address(site):
    login = {"username": "nobody", "password": "a long password"}
    statuses = []
    for n in range(24):
        forged = {"X_Forwarded_For": f"203.0.113.{n}"}
        statuses.append(site.send("POST", "/login", login | {"username": f"nobody{n}"}, **forged)[0].status)
    assert statuses.count(429) >= 3
    assert {line["address"] for line in site.server.access_lines if line["path"] == "/login"} == {"127.0.0.2"}


def test_plain_http_redirects_to_tls(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.plain, timeout=TIMEOUT)
    connection.request("GET", "/login?x=y", headers={"Host": "usage.example"})
    response = connection.getresponse()
    connection.close()
    assert (response.status, response.headers["Location"]) == (308, "https://usage.example/login?x=y")
