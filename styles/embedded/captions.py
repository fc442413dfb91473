"""The eighteen styles in words: what each is called, in wordings to learn from and wordings kept aside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StyleCaptions:
    """How people ask for one style.

    Attributes:
        name: the style's short name, the key of ``renderers.RENDERERS``.
        wordings: captions that the models are trained on; the first one is shown to people.
        held_out: captions that only evaluations use.
    """

    name: str
    wordings: tuple[str, ...]
    held_out: tuple[str, ...]


STYLES: tuple[StyleCaptions, ...] = (
    StyleCaptions(
        "watercolor",
        (
            "watercolor painting",
            "watercolor",
            "a watercolor on paper",
            "loose watercolor washes",
            "soft transparent watercolor with wet edges",
            "watercolour illustration on rough paper",
            "aquarelle",
            "delicate aquarelle with granulation",
        ),
        ("watercolor on rough paper", "a soft aquarelle painting", "transparent watercolour washes"),
    ),
    StyleCaptions(
        "ink",
        (
            "pen and ink drawing",
            "ink line drawing",
            "clean black ink lines on white paper",
            "black line art",
            "inked line art with a brush pen",
            "clear ink outlines",
            "simple pen drawing, black on white",
        ),
        ("clean pen and ink line art", "a black ink drawing on white", "brush pen lines"),
    ),
    StyleCaptions(
        "noir",
        (
            "noir ink",
            "film noir comic",
            "noir, high contrast black and white",
            "stark high contrast shadows",
            "dark noir with deep blacks",
            "crime noir graphic novel",
            "heavy black shadows, noir ink",
        ),
        ("noir ink, high contrast", "a dark crime comic with heavy shadows", "stark noir in black and white"),
    ),
    StyleCaptions(
        "cel",
        (
            "cel shaded cartoon",
            "cel shading",
            "flat animation cel with clean outlines",
            "anime cel with flat colors",
            "saturday morning cartoon",
            "animated cartoon with flat shading",
            "bright anime",
        ),
        ("a cel shaded anime", "cartoon with flat colors and clean outlines", "animation cel"),
    ),
    StyleCaptions(
        "pop",
        (
            "pop art",
            "pop art with ben day dots",
            "pop art with halftone dots",
            "bold pop art in primary colors",
            "sixties pop art print with thick outlines",
            "colorful halftone pop",
            "bright dotted pop art",
        ),
        ("bold pop art with dots", "a sixties halftone pop print", "primary colors and ben day dots"),
    ),
    StyleCaptions(
        "manga",
        (
            "manga",
            "manga with screentone",
            "black and white manga page",
            "japanese manga with gray tones",
            "shonen manga, screentone shading",
            "screentone",
            "printed manga with dotted grays",
        ),
        ("a japanese manga with screentone", "black and white screentone page", "shonen manga"),
    ),
    StyleCaptions(
        "hatching",
        (
            "cross hatching",
            "hatched pen drawing",
            "fine hatching in pen",
            "engraving with crosshatching",
            "cross hatched etching",
            "etching with fine parallel lines",
            "crosshatched illustration",
        ),
        ("a pen drawing with cross hatching", "fine crosshatched engraving", "hatched etching"),
    ),
    StyleCaptions(
        "blueprint",
        (
            "blueprint",
            "white lines on blue paper",
            "architect blueprint",
            "technical blueprint drawing",
            "cyanotype plan with white lines",
            "blueprint plan on a grid",
            "engineering drawing in white on blue",
        ),
        ("a technical drawing on blue paper", "architect plan, white on blue", "a cyanotype blueprint"),
    ),
    StyleCaptions(
        "woodcut",
        (
            "woodcut print",
            "woodcut",
            "carved block print",
            "linocut",
            "linocut with bold gouge marks",
            "old woodblock print in black",
            "medieval woodcut",
        ),
        ("a bold woodcut", "carved linocut print", "medieval block print"),
    ),
    StyleCaptions(
        "oil",
        (
            "oil painting",
            "oil painting with thick brush strokes",
            "impasto oil on canvas",
            "classical oil on canvas",
            "thick impasto paint",
            "painterly oil strokes",
            "impressionist oil painting",
        ),
        ("thick oil paint on canvas", "a painterly impasto", "classical painting with brush strokes in oil"),
    ),
    StyleCaptions(
        "pastel",
        (
            "soft pastel drawing",
            "pastel",
            "chalky pastel on toned paper",
            "soft pastels on beige paper",
            "dusty pastel colors",
            "crayon and pastel drawing",
            "colored pastel on textured paper",
        ),
        ("dusty pastels on toned paper", "a chalky crayon pastel", "soft pastel on textured paper"),
    ),
    StyleCaptions(
        "stained_glass",
        (
            "stained glass window",
            "stained glass",
            "church window of stained glass",
            "leaded glass with glowing colors",
            "glass mosaic with dark leads",
            "cathedral stained glass",
            "glowing leaded window",
        ),
        ("a glowing church window", "cathedral glass with dark leads", "a stained glass mosaic"),
    ),
    StyleCaptions(
        "pixel",
        (
            "pixel art",
            "retro pixel art",
            "eight bit pixel art",
            "8 bit video game sprite",
            "low resolution pixels",
            "old video game graphics",
            "pixelated retro game",
        ),
        ("a retro video game in pixels", "8 bit pixel graphics", "low resolution game sprite"),
    ),
    StyleCaptions(
        "risograph",
        (
            "risograph print",
            "risograph",
            "two color riso print",
            "grainy riso with misregistration",
            "riso zine in blue and red",
            "two spot colors, grainy print",
            "riso poster with offset inks",
        ),
        ("a grainy risograph zine", "two color risograph poster", "riso in blue and red inks"),
    ),
    StyleCaptions(
        "chalk",
        (
            "chalk on a blackboard",
            "blackboard chalk drawing",
            "chalkboard",
            "white chalk on dark slate",
            "chalk lines on a green chalkboard",
            "school blackboard sketch in chalk",
            "dusty chalk on slate",
        ),
        ("a chalk drawing on slate", "school chalkboard in white chalk", "dusty blackboard drawing"),
    ),
    StyleCaptions(
        "sepia",
        (
            "sepia ink wash",
            "sepia",
            "old sepia print",
            "brown ink and wash",
            "antique sepia drawing",
            "vintage brown wash drawing",
            "faded sepia in brown tones",
        ),
        ("an antique brown ink wash", "faded vintage sepia", "sepia wash in brown tones"),
    ),
    StyleCaptions(
        "charcoal",
        (
            "charcoal drawing",
            "charcoal",
            "smudged charcoal",
            "smoky charcoal on paper",
            "soft graphite and charcoal shading",
            "dark charcoal with smudges",
            "rough charcoal study",
        ),
        ("a smoky smudged charcoal", "soft charcoal shading on paper", "rough dark charcoal"),
    ),
    StyleCaptions(
        "comic",
        (
            "classic american comic",
            "classic comic book",
            "superhero comic with inked lines and flat colors",
            "vintage comic book on newsprint",
            "golden age comic",
            "inked and colored comic book page",
            "silver age superhero comic",
        ),
        (
            "a classic superhero comic book",
            "golden age comic on newsprint",
            "inked american comic with flat colors",
        ),
    ),
)

STYLE_NAMES: tuple[str, ...] = tuple(style.name for style in STYLES)

SOURCES: dict[str, tuple[str, ...]] = {
    "pencil": ("a pencil sketch", "rough pencil sketch", "pencil rough on paper", "a graphite sketch"),
    "rough": ("a rough colored drawing", "colored rough", "rough marker drawing", "a colored sketch"),
    "plain": ("a plain picture", "a photo", "plain colored picture", "a digital picture"),
}
"""What unfinished art is called: the texts to start a style direction from."""

MOODS: dict[str, tuple[str, ...]] = {
    "night": ("at night", "night", "in the dark of night", "moonlight"),
    "sunset": ("at sunset", "sunset", "evening light", "golden evening"),
    "fog": ("in fog", "fog", "misty", "in the mist"),
}
"""Light that a panel direction may ask for; added to a style caption after a comma."""
