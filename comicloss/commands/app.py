"""The command line as a whole: what --help says, and what becomes of errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from comicloss.commands.failures import exit_code_of

Command = TypeVar("Command", bound=Callable[..., None])

AT_ONCE = "In one go"
STEP_BY_STEP = "Step by step, in a story folder"
COLLECTIONS = "Collections of pictures, without a story"
HELP = "Looking around"

_INTRODUCTION = """\
Turns rough pages into a finished comic, in one style and with every character recognizable.

To see it: [bold]comicloss demo[/bold]. Your own pages in one go: [bold]comicloss make[/bold].

Step by step: new, add, panels, mark, train, stylize, export.
Each can be run again and does only what is not done yet;
[bold]comicloss status STORY[/bold] says what comes next.
"""

_EXIT_CODES = """\
[bold]Exit codes[/bold]
  0    done
  1    a bug in comicloss (a log file has the details)
  2    the command's words do not fit together
  3    story.toml, or what it names, has a mistake
  4    a picture cannot be read
  5    weights are missing or damaged, or a prompt has no known words
  6    no room, memory or permission left
  7    some files of a batch failed, the others are done
  130  stopped by Ctrl-C; the same command goes on from there

Results go to stdout, progress and errors to stderr.
"""


# The order of a comic's making, and of --help.
_ORDER = [
    "demo",
    "make",
    "new",
    "add",
    "panels",
    "lettering",
    "mark",
    "train",
    "compare",
    "classify",
    "stylize",
    "export",
    "frames",
    "covers",
    "curate",
    "status",
    "styles",
    "doctor",
]


class _Commands(TyperGroup):
    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's public name
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's public name
        try:
            return super().invoke(ctx)
        except Exception as error:
            raise typer.Exit(exit_code_of(error)) from None


app = typer.Typer(
    cls=_Commands,
    name="comicloss",
    help=_INTRODUCTION,
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(panel: str, *examples: str) -> Callable[[Command], Command]:
    """Make a function a command. Its docstring is the help.

    Args:
        panel: under which heading it stands in --help.
        examples: ways to call it, each perhaps with a ``# remark`` behind it.
    """

    def add(function: Command) -> Command:
        text = (inspect.getdoc(function) or "").replace("[", r"\[")  # a box, not markup
        unwrapped = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
        app.command(rich_help_panel=panel, help=unwrapped, epilog=_epilog(examples))(function)
        return function

    return add


def _epilog(examples: tuple[str, ...]) -> str:
    lines = ["[bold]Examples[/bold]"]
    for example in examples:
        call, mark, remark = example.replace("[", r"\[").partition("  # ")
        lines += [f"[dim]# {remark}[/dim]", call] if mark else [call]
    return "\n".join(lines)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"comicloss {version('comicloss')}")
        raise typer.Exit


@app.callback()
def _comicloss(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    pass
