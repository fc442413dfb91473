"""Things that are held and worn: the spoon, the cake, the party hat."""

from __future__ import annotations

from comicloss.demo.strokes import Color, Pen, ellipse, limb, polygon

WOOD: Color = (206, 152, 92)


CHERRY: Color = (206, 56, 48)


MOUTH: Color = (140, 44, 48)


TONGUE: Color = (232, 120, 116)


def spoon(pen: Pen) -> None:
    """A big wooden spoon, held at the origin, bowl up."""
    pen.shape(limb([(0.0, 0.55, 0.085), (0.0, -0.4, 0.075), (0.0, -1.2, 0.085)]), WOOD, line=2.8)
    pen.shape(ellipse(0, -1.62, 0.33, 0.46), WOOD, line=3.0)
    pen.stroke([(-0.16, -1.78), (-0.17, -1.5), (-0.04, -1.32)], 2.0)


def cake(pen: Pen, *, candle: bool = True) -> None:
    """A cake on a plate, its plate at the origin."""
    pen.shape(ellipse(0, -0.02, 0.95, 0.17, 14), (226, 232, 236), line=2.6)
    body = [(-0.68, -0.62), (0.68, -0.62), (0.68, -0.62), (0.7, -0.1), (0.7, -0.1), (0.0, 0.02), (-0.7, -0.1)]
    pen.shape([*body, (-0.7, -0.1), (-0.68, -0.62)], (238, 202, 142), line=3.0)
    icing = [
        (-0.72, -0.64),
        (-0.4, -0.8),
        (0.4, -0.8),
        (0.72, -0.64),
        (0.7, -0.4),
        (0.52, -0.3),
        (0.36, -0.46),
        (0.18, -0.28),
    ]
    pen.shape(
        [*icing, (-0.02, -0.46), (-0.24, -0.26), (-0.44, -0.46), (-0.62, -0.34), (-0.74, -0.46)],
        (248, 190, 204),
        line=2.8,
    )
    for x, y in ((-0.42, -0.66), (0.42, -0.66), (0.16, -0.6), (-0.16, -0.6)):
        pen.shape(ellipse(x, y, 0.09), CHERRY, line=2.0)
    if candle:
        pen.shape(
            polygon((-0.06, -1.25), (0.06, -1.25), (0.07, -0.72), (-0.06, -0.72)), (150, 200, 230), line=2.4
        )
        pen.shape(
            [(0.0, -1.66), (0.0, -1.66), (0.11, -1.42), (0.0, -1.28), (-0.11, -1.42)],
            (252, 190, 70),
            line=2.4,
        )


def party_hat(pen: Pen) -> None:
    """A striped paper cone, its rim at the origin."""
    pen.shape(
        [(-0.5, 0.05), (-0.5, 0.05), (0.0, -1.25), (0.0, -1.25), (0.5, 0.05), (0.5, 0.05), (0.0, 0.16)],
        (120, 178, 226),
        line=3.0,
    )
    for low, high in ((0.14, 0.36), (0.58, 0.8)):
        a, b = 0.5 * (1 - low), 0.5 * (1 - high)
        y, z = 0.05 - 1.3 * low, 0.05 - 1.3 * high
        pen.tint(polygon((-a, y), (a, y), (b, z), (-b, z)), (250, 226, 120))
        pen.stroke([(-a, y), (0.0, y + 0.08), (a, y)], 1.8)
        pen.stroke([(-b, z), (0.0, z + 0.06), (b, z)], 1.8)
    pen.shape(ellipse(0, -1.3, 0.17), CHERRY, line=2.6)
