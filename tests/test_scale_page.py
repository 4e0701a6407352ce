"""The shares of docs/scale.md, run by bash as they stand in the manifest and in the array job."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pictures import photo, png
from tileframe import verify

PAGE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text(encoding="utf-8")
BASH = shutil.which("bash")


def block(language: str) -> str:
    return str(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])


def of_kubernetes() -> tuple[str, str]:
    job = yaml.safe_load(block("yaml"))
    assert job["kind"] == "Job"
    container = job["spec"]["template"]["spec"]["containers"][0]
    names = {one["name"]: one["value"] for one in container["env"]}
    assert int(names["SHARES"]) == job["spec"]["completions"]
    assert "TARGET" in names
    script = container["command"][2]
    assert "/list/slides.txt" in script
    return script.replace("/list/slides.txt", "slides.txt"), "JOB_COMPLETION_INDEX"


def of_slurm() -> tuple[str, str]:
    script = block("bash")
    settings = re.findall(r"^(?:SHARES|TARGET|LIST)=.*\n", script, re.MULTILINE)
    assert len(settings) == 3
    for line in settings:
        script = script.replace(line, "")
    assert "exec srun tileframe" in script
    return script.replace("exec srun", "exec"), "SLURM_ARRAY_TASK_ID"


@pytest.mark.skipif(BASH is None or os.name == "nt", reason="the recipes are bash's")
@pytest.mark.parametrize("recipe", [of_kubernetes, of_slurm], ids=lambda recipe: recipe.__name__)
def test_the_shares_together_make_every_slide_of_the_list(recipe, tmp_path):
    script, number = recipe()
    slides = [png(tmp_path / f"slide {at}.png", photo(300, 200, seed=at)) for at in range(3)]
    (tmp_path / "slides.txt").write_text("".join(f"{slide}\n" for slide in slides))
    (tmp_path / "tileframe").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tileframe "$@"\n')
    (tmp_path / "tileframe").chmod(0o755)
    for share in range(2):
        names = {"SHARES": "2", "LIST": "slides.txt", "TARGET": "out/.szi", number: f"{share}"}
        path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
        done = subprocess.run(
            [str(BASH), "-c", script], cwd=tmp_path, env=os.environ | names | {"PATH": path}, capture_output=True
        )
        assert done.returncode == 0, done.stderr
    made = sorted((tmp_path / "out").glob("*.szi"))
    assert [one.stem for one in made] == ["slide 0", "slide 1", "slide 2"]
    assert [finding for one in made for finding in verify(one, workers=1)] == []
