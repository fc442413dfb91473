"""One HTML file that needs nothing else: what the report and the explanation have in common."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape

from PIL import Image

from comicloss.data import Picture, resized

_JPEG_QUALITY = 85


def page(title: str, facts: Mapping[str, str], body: str, *, style: str) -> str:
    """A whole page.

    Args:
        title: plain text.
        facts: named under the title, in order; plain text.
        body: HTML of the sections.
        style: CSS beside that of the house.
    """
    facts_list = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{_HOUSE}{style}</style></head><body>"
        f"<header><h1>{escape(title)}</h1><dl>{facts_list}</dl></header>"
        f"<main>{body}</main></body></html>\n"
    )


def embedded(picture: Picture, height: int) -> str:
    """A picture as a data address, no higher than this."""
    rows, columns = picture.shape[:2]
    factor = min(1.0, height / rows)
    small = resized(picture, max(1, round(columns * factor)), max(1, round(rows * factor)))
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


_HOUSE = """
:root{color-scheme:light dark;--paper:#faf8f4;--card:#fff;--ink:#282624;--quiet:#6b655d;--line:#dcd6cc;
--good:#2f7d5b;--bad:#b5372a;--one:#2f6db5;--two:#c2571a;--three:#2f7d5b;--four:#8a4fb0;--five:#9a7b12;
--six:#b5372a}
@media(prefers-color-scheme:dark){:root{--paper:#191817;--card:#232120;--ink:#ece8e1;--quiet:#a69f95;
--line:#3d3a36;--good:#5fbd92;--bad:#ef8173;--one:#78aeee;--two:#f0955c;--three:#5fbd92;--four:#c394e6;
--five:#d9b94a;--six:#ef8173}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
header,main{max-width:76rem;margin:auto;padding:1.5rem}
h1{font:600 2.2rem/1.2 Georgia,serif;margin:.5rem 0 1rem}
h2{font:600 1.4rem/1.3 Georgia,serif;margin:2.5rem 0 .75rem}
p{max-width:48rem}
dl{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:0}
dt{color:var(--quiet);font-size:.8rem}
dd{margin:0}
figure{margin:0}
figcaption{color:var(--quiet);font-size:.85rem;padding-top:.35rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;min-width:100%;background:var(--card);font-variant-numeric:tabular-nums;font-size:.85rem}
th,td{border:1px solid var(--line);padding:.45rem .6rem;text-align:left;vertical-align:top}
th{font-weight:600}
.alarm{border-left:4px solid var(--bad);background:var(--card);padding:.75rem 1rem}
@media print{body{background:#fff}}
"""
