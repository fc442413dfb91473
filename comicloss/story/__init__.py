"""The story: what the author says the comic is, in a story.toml that a person can read and edit."""

from comicloss.story.file import load_story, save_story
from comicloss.story.model import Element, LetteringItem, Story, StoryPage, StoryPanel, Style

__all__ = [
    "Element",
    "LetteringItem",
    "Story",
    "StoryPage",
    "StoryPanel",
    "Style",
    "load_story",
    "save_story",
]
