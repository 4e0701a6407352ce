"""Networks that fail, services that answer with errors, and runs that are killed: what then lies in the bucket."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.buckets import BUCKET, KEYS, client, environment, everything, names, place, uploads, without_vendors
from tests.faulty import FAULTS, Faulty, faulty
from tests.pictures import gradient, photo, png, svs
from tileframe import OutputError, run, verify
from tileframe_start.command import run_command

SMALL = ("--tile-size", "64", "--overlap", "0", "-q")
PATIENT = ("--store-option", "retry=60", "--store-option", "timeout=1")
HASTY = ("--store-option", "retry=1", "--store-option", "timeout=1")


@pytest.fixture(scope="module")
def server(moto: str) -> str:
    return moto


@pytest.fixture
def proxy(server, monkeypatch) -> Iterator[Faulty]:
    without_vendors(monkeypatch)
    with faulty(server) as (url, found):
        for name, value in environment(url).items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def slide(tmp_path):
    return png(tmp_path / "slide.png", gradient(320, 260))


@pytest.fixture
def small(tmp_path):
    return png(tmp_path / "slide.png", gradient(192, 160))


@pytest.fixture
def noisy(tmp_path):
    """A slide whose archive has parts, which S3 wants to be of 5 MB at least."""
    noise = np.random.default_rng(1).integers(0, 256, (1250, 1200, 3), np.uint8)
    return png(tmp_path / "slide.png", noise)


def files(folder: Path, name: str) -> dict[str, bytes]:
    """The files of a pyramid on the disk, by key; but the record, which tells the place and the time."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {key: data for key, data in found.items() if key != f"{name}.tileframe.json"}


def test_every_kind_of_fault_leaves_every_tile_right_and_none_twice(proxy, server, slide, tmp_path):
    folder = tmp_path / "local"
    assert run_command(["run", f"{slide}", "-o", f"{folder / 'slide'}", *SMALL]) == 0
    proxy.every(6, FAULTS)
    assert run_command(["run", f"{slide}", "-o", f"s3://{place(tmp_path)}/slide", *SMALL, *PATIENT]) == 0
    proxy.every(7, [fault for fault in FAULTS if fault != "stall"])
    assert verify(f"s3://{place(tmp_path)}/slide.dzi") == []
    found = everything(server, f"{place(tmp_path).partition('/')[2]}/")
    assert found.pop("slide.tileframe.json")
    assert found == files(folder, "slide")
    assert uploads(server) == []


def test_an_archive_is_whole_whatever_happens_to_its_parts(proxy, server, noisy, tmp_path, monkeypatch):
    monkeypatch.setattr("tileframe_objects.bucket.PART", 5 << 20)
    local, remote = tmp_path / "slide.szi", f"s3://{place(tmp_path)}/slide.szi"
    options = ("--format", "png", "-q")
    assert run_command(["run", f"{noisy}", "-o", f"{local}", *options]) == 0
    assert local.stat().st_size > 5 << 20, "of two parts, at least"
    proxy.every(3, ("500", "unheard", "unanswered", "503", "half"))
    assert run_command(["run", f"{noisy}", "-o", remote, *options, *PATIENT]) == 0
    assert run_command(["compare", f"{local}", remote]) == 0
    assert uploads(server) == []


def test_a_store_that_stays_broken_is_one_line_and_the_run_can_be_gone_on_with(proxy, server, small, tmp_path, capsys):
    output = f"s3://{place(tmp_path)}/slide"
    broken = iter(range(1000))
    proxy.fault = lambda number, method, target: (
        "503" if "_files/" in target and method == "PUT" and next(broken) > 10 else None
    )
    # One request at a time: notes are kept each time that a few parts are finished.
    options = [*SMALL, *HASTY, "--store-option", "requests=1"]
    assert run_command(["run", f"{small}", "-o", output, *options]) == 4
    told = capsys.readouterr().err
    assert re.fullmatch(r"tileframe: s3://\S+: cannot be written \(the server answered 503\)[^\n]*\n", told), told
    proxy.fault = lambda *_: None
    assert not any(key.endswith(".dzi") for key in names(server, place(tmp_path).partition("/")[2]))
    assert run_command(["run", f"{small}", "-o", output, "--no-resume", *SMALL]) == 0
    assert verify(f"{output}.dzi") == []
    assert not any("/." in key for key in names(server, place(tmp_path).partition("/")[2]))


def test_the_descriptor_comes_last_and_goes_first(proxy, small, tmp_path):
    output = f"s3://{place(tmp_path)}/slide"
    assert run_command(["run", f"{small}", "-o", output, *SMALL]) == 0
    written = [target.rpartition("/")[2] for method, target in proxy.asked if method == "PUT"]
    assert [name for name in written if name.startswith("slide.")] == [
        "slide.sha256", "slide.tileframe.json", "slide.dzi",
    ]  # fmt: skip
    assert written[-1] == "slide.dzi"
    proxy.asked.clear()
    assert run_command(["run", f"{small}", "-o", output, *SMALL, "--overwrite", "--region", "0,0,100,100"]) == 0
    changed = [target for method, target in proxy.asked if method in ("PUT", "DELETE", "POST")]
    changed = [target for target in changed if "owner.json" not in target and "notes-" not in target]
    # Whoever asks for several to be deleted at once names none in the address.
    assert changed[0].endswith("slide.dzi") or "delete" in changed[0]
    first_tile = next(place for place, target in enumerate(changed) if "_files/" in target)
    assert first_tile >= 3, "the descriptor, the record and the list are gone before the first tile is replaced"
    assert verify(f"{output}.dzi") == []


KILLED = """
import sys, time
from tileframe_objects.puts import Puts
real = Puts.add
def add(self, key, data, *, after_all=False):
    real(self, key, data, after_all=after_all)
    if after_all:
        self.wait()
        print("now", flush=True)
        time.sleep(60)
Puts.add = add
import tileframe.journal
tileframe.journal.EVERY = 0.0
from tileframe_objects import loose
loose.NOTED_EVERY = 0.0
import tileframe
tileframe.run(sys.argv[1], sys.argv[2], tile_size=64, overlap=0, workers=1)
"""


def killed(code: str, *arguments: str) -> None:
    """Kill a process as soon as it has said the word."""
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def test_a_killed_run_is_gone_on_with(proxy, server, tmp_path, capsys):
    slide = svs(tmp_path / "slide.svs", photo(540, 512))
    output = f"s3://{place(tmp_path)}/slide"
    killed(KILLED, f"{slide}", output)
    assert "slide.dzi" not in names(server, f"{place(tmp_path).partition('/')[2]}/")
    assert run_command(["run", f"{slide}", "-o", output, *SMALL]) == 4
    assert "give --resume to go on with it, or --no-resume to begin anew" in capsys.readouterr().err
    assert run(slide, output, resume=True, tile_size=64, overlap=0).resumed >= 64, "one square of 8x8 tiles at least"
    run(slide, tmp_path / "local" / "slide", tile_size=64, overlap=0)
    found = everything(server, f"{place(tmp_path).partition('/')[2]}/")
    del found["slide.tileframe.json"]
    assert found == files(tmp_path / "local", "slide")


KILLED_ARCHIVE = """
import sys, time
from tileframe_objects import bucket
from tileframe_objects.archive import ObjectArchiveStore
bucket.PART = 5 << 20
def commit(self, files):
    self._open().members.flush()
    time.sleep(1)
    print("now", flush=True)
    time.sleep(60)
ObjectArchiveStore.commit = commit
import tileframe
tileframe.run(sys.argv[1], sys.argv[2], format="png")
"""


def test_parts_of_an_archive_that_a_killed_run_has_sent_are_given_up_by_the_next(proxy, server, noisy, tmp_path):
    output = f"s3://{place(tmp_path)}/slide.szi"
    killed(KILLED_ARCHIVE, f"{noisy}", output)
    assert uploads(server) == [f"{place(tmp_path).partition('/')[2]}/slide.szi"]
    run(noisy, output)
    assert uploads(server) == []
    assert verify(output) == []


def test_parts_are_given_up_on_the_server_that_has_the_archive(proxy, server, slide, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT", server)  # known to obstore alone
    key = f"{place(tmp_path).partition('/')[2]}/slide.szi"
    client(server).create_multipart_upload(Bucket=BUCKET, Key=key)
    run(slide, f"s3://{BUCKET}/{key}")
    assert uploads(server) == []


def test_no_key_is_told_whatever_the_server_answers(proxy, slide, tmp_path, capsys, monkeypatch):
    secret = "X-Amz-Signature=0123456789abcdef"
    body = f"<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>{KEYS['AWS_ACCESS_KEY_ID']}</AWSAccessKeyId>"
    body += f"<StringToSign>{secret}</StringToSign><Secret>{KEYS['AWS_SECRET_ACCESS_KEY']}</Secret></Error>"
    proxy.fault = lambda *_: f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    monkeypatch.setenv("TILEFRAME_TRACEBACK", "1")
    for command in (["run", f"{slide}", "-o"], ["verify"], ["info"]):
        for container in ("dzi", "szi"):
            code = run_command([*command, f"s3://{place(tmp_path)}/slide.{container}"])
            said = "".join(capsys.readouterr())
            assert code == (4 if command[0] == "run" else 3)
            assert "SignatureDoesNotMatch" in said or "403" in said
            for word in (*list(KEYS.values())[:2], secret):
                assert word not in said


def test_another_run_that_lives_is_not_disturbed(proxy, server, small, tmp_path, capsys):
    import json
    import socket

    import psutil

    me = psutil.Process()
    record = {"host": socket.gethostname(), "pid": me.pid, "started": me.create_time(), "run": "another"}
    key = f"{place(tmp_path).partition('/')[2]}/.slide.partial/owner.json"
    client(server).put_object(Bucket=BUCKET, Key=key, Body=json.dumps(record).encode())
    for more in ([], ["--resume"], ["--no-resume"], ["--overwrite"]):
        assert run_command(["run", f"{small}", "-o", f"s3://{place(tmp_path)}/slide", *SMALL, *more]) == 4
        assert "is writing there; wait for it to end" in capsys.readouterr().err
    elsewhere = {**record, "host": "elsewhere"}
    client(server).put_object(Bucket=BUCKET, Key=key, Body=json.dumps(elsewhere).encode())
    assert run_command(["run", f"{small}", "-o", f"s3://{place(tmp_path)}/slide", *SMALL]) == 4
    assert "'elsewhere') is writing there, or was killed; wait for it to end, or give" in capsys.readouterr().err
    assert run_command(["run", f"{small}", "-o", f"s3://{place(tmp_path)}/slide", *SMALL, "--no-resume"]) == 0


@pytest.mark.parametrize("container", ["", ".szi"])
def test_a_run_whose_target_another_has_taken_over_shows_nothing(container, proxy, server, small, tmp_path):
    folder = place(tmp_path).partition("/")[2]
    key = f"{folder}/.slide{container}.partial/owner.json"

    def take_over(tiles: int, pixels: int) -> None:
        client(server).put_object(Bucket=BUCKET, Key=key, Body=b"{}")

    with pytest.raises(OutputError, match="another run has taken over what is written there"):
        run(small, f"s3://{place(tmp_path)}/slide{container}", tile_size=64, overlap=0, progress=take_over)
    assert {"slide.dzi", "slide.szi"}.isdisjoint(names(server, f"{folder}/"))
