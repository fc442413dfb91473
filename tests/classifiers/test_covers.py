"""Cover metadata: reading tables, labels by any column, balanced subsets."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.balance import balanced_subset
from classifiers.covers import CoverLabels, cover_labels, read_covers
from pages.errors import InputError, UsageError

ROWS = [
    {"id": 11, "series": "JLA", "issue": 1, "cover_characters": "JLA [Superman [Clark Kent]; Robin]"},
    {"id": 12, "series": "JLA", "issue": 1, "cover_characters": "superman; Batman [Bruce Wayne]; ?"},
    {"id": 13, "series": "JLA", "issue": 2, "cover_characters": "The Batman; Robin ?; the Superman"},
    {"id": 14, "series": "JLA", "issue": 3, "cover_characters": None},
    {"id": 15, "series": "", "issue": 4, "cover_characters": "Batman [Bruce Wayne"},
]


def put(folder: Path, content: Any) -> Path:
    path = folder / "covers.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def labels(folder: Path, content: Any, column: str = "cover_characters") -> CoverLabels:
    return cover_labels(read_covers(put(folder, content)), column)


def test_characters_are_labels_with_their_teams(tmp_path: Path) -> None:
    found = labels(tmp_path, ROWS)
    assert found.shown == (
        {"Superman": True, "Robin": True},
        {"Superman": True, "Batman": True},
        {"Batman": True, "Robin": False, "Superman": True},
        None,
        {"Batman": True},
    )
    assert found.others == (False, True, False, False, False)
    assert found.teams == {"JLA": ("Superman", "Robin")}
    assert found.counts() == {"Batman": 3, "Superman": 3, "Robin": 1}
    assert found.counts([0, 3]) == {"Robin": 1, "Superman": 1}
    [(where, repairs)] = found.repairs.items()
    assert where.endswith("covers.json, entry 5") and "not closed" in repairs[0]


def test_covers_of_one_issue_are_one_group(tmp_path: Path) -> None:
    groups = [cover.group for cover in read_covers(put(tmp_path, ROWS)).covers]
    assert groups == ["JLA #1", "JLA #1", "JLA #2", "JLA #3", "15"]


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        {str(row["id"]): {key: value for key, value in row.items() if key != "id"} for row in ROWS},
        {"count": 5, "next": None, "results": ROWS},
        [{"Issue-Number" if key == "issue" else key.upper(): row[key] for key in row} for row in ROWS],
        [{**row, "type": "Cover"} for row in ROWS] + [{"type": "comic story", "cover_characters": "Joker"}],
        [{**row, "type": 6} for row in ROWS] + [{"type": 19, "cover_characters": "Joker"}],
    ],
)
def test_json_comes_in_several_shapes(tmp_path: Path, content: Any) -> None:
    table = read_covers(put(tmp_path, content))
    assert [cover.value("id") for cover in table.covers] == ["11", "12", "13", "14", "15"]
    assert table.covers[1].group == "JLA #1"
    assert cover_labels(table).counts() == {"Batman": 3, "Superman": 3, "Robin": 1}


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8-sig"), (";", "utf-8"), ("\t", "utf-16")])
def test_csv_reads_the_same(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = [["id", "Series Name", "Number", "Characters"]]
    lines += [
        [str(row["id"]), row["series"], str(row["issue"]), row["cover_characters"] or ""] for row in ROWS
    ]  # type: ignore[list-item]
    text = "\n".join(delimiter.join(f'"{field}"' for field in line) for line in lines)
    path = tmp_path / "covers.csv"
    path.write_text(text, encoding=encoding)
    table = read_covers(path)
    assert cover_labels(table).counts() == {"Batman": 3, "Superman": 3, "Robin": 1}
    assert table.covers[2].group == "JLA #2" and table.covers[2].where.endswith("line 4")


def test_values_of_json_become_text(tmp_path: Path) -> None:
    row = {"id": 1.5, "genre": ["humor", None, "horror"], "series": {"name": "JLA"}, "issue": 7, "x": {}}
    [cover] = read_covers(put(tmp_path, [row])).covers
    assert dict(cover.values) == {
        "id": "1.5",
        "genre": "humor; horror",
        "series": "JLA",
        "issue": "7",
        "x": "",
    }


def test_any_column_can_be_a_label(tmp_path: Path) -> None:
    rows = [
        {"pencils": "Jack Kirby (signed as Jack Kirby [signature])"},
        {"pencils": "jack kirby; Sol Brodsky ? (see notes)"},
        {"pencils": "?"},
        {"pencils": "various; Gil Kane [as Scott Edward]"},
        {"pencils": "None"},
        {"pencils": "Jack Kirby"},
    ]
    found = labels(tmp_path, rows, "Pencils")
    assert found.shown == (
        {"Jack Kirby": True},
        {"Jack Kirby": True, "Sol Brodsky": False},
        None,
        {"Gil Kane": True},
        None,
        {"Jack Kirby": True},
    )
    assert found.others == (False, False, True, True, False, False)
    assert found.teams == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[", "line 1: this is no JSON"),
        ('[{"a": 1},\n {"a": }]', "line 2: this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ("[]", "no covers"),
        ("{}", "no covers"),
        ("", "is empty"),
        ('[{"a": 1}, 7]', "entry 2: this is no object, but '7'"),
        ('[{"a": 1, "A": 2}]', 'entry 1: two columns are named "a"'),
        ('[{"type": "story"}]', "no row has the type cover"),
        ("a,A\n1,2\n", 'two columns are named "a"'),
        ("id,cover_characters\n1,Batman\n2\n", "line 3: 1 fields"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        read_covers(put(tmp_path, content))
    assert "covers.json" in caught.value.problem


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'(?s)no column "inks".*It has id, series, issue, cover_characters'):
        labels(tmp_path, ROWS, "inks")


# --- balance ---------------------------------------------------------------------------------------------

LABELS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=4), max_size=40)


@given(LABELS, st.integers(1, 8), st.integers(0, 3))
def test_every_label_gets_what_it_can(found: list[list[str]], target: int, seed: int) -> None:
    available = Counter(label for own in found for label in set(own))
    subset = balanced_subset(found, target, seed=seed)
    counted = Counter(label for index in subset.chosen for label in set(found[index]))
    assert subset.counts == counted
    assert sorted(set(subset.chosen)) == list(subset.chosen)
    for label, count in available.items():
        assert counted[label] >= min(target, count)
    assert subset.short == {label: count for label, count in available.items() if count < target}
    assert all(found[index] for index in subset.chosen)
    assert balanced_subset(found, target, seed=seed) == subset


def test_single_labels_are_balanced_exactly() -> None:
    subset = balanced_subset([["often"]] * 90 + [["rare"]] * 7 + [["some"]] * 30, 10)
    assert subset.counts == {"often": 10, "some": 10, "rare": 7} and subset.short == {"rare": 7}


def test_the_frequent_is_not_dragged_along_where_it_need_not_be() -> None:
    found = [["hero", "dog"]] * 20 + [["dog"]] * 10 + [["hero"]] * 50
    assert balanced_subset(found, 10).counts["hero"] <= 12


def test_the_seed_chooses() -> None:
    found = [["a"]] * 100
    assert len({balanced_subset(found, 5, seed=seed).chosen for seed in range(5)}) == 5
