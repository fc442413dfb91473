"""Covers from their metadata to a set to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from classifiers.collection import read_collection
from comicloss.cli import app
from comicloss.datasets import cover_dataset
from pages.errors import InputError, UsageError

LEAGUE = "Justice League of America"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """24 covers with pictures, and one without; Superman is frequent, Aquaman rare."""
    folder = tmp_path / "scans"
    folder.mkdir()
    rows = []
    for number in range(24):
        who = [
            f"{LEAGUE} [Superman [Clark Kent]; Batman [Bruce Wayne]]",
            "Superman; Joker (villain)",
            "Batman",
        ]
        told = "Aquaman; Superman" if number in (5, 15) else who[number % 3]
        told = {3: "Superman ?; Joker", 4: "Batman; ?", 6: "", 9: "Joker"}.get(number, told)
        rows.append({"id": number, "series": "JLA", "issue": number // 2, "cover_characters": told})
        Image.new("RGB", (8, 12), (number * 10, 0, 0)).save(folder / f"{number}.png")
    rows[0]["file"] = "sub/first.png"
    (folder / "sub").mkdir()
    (folder / "0.png").rename(folder / "sub" / "first.png")
    rows[1]["file"] = "https://example.org/covers/1.png?size=big"
    rows.append({"id": 99, "series": "JLA", "issue": 99, "cover_characters": "Superman"})
    rows.append({"id": "../../secret", "file": "../../secret.png", "cover_characters": "Superman"})
    (tmp_path / "secret.png").write_bytes((folder / "2.png").read_bytes())
    (tmp_path / "covers.json").write_text(json.dumps(rows))
    return folder


def dataset(scans: Path, **options: Any) -> dict[str, Any]:
    return cover_dataset(scans.parent / "covers.json", **options)


def test_labels_are_counted_by_team(scans: Path) -> None:
    found = dataset(scans)
    assert found["covers"] == 26 and found["labeled"] == 25
    assert found["labels"] == {"Superman": 15, "Batman": 12, "Joker": 9, "Aquaman": 2}
    assert found["teams"] == {LEAGUE: {"Superman": 15, "Batman": 12}}
    assert "pictures" not in found and "written" not in found


def test_with_pictures_only_their_covers_count(scans: Path) -> None:
    found = dataset(scans, pictures=scans)
    assert found["pictures"] == {"found": 24, "missing": 2}
    assert found["labels"]["Superman"] == 13


def test_what_is_written_can_be_trained_on(scans: Path) -> None:
    out = scans / "labels.csv"
    found = dataset(scans, pictures=scans, out=out)
    assert found["written"] == {
        "file": str(out),
        "pictures": 23,
        "elements": ["Aquaman", "Batman", "Joker", "Superman"],
        "too_few": {},
        "everywhere": [],
    }
    collection = read_collection(scans)
    collection.check()
    pictures = {picture.path.name: picture for picture in collection.pictures}
    assert pictures["first.png"].labels == (0, 1, 0, 1)
    assert pictures["1.png"].labels == (0, 0, 1, 1)
    assert pictures["3.png"].labels == (0, 0, 1, None)  # Superman ?
    assert pictures["4.png"].labels == (None, 1, None, None)  # and one who is unknown
    assert "6.png" not in pictures  # nobody has said
    assert pictures["2.png"].group == pictures["3.png"].group == "JLA #1" != pictures["4.png"].group


def test_a_team_is_told_apart_from_its_teammates(scans: Path) -> None:
    found = dataset(scans, team="the justice league of america", pictures=scans, out=scans / "labels.csv")
    assert found["labels"].keys() == {"Superman", "Batman"}
    assert found["written"]["elements"] == ["Batman", "Superman"]
    assert found["written"]["pictures"] == 22  # not the one with the Joker alone


def test_a_balanced_subset_tells_its_long_tail(scans: Path) -> None:
    found = dataset(scans, per_label=6, pictures=scans, out=scans / "labels.csv")
    assert found["subset"]["short"] == {"Aquaman": 2}
    assert found["subset"]["labels"]["Joker"] == found["subset"]["labels"]["Batman"] == 6
    assert found["written"]["too_few"] == {"Aquaman": 2}
    assert len(read_collection(scans).pictures) == found["subset"]["covers"] < 23
    assert dataset(scans, per_label=6, seed=0)["subset"] == dataset(scans, per_label=6)["subset"]


def test_a_label_on_every_cover_is_left_out(scans: Path) -> None:
    rows = [{"id": n, "genre": "superhero" + "; humor" * (n % 2)} for n in range(8)]
    (scans.parent / "covers.json").write_text(json.dumps(rows))
    found = dataset(scans, label="genre", pictures=scans, out=scans / "labels.csv")
    assert found["written"]["everywhere"] == ["superhero"] and found["written"]["elements"] == ["humor"]
    with pytest.raises(InputError, match="superhero is on all"):
        dataset(scans, label="genre", pictures=scans, out=scans / "labels.csv", per_label=8)


def test_what_cannot_be_done_is_told(scans: Path) -> None:
    with pytest.raises(UsageError, match=f"(?s)No team.*{LEAGUE}"):
        dataset(scans, team="Justice Legion")
    empty = scans / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no such folder"):
        dataset(scans, pictures=scans / "nowhere")
    with pytest.raises(InputError, match="no cover has both"):
        dataset(scans, pictures=empty)
    with pytest.raises(UsageError, match="outside of"):
        dataset(scans, pictures=scans, out=scans / "sub" / "labels.csv")


def test_the_command_prints_counts_and_tells_what_it_wrote(scans: Path) -> None:
    covers, out = str(scans.parent / "covers.json"), str(scans / "labels.csv")
    result = CliRunner().invoke(
        app, ["covers", covers, "--pictures", str(scans), "--per-label", "6", "--out", out]
    )
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "24 have a picture, 2 do not." in lines
    start = lines.index(LEAGUE)
    assert lines[start + 1 : start + 3] == ["13 Superman", "12 Batman"]
    assert lines[lines.index("fewer than asked for") + 1] == "2 Aquaman"
    assert "labels.csv: " in result.stderr and "too few covers: Aquaman" in result.stderr
    assert Path(out).exists()


def test_the_command_prints_json(scans: Path) -> None:
    result = CliRunner().invoke(app, ["covers", str(scans.parent / "covers.json"), "--json"])
    assert json.loads(result.stdout)["teams"] == {LEAGUE: {"Superman": 15, "Batman": 12}}


def test_repairs_are_told(scans: Path) -> None:
    (scans.parent / "covers.csv").write_text("id,cover_characters\n1,Batman [Bruce Wayne\n2,Robin\n")
    result = CliRunner().invoke(app, ["covers", str(scans.parent / "covers.csv")])
    assert "covers.csv, line 2" in result.stderr and "is not closed" in result.stderr


def test_a_damaged_table_is_a_message_and_an_exit_code(scans: Path) -> None:
    (scans.parent / "covers.json").write_text("[{]")
    result = CliRunner().invoke(app, ["covers", str(scans.parent / "covers.json")])
    assert result.exit_code == 4 and "line 1" in result.stderr and "Traceback" not in result.stderr
