"""Reading order of boxes whose order is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.model import Box
from pages.order import reading_order


def columns_of(rows: int, *, apart: int) -> list[Box]:
    """Two columns of equal boxes, the left one first, 10 pixels between the rows."""
    return [
        Box(20 + column * (200 + apart), 20 + row * 110, 220 + column * (200 + apart), 120 + row * 110)
        for column in (0, 1)
        for row in range(rows)
    ]


def test_columns_of_four_that_stand_apart_are_read_one_by_one() -> None:
    boxes = columns_of(4, apart=40)
    assert reading_order(boxes, "ltr") == [0, 1, 2, 3, 4, 5, 6, 7]
    assert reading_order(boxes, "rtl") == [4, 5, 6, 7, 0, 1, 2, 3]


def test_an_even_grid_is_read_by_rows() -> None:
    boxes = columns_of(4, apart=10)
    assert reading_order(boxes, "ltr") == [0, 4, 1, 5, 2, 6, 3, 7]
    assert reading_order(boxes, "rtl") == [4, 0, 5, 1, 6, 2, 7, 3]


def test_a_tall_panel_beside_two() -> None:
    tall, above, below = Box(0, 0, 100, 300), Box(110, 0, 300, 140), Box(110, 150, 300, 300)
    assert reading_order([below, above, tall], "ltr") == [2, 1, 0]
    assert reading_order([below, above, tall], "rtl") == [1, 0, 2]


def test_an_inset_is_read_after_the_panel_whose_corner_is_first() -> None:
    panel, inset = Box(0, 0, 400, 300), Box(260, 180, 390, 290)
    assert reading_order([inset, panel], "ltr") == [1, 0]


def test_a_pinwheel_starts_at_the_corner_where_reading_starts() -> None:
    wheel = [Box(0, 0, 200, 90), Box(210, 0, 300, 200), Box(100, 210, 300, 300), Box(0, 100, 90, 300)]
    assert reading_order(wheel, "ltr")[0] == 0
    assert reading_order(wheel, "rtl")[0] == 1


@given(
    st.lists(st.builds(Box.from_xywh, *(st.integers(0, 500),) * 2, *(st.integers(1, 300),) * 2), max_size=12),
    st.sampled_from(["ltr", "rtl", "ttb"]),
)
@pytest.mark.filterwarnings("error")
def test_any_boxes_come_each_once(boxes: list[Box], direction: str) -> None:
    assert sorted(reading_order(boxes, direction)) == list(range(len(boxes)))  # type: ignore[arg-type]
