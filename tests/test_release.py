"""The release refuses packages that are not what is committed, and versions that do not agree."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools import release

PROJECT = tomllib.loads((release.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CHANGES = "# Changes\n\n## 0.2.0 (2026-12-01)\n\n* More.\n\n## 0.1.0 (2026-01-01)\n"
UNDATED = CHANGES.replace("2026-12-01", "not released")


@pytest.mark.parametrize(
    ("version", "changes", "tags", "said"),
    [
        ("0.3.0", CHANGES, [], "pyproject.toml has version 0.3.0, and CHANGELOG.md begins with 0.2.0"),
        ("0.2.0", "# Changes\n", [], "pyproject.toml has version 0.2.0, and CHANGELOG.md has no heading like"),
        ("0.2.0", CHANGES, ["v0.1.0"], "pyproject.toml has version 0.2.0, and the commit has the tag v0.1.0"),
        ("0.2.0", UNDATED, ["v0.2.0"], "the commit has the tag v0.2.0, and CHANGELOG.md says 'not released'"),
    ],
)
def test_versions_that_do_not_agree_are_refused(version, changes, tags, said):
    with pytest.raises(release.WrongError, match=said):
        release.agreed(version, changes, tags)


def test_a_version_that_is_the_same_everywhere_is_told_with_its_day():
    assert release.agreed("0.2.0", CHANGES, ["v0.2.0", "nightly"]) == "0.2.0, tagged, 2026-12-01"
    assert release.agreed("0.2.0", UNDATED, []) == "0.2.0, without a tag, not released"


def test_this_version_and_the_changelog_agree():
    changes = (release.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert release.agreed(PROJECT["project"]["version"], changes, []).startswith(PROJECT["project"]["version"])


def wheel(folder: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "a-1-py3-none-any.whl", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return folder / "a-1-py3-none-any.whl"


def sdist(folder: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(folder / "a-1.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"a-1/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder / "a-1.tar.gz"


@pytest.mark.parametrize(("package", "prefix"), [(wheel, ""), (sdist, "a-1/")], ids=["wheel", "sdist"])
def test_a_package_with_a_file_too_many_or_too_few_or_a_path_of_this_machine_is_refused(
    package, prefix, tmp_path, capsys
):
    built = package(tmp_path, {"one.py": b"", "two.py": b""})
    release.compare(built, prefix, {"one.py", "two.py"})
    assert "2 files" in capsys.readouterr().out
    with pytest.raises(release.WrongError, match=r"lacks page\.html$"):
        release.compare(built, prefix, {"one.py", "two.py", "page.html"})
    with pytest.raises(release.WrongError, match=r"has, and should not have, one\.py and 1 more$"):
        release.compare(built, prefix, set())
    built = package(tmp_path, {"one.py": str(release.ROOT).encode()})
    with pytest.raises(release.WrongError, match=r"one\.py names"):
        release.compare(built, prefix, {"one.py"})


def test_packages_are_to_hold_licences_pages_and_the_viewer_and_no_tests_of_it():
    page = "plugins/tileframe_viewer/page/page.html"
    tracked = {
        ".ci/run",
        "LICENSE",
        page,
        "plugins/tileframe_viewer/page_tests/a.js",
        "plugins/tileframe_new/__init__.py",
    }
    in_wheel = release.in_wheel(tracked, PROJECT)
    vendor = {f"tileframe_viewer/vendor/openseadragon/{name}" for name in ("LICENSE.txt", "openseadragon.min.js")}
    metadata = {name for name in in_wheel if ".dist-info/" in name}
    assert in_wheel - metadata == {"tileframe_viewer/page/page.html", "tileframe_new/__init__.py"} | vendor
    assert any(name.endswith("licenses/LICENSE") for name in metadata)
    in_sdist = release.in_sdist(tracked, PROJECT)
    assert tracked < in_sdist
    assert {f"plugins/{name}" for name in vendor} < in_sdist


def test_what_a_command_says_when_it_fails_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert release.run(sys.executable, "-c", "import os; print(os.environ.get('PYTHONPATH'))").strip() == "None"
    with pytest.raises(release.WrongError, match="it broke"):
        release.run(sys.executable, "-c", "import sys; sys.exit('it broke')")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_is_not_committed_is_not_released(monkeypatch, tmp_path, capsys):
    for name in ("pyproject.toml", "CHANGELOG.md"):
        (tmp_path / name).write_bytes((release.ROOT / name).read_bytes())
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "One"]):
        subprocess.run([*git, *command], check=True)
    with (tmp_path / "CHANGELOG.md").open("a", encoding="utf-8") as changes:
        changes.write("* Not committed.\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release, "find_spec", str)  # the programs that it needs are not asked for here
    assert release.main() == 1
    assert capsys.readouterr().err == "release: what is not committed would be released: CHANGELOG.md\n"
