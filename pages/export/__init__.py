"""Finished pages on the way out: PNG, CBZ with its sidecars, PDF, OpenRaster, webtoon slices."""

from pages.export.cbz import write_cbz
from pages.export.comic_info import ComicInfo, PageType, comic_info_xml
from pages.export.finished import write_finished
from pages.export.guided import GuidedPage, GuidedPanel, acbf_xml, guided_json
from pages.export.openraster import write_openraster
from pages.export.pdf import DEFAULT_DPI, Bleed, write_pdf
from pages.export.png import write_png
from pages.export.webtoon import Slice, StripPage, write_webtoon

__all__ = [
    "DEFAULT_DPI",
    "Bleed",
    "ComicInfo",
    "GuidedPage",
    "GuidedPanel",
    "PageType",
    "Slice",
    "StripPage",
    "acbf_xml",
    "comic_info_xml",
    "guided_json",
    "write_cbz",
    "write_finished",
    "write_openraster",
    "write_pdf",
    "write_png",
    "write_webtoon",
]
