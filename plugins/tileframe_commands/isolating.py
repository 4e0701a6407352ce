"""The option ``--isolate``, of the commands that read slides."""

from __future__ import annotations

from typing import Any

import click


def isolates(command: Any) -> Any:
    """Add ``--isolate``, by which the command's registry is given readers that work in processes of their own."""

    def isolate(ctx: click.Context, param: click.Parameter, given: bool) -> None:
        ctx.obj = ctx.obj.isolated() if given else ctx.obj

    text = "Read the slide in other processes: one that crashes ends in an error."
    return click.option("--isolate", is_flag=True, expose_value=False, callback=isolate, help=text)(command)
