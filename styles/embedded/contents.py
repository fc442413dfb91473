"""What the scenes show, in words: to learn from and kept aside, alone and joined with a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from styles.embedded.captions import MOODS, SOURCES, STYLES
from styles.embedded.scenes import SETTING_NAMES, SUBJECT_NAMES
from styles.vocabulary import Vocabulary

PORTRAIT = SETTING_NAMES.index("plain")
"""The setting of scenes without a place: portraits, still lifes and pictures without a subject."""

_SUBJECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "man": (("a man", "a standing man", "a person, a man"), ("the man",)),
    "woman": (("a woman", "a young woman", "a person, a woman"), ("the woman",)),
    "hero": (("a hero", "a superhero with a cape", "a masked hero"), ("a hero with a cape",)),
    "princess": (
        ("a princess", "a princess with a crown", "a woman with a crown, a princess"),
        ("the young princess",),
    ),
    "knight": (
        ("a knight", "a knight in armor", "a knight with a sword"),
        ("the knight in armor with a sword",),
    ),
    "wizard": (
        ("a wizard", "a wizard with a staff", "a bearded wizard in a pointed hat"),
        ("the wizard with a hat",),
    ),
    "robot": (("a robot", "a metal robot", "a machine, a robot"), ("the robot",)),
    "dragon": (("a dragon", "a dragon with wings", "a monster, a winged dragon"), ("the winged dragon",)),
    "cat": (("a cat", "a sitting cat", "an animal, a cat"), ("the cat",)),
    "dog": (("a dog", "a standing dog", "an animal, a dog"), ("the dog",)),
    "horse": (("a horse", "a standing horse", "an animal, a horse"), ("the horse",)),
    "bird": (("a bird", "a small bird", "an animal, a bird"), ("the bird",)),
    "ghost": (("a ghost", "a floating ghost", "a spooky ghost"), ("the spooky floating ghost",)),
    "still life": (
        ("a still life with fruit", "fruit on a table", "a still life"),
        ("a still life, fruit on a table",),
    ),
    "shapes": (
        ("abstract shapes", "abstract pattern of shapes", "colored shapes"),
        ("a pattern of abstract shapes",),
    ),
    "gradient": (
        ("soft colors", "an abstract field of colors", "abstract clouds of color"),
        ("soft clouds of color",),
    ),
}

_SETTINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "house": (("in front of a house", "before a house", "with a house behind", "at home"), ("at a house",)),
    "castle": (
        ("in front of a castle", "before a castle", "with a castle behind", "at a castle gate"),
        ("at a castle",),
    ),
    "forest": (
        ("in a forest", "among trees", "in the woods", "with trees behind"),
        ("in front of a forest",),
    ),
    "mountains": (
        ("in front of mountains", "before mountains", "in the mountains", "with snowy mountains behind"),
        ("at snowy mountains",),
    ),
    "sea": (("by the sea", "at the beach", "in front of the sea", "on the shore"), ("with the sea behind",)),
    "city": (
        ("in a city", "on a street", "in front of tall buildings", "with a city behind"),
        ("on a city street",),
    ),
    "room": (
        ("in a room", "indoors", "inside a house in a room", "in front of a window"),
        ("indoors in a room",),
    ),
    "desert": (
        ("in a desert", "on desert sand", "among cactus plants", "with a desert behind"),
        ("on sand in a desert",),
    ),
    "meadow": (
        ("in a flower meadow", "among flowers", "on a green meadow", "in a field of flowers"),
        ("on a meadow with flowers",),
    ),
    "night": (
        ("under a starry night sky", "under the stars", "at night", "under the moon"),
        ("under the stars at night",),
    ),
}

_PORTRAITS = (
    ("a portrait of {}", "{}, portrait", "the face of {}", "a close up of {}"),
    ("a close portrait of {}",),
)

_JOINED = (
    (
        "{style} of {content}",
        "a {style} of {content}",
        "{content}, {style}",
        "{content} in the style of {style}",
        "{style}, {content}",
        "{content} as {style}",
        "an illustration of {content}, {style}",
    ),
    ("a picture of {content} in the style of {style}", "{content} drawn as {style}"),
)

_STYLE_ALONE = (
    ("{}", "{}", "a {}", "in the style of {}", "a picture in the style of {}", "{} style"),
    ("{}",),
)


@dataclass(frozen=True)
class Statement:
    """A caption and what it says; None where it does not speak of it.

    Attributes:
        text: the caption.
        style: number in ALL_STYLES.
        subject: number in SUBJECT_NAMES.
        setting: number in SETTING_NAMES.
        mood: number in MOOD_NAMES; 0 says nothing of the light.
    """

    text: str
    style: int | None = None
    subject: int | None = None
    setting: int | None = None
    mood: int | None = None


ALL_STYLES: tuple[str, ...] = (*(style.name for style in STYLES), *SOURCES)
"""The rendered styles, then the kinds of unfinished art."""

MOOD_NAMES: tuple[str, ...] = ("", *MOODS)


def _choose(pair: tuple[Sequence[str], Sequence[str]], held_out: bool, chance: Random) -> str:
    return chance.choice(pair[1] if held_out else pair[0])


def style_text(style: int, chance: Random, *, held_out: bool = False) -> str:
    """A wording of a style alone."""
    if style < len(STYLES):
        words = STYLES[style]
        text = chance.choice(words.held_out if held_out else words.wordings)
    else:
        text = chance.choice(SOURCES[ALL_STYLES[style]])
    article = text.startswith(("a ", "an "))
    return text if article else _choose(_STYLE_ALONE, held_out, chance).format(text)


def content_text(subject: int | None, setting: int | None, chance: Random, *, held_out: bool = False) -> str:
    """A wording of a content: subject and setting, or one of them."""
    what = _choose(_SUBJECTS[SUBJECT_NAMES[subject]], held_out, chance) if subject is not None else ""
    if setting is None:
        return what
    if setting != PORTRAIT:
        return f"{what} {_choose(_SETTINGS[SETTING_NAMES[setting]], held_out, chance)}".strip()
    if subject is None:
        return "a portrait"
    return (
        _choose(_PORTRAITS, held_out, chance).format(what)
        if subject < SUBJECT_NAMES.index("still life")
        else what
    )


def joined_text(style: str, content: str, chance: Random, *, held_out: bool = False) -> str:
    """A style wording and a content wording in one caption."""
    bare = (
        style.removeprefix("a picture ")
        .removeprefix("in the style of ")
        .removeprefix("a ")
        .removeprefix("an ")
    )
    return _choose(_JOINED, held_out, chance).format(style=bare, content=content)


def statements(style: int, subject: int, setting: int, mood: int, chance: Random) -> list[Statement]:
    """Three true things about a picture: its style, its content or a part of it, and both."""
    alone = style_text(style, chance)
    said = chance.choice(MOODS[MOOD_NAMES[mood]]) if mood and chance.random() < 0.7 else ""
    first = Statement(f"{alone}, {said}" if said else alone, style=style, mood=mood if said else None)
    part = chance.random()
    what = subject if part < 0.8 or setting == PORTRAIT else None
    where = setting if part < 0.6 or what is None else None
    second = Statement(content_text(what, where, chance), subject=what, setting=where)
    whole = content_text(subject, setting, chance)
    joined = joined_text(style_text(style, chance), whole, chance)
    return [first, second, Statement(joined, style=style, subject=subject, setting=setting)]


def vocabulary() -> Vocabulary:
    """The words of all wordings to learn from."""
    texts = [text for style in STYLES for text in style.wordings]
    texts += [text for several in (*SOURCES.values(), *MOODS.values()) for text in several]
    texts += [text for several, _ in (*_SUBJECTS.values(), *_SETTINGS.values()) for text in several]
    texts += [text.format("") for text in (*_PORTRAITS[0], *_STYLE_ALONE[0])]
    texts += [text.format(style="", content="") for text in _JOINED[0]]
    return Vocabulary.of_texts(texts)


def kept_aside(subject: int, setting: int) -> bool:
    """Whether this pair of subject and setting is never trained on: one in nine of those with a place."""
    return setting != PORTRAIT and (subject * 4 + setting * 7) % 9 == 0
