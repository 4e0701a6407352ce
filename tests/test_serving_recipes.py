"""The recipes of docs/serving.md, run as they stand there by the servers that they are for."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest

from tests.pictures import photo, png
from tileframe import run
from tileframe_start.command import run_command

PAGE = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
OTHER_SITE = "https://www.example.org"
NGINX = """
daemon off; pid {0}/pid; error_log {0}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
    {1}
}}
"""


def recipe(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return str(found[0])


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def slides(tmp_path_factory) -> Path:
    """A folder to be served: a pyramid, its page, an archive, and an unfinished run."""
    folder = tmp_path_factory.mktemp("slides")
    slide = png(folder / "in.png", photo(600, 500))
    assert run_command(["run", str(slide), "-o", str(folder / "www" / "slide"), "--viewer", "-q"]) == 0
    run(slide, folder / "www" / "one.szi")
    (folder / "www" / ".slide.partial").mkdir()
    (folder / "www" / ".slide.partial" / "owner").write_text("a run")
    for path in (folder, *folder.parents):  # nginx's workers are nobody's
        if path.owner() == Path.home().owner() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    return folder / "www"


def nginx(slides: Path, port: int, scratch: Path) -> list[str]:
    text = replaced(recipe("nginx"), ("listen 80;", f"listen 127.0.0.1:{port};"), ("/srv/slides", str(slides)))
    (scratch / "nginx.conf").write_text(NGINX.format(scratch, text))
    return ["nginx", "-p", str(scratch), "-e", str(scratch / "log"), "-c", str(scratch / "nginx.conf")]


def caddy(slides: Path, port: int, scratch: Path) -> list[str]:
    text = replaced(recipe("caddy"), ("slides.example.org", f"http://127.0.0.1:{port}"), ("/srv/slides", str(slides)))
    (scratch / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text)
    return ["caddy", "run", "--config", str(scratch / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(scope="module", params=[nginx, caddy], ids=lambda server: server.__name__)
def served(request, slides, tmp_path_factory) -> Iterator[str]:
    """The address of a server with the recipe."""
    server: Callable[[Path, int, Path], list[str]] = request.param
    if shutil.which(server.__name__) is None:
        pytest.skip(f"{server.__name__} is not installed")
    port, scratch = free_port(), tmp_path_factory.mktemp(server.__name__)
    with (scratch / "output").open("wb") as output:
        process = subprocess.Popen(
            server(slides, port, scratch),
            stdout=output,
            stderr=output,
            env=os.environ | {"XDG_CONFIG_HOME": str(scratch), "XDG_DATA_HOME": str(scratch)},
        )
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                assert process.poll() is None, (scratch / "output").read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def asked(url: str, method: str = "GET", **headers: str) -> tuple[int, Message, bytes]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=names), timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("slide.html", "text/html", "no-cache"),
        ("slide.dzi", "application/xml", "no-cache"),
        ("slide.tileframe.json", "application/json", "no-cache"),
        ("slide_files/0/0_0.jpeg", "image/jpeg", "public, max-age=86400"),
        ("one.szi", "application/zip", "no-cache"),
    ],
)
def test_kinds_and_lifetimes_are_as_the_page_says(path, kind, cache, served, slides):
    status, headers, data = asked(f"{served}/{path}", Origin=OTHER_SITE)
    assert (status, headers.get_content_type(), headers["Cache-Control"]) == (200, kind, cache)
    assert data == (slides / path).read_bytes()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] == "*"
    again = {"If_None_Match": headers["ETag"]} if headers["ETag"] else {"If_Modified_Since": headers["Last-Modified"]}
    assert asked(f"{served}/{path}", **again)[0] == 304


def test_files_of_the_viewer_stay_for_good(served, slides):
    for path in (slides / "tileframe-viewer").glob("*.js"):
        _, headers, _ = asked(f"{served}/tileframe-viewer/{path.name}", Accept_Encoding="gzip")
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers.get_content_type() == "text/javascript"
        assert headers["Content-Encoding"] == "gzip"


def test_archives_are_sent_in_parts_and_never_compressed(served, slides):
    data = (slides / "one.szi").read_bytes()
    for wanted, part in (("bytes=10-99", data[10:100]), ("bytes=-1024", data[-1024:])):
        status, headers, body = asked(f"{served}/one.szi", Range=wanted, Accept_Encoding="gzip")
        assert (status, body, headers["Content-Encoding"]) == (206, part, None)
        assert headers["Content-Range"].endswith(f"/{len(data)}")


def test_other_sites_may_ask_first(served):
    status, headers, _ = asked(
        f"{served}/one.szi",
        "OPTIONS",
        Origin=OTHER_SITE,
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="range",
    )
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert headers["Access-Control-Allow-Headers"].lower() == "range"


def test_unfinished_runs_and_lists_of_files_are_hidden(served):
    assert asked(f"{served}/.slide.partial/owner")[0] == 404
    assert asked(f"{served}/slide_files/")[0] in (403, 404)


def test_the_rule_of_a_bucket_lets_the_site_read_ranges(monkeypatch):
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3")
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)
    server = server_module.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        bucket = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        bucket.create_bucket(Bucket="my-slides", ACL="public-read")
        bucket.put_bucket_cors(Bucket="my-slides", CORSConfiguration=json.loads(recipe("json")))
        how = {"ContentType": "application/zip", "CacheControl": "no-cache", "ACL": "public-read"}
        bucket.put_object(Bucket="my-slides", Key="2026/one.szi", Body=bytes(range(200)), **how)
        status, headers, body = asked(f"{url}/my-slides/2026/one.szi", Origin=OTHER_SITE, Range="bytes=10-99")
        assert (status, body) == (206, bytes(range(10, 100)))
        assert (headers.get_content_type(), headers["Cache-Control"]) == ("application/zip", "no-cache")
        assert headers["Access-Control-Allow-Origin"] == OTHER_SITE
    finally:
        server.stop()
