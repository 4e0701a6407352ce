"""`tileframe view --serve`: the files of a page's folders, whole and in parts, and no others."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import served
from tileframe import InputError
from tileframe_serve.files import Files

SECRET = b"nobody may see this"


class Faulty:
    """The files of a pyramid whose store answers one key with an error."""

    name = "slide"

    def get(self, key: str) -> bytes:
        if key == "slide.dzi":
            return b"<Image/>"
        if key == "slide_files/0/0_0.jpeg":
            raise InputError("s3://bucket/slide.dzi: the server said 500")
        raise KeyError(key)

    def keys(self, folder: str) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three folders, of which two are served."""
    root: Path = tmp_path_factory.mktemp("root")
    for folder in ("one", "other", "third"):
        (root / folder).mkdir()
        (root / folder / "a.js").write_bytes(SECRET if folder == "third" else folder.encode())
    (root / "one" / "a.szi").write_bytes(bytes(range(200)))
    return root


@pytest.fixture(scope="module")
def port(root):
    stored = {root / "bucket": Faulty()}
    with served(Files(root, [root / "one", root / "other"], stored=stored)) as origin:
        yield int(origin.rpartition(":")[2])


def get(port: int, path: str, *, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_folders_are_served(port):
    for folder in ("one", "other"):
        answer, body = get(port, f"/{folder}/a.js")
        assert (answer.status, body) == (200, folder.encode())
        assert answer.getheader("Content-Type") == "text/javascript; charset=utf-8"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"


def test_a_file_is_asked_for_again_and_sent_again_only_if_it_has_changed(port, root):
    path = root / "one" / "changing.js"
    path.write_text("one")
    first, _ = get(port, "/one/changing.js")
    assert first.getheader("Cache-Control") == "no-cache"
    tag = first.getheader("ETag") or ""
    again, body = get(port, "/one/changing.js", If_None_Match=tag)
    assert (again.status, body) == (304, b"")
    assert again.getheader("Content-Security-Policy") is None, "a browser would give it to a page that it has kept"
    path.write_text("another")
    assert get(port, "/one/changing.js", If_None_Match=tag)[1] == b"another"


def test_the_part_that_is_asked_for_is_sent(port):
    for asked, first, end in [
        ("0-9", 0, 10),
        ("190-", 190, 200),
        ("-7", 193, 200),
        ("195-999", 195, 200),
        ("-999", 0, 200),
    ]:
        answer, body = get(port, "/one/a.szi", Range=f"bytes={asked}")
        assert answer.status == 206, asked
        assert body == bytes(range(first, end))
        assert answer.getheader("Content-Range") == f"bytes {first}-{end - 1}/200"
        assert answer.getheader("Content-Length") == str(end - first)


def test_a_part_that_is_not_there_is_416(port):
    for asked in ("200-", "999-1000", "-0"):
        answer, body = get(port, "/one/a.szi", Range=f"bytes={asked}")
        assert (answer.status, body) == (416, b""), asked
        assert answer.getheader("Content-Range") == "bytes */200"


def test_what_is_no_part_is_answered_with_the_whole(port):
    for asked in ("bytes=0-1,5-6", "bytes=9-3", "bytes=-", "bytes=a-b", "lines=0-9", "bytes=٣-", ""):
        answer, body = get(port, "/one/a.szi", Range=asked.encode().decode("latin-1"))
        assert (answer.status, len(body)) == (200, 200), asked


def test_a_part_of_a_version_that_may_be_another_is_not_sent(port):
    answer, body = get(port, "/one/a.szi", Range="bytes=0-9", If_Range='"some-tag"')
    assert (answer.status, len(body)) == (200, 200)


def test_a_part_of_a_file_that_the_client_has_is_not_sent_again(port):
    tag = get(port, "/one/a.szi", Range="bytes=0-9")[0].headers["ETag"]
    answer, body = get(port, "/one/a.szi", Range="bytes=0-9", If_None_Match=tag)
    assert (answer.status, body) == (304, b"")


def test_head_tells_the_length_and_that_parts_are_sent(port):
    answer, body = get(port, "/one/a.szi", method="HEAD", Range="bytes=0-9")
    assert (answer.status, body) == (200, b"")
    assert answer.getheader("Content-Length") == "200"
    assert answer.getheader("Accept-Ranges") == "bytes"


def test_one_connection_serves_many_parts(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for start, status in [(5, 206), (300, 416), (7, 206)]:
        connection.request("GET", "/one/a.szi", headers={"Range": f"bytes={start}-{start + 9}"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, bytes(range(start, start + 10)) if status == 206 else b"")
    connection.close()


def test_a_file_larger_than_a_piece_comes_whole(port, root):
    whole = bytes(range(256)) * 4000
    (root / "one" / "large.szi").write_bytes(whole)
    assert get(port, "/one/large.szi")[1] == whole
    assert get(port, "/one/large.szi", Range="bytes=7-1000000")[1] == whole[7:1_000_001]


ELSEWHERE = [
    *("/third/a.js", "/", "/one", "/one/", "/one/no.js", "/one/a.js/", "/one/a.js%00", f"/one/{'a' * 4000}"),
    *("/one/../third/a.js", "/one/%2e%2e/third/a.js", "/one/..%2fthird/a.js", "/one/\\..\\..\\third\\a.js"),
    *("/../../../../etc/passwd", "//etc/passwd", "/%2fetc%2fpasswd", "/one/a.js%2f..%2f..%2fthird%2fa.js"),
]


def test_nothing_else_is_served_whole_or_in_parts(port):
    for path in ELSEWHERE:
        for headers in ({}, {"Range": "bytes=0-3"}):
            answer, body = get(port, path, **headers)
            assert answer.status in (400, 404), path
            assert SECRET[:4] not in body


def test_a_link_leads_nowhere_else(port, root):
    try:
        (root / "one" / "link.js").symlink_to(root / "third" / "a.js")
    except OSError:
        pytest.skip("links cannot be made here")
    assert get(port, "/one/link.js")[0].status == 404


def test_another_sites_name_gets_nothing(port):
    assert get(port, "/one/a.js", Host="evil.example")[0].status == 421
    assert get(port, "/one/a.js", Host="evil.example", Range="bytes=0-1")[0].status == 421
    assert get(port, "/one/a.js", Host=f"localhost:{port}")[0].status == 200


def test_a_pyramid_elsewhere_is_served_as_if_it_were_in_a_folder_and_what_its_store_refuses_is_an_error(port):
    assert get(port, "/bucket/slide.dzi")[1] == b"<Image/>"
    assert get(port, "/bucket/none.jpeg")[0].status == 404
    answer, body = get(port, "/bucket/slide_files/0/0_0.jpeg", Accept="image/*")
    assert (answer.status, answer.getheader("Content-Type"), body[:4]) == (500, "image/png", b"\x89PNG")
    assert b"bucket" not in get(port, "/bucket/slide_files/0/0_0.jpeg")[1]


def test_who_says_nothing_holds_up_nobody(port):
    with ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(b"GET /one/a.js")  # and nothing more
        assert get(port, "/one/a.js")[0].status == 200
