"""compare: which way to recognize the elements does best on an author's own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from comicloss.commands.app import HELP, command
from comicloss.commands.arguments import AsJson, Seed
from comicloss.commands.terminal import say, show_json, show_table, work


@command(
    HELP,
    "comicloss compare pictures --out comparison",
    "comicloss compare labels.csv --out comparison --networks none  # in a minute or two",
    "comicloss compare pictures --out comparison --networks resnet18,resnet50 --weights torchvision",
)
def compare(
    examples: Annotated[
        Path,
        typer.Argument(
            metavar="EXAMPLES",
            help="A folder with a folder of pictures for each element, or a CSV: file, labels, group.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the table and the plot go.")],
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="What classical models look at: pixels, hand-crafted, embedded; commas between, or none.",
            show_default="all",
        ),
    ] = None,
    networks: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Networks to train: resnet18, resnet34, resnet50, resnet101; commas between, or none.",
        ),
    ] = "resnet18",
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Where the networks start: a file of weights, a folder of such files, or torchvision (from "
            "its cache or the net).",
            show_default="from scratch",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Epochs of the networks.", show_default="25 with weights, 40 without"
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=32,
            max=1024,
            metavar="PIXELS",
            help="Side of the square that the networks see.",
            show_default="224 with weights, 128 without",
        ),
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Search for hyperparameters in place of the published ones.")
    ] = False,
    folds: Annotated[
        int, typer.Option(min=2, metavar="N", help="One part in so many is held out for the test.")
    ] = 5,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train the published ways to recognize elements on your pictures, and see which does best.

    Raw pixels, hand-crafted features and the embedded network's features, each with seven classical models;
    ResNets; and comicloss's own classifiers; all on one split that keeps each group on one side. It leaves
    one table (Markdown, CSV, JSON) and one plot. Stopped, the same command goes on where it was.
    """
    from comicloss import pipeline

    with work() as (progress, stop):
        result = pipeline.compare(
            examples,
            out,
            features=None if features is None else _names(features),
            networks=_names(networks),
            weights=weights,
            epochs=epochs,
            image_size=size,
            search=search,
            folds=folds,
            seed=seed,
            progress=progress,
            stop=stop,
        )
    for left_out in result["unreadable"]:
        say(f"left out: {left_out['why']}")
    if as_json:
        show_json(result)
        return
    table = Table("features", "model", "train", "test", "95 % interval", "seconds", "note")
    for cell in result["cells"]:
        interval = "-" if cell["low"] is None else f"{100 * cell['low']:.0f} to {100 * cell['high']:.0f} %"
        table.add_row(
            escape(cell["features"] or "the picture itself"),
            escape(cell["model"]),
            _percent(cell["train"]),
            _percent(cell["test"]),
            interval,
            "-" if cell["seconds"] is None else f"{cell['seconds']:.1f}",
            escape(cell["note"]),
        )
    show_table(table)
    say(
        f"{result['measure']} on {result['test_pictures']} pictures not learned from; "
        f"guessing gets {_percent(result['guessing'])}"
    )
    for file in result["files"]:
        typer.echo(file)


def _names(listed: str) -> list[str]:
    """The names between commas; "none" is none of them."""
    names = [name.strip() for name in listed.split(",") if name.strip()]
    return [] if names == ["none"] else names


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
