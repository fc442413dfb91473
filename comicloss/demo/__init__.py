"""The demo story: three pages drawn by this package itself, and what is true of them."""

from comicloss.demo.pages import draw_pages
from comicloss.demo.references import reference_drawings
from comicloss.demo.story import DEMO_STORY, DemoElement, DemoPage, DemoPanel, DemoStory

__all__ = [
    "DEMO_STORY",
    "DemoElement",
    "DemoPage",
    "DemoPanel",
    "DemoStory",
    "draw_pages",
    "reference_drawings",
]
