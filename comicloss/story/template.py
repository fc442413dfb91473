"""What story.toml looks like before anything is in it."""

TEMPLATE = """\
# The story: how the comic should look, who is in it, and what each panel shows.
# Edit it by hand or with `comicloss`: a save by the program keeps comments, order and formatting.
# All files are relative to this folder. A mistake is reported with its line.

title = "Untitled"
direction = "ltr"     # reading direction: "ltr", "rtl" (manga) or "ttb" (webtoon)
lettering = "keep"    # as drawn; "letters" keeps the letters and restyles the balloons, "restyle" everything
revision = 0          # counts the saves; leave it to the program
# series = "Tales of the Hill"          # for reader programs, like the four below
# number = "1"
# summary = "A knight goes out to fight a dragon, and stays for dinner."
# language = "en"                       # of the lettering
# classifier = "../family"              # elements that these trained classifiers know are not trained here

[style]
prompt = "ink"        # the look in words; `comicloss styles` shows what is known
strength = 1.0        # 0: as drawn, 1: all of the style
# reference = "references/look.png"     # a picture in the wanted look

# [credits]                             # who made it: a name, or several with commas between
# writer = ""                           # also penciller, inker, colorist, letterer, cover_artist, editor,
#                                       # publisher

# [print]
# dpi = 300                             # without it, what each page's file says
# bleed_mm = 3                          # what the printer cuts off at the edges of your pages
# trim_mm = [170, 260]                  # width and height of a cut page

# [webtoon]
# width = 800                           # of a slice, in pixels
# height = 1280                         # the most that a slice is high

# Who and what has to stay recognizable, one block each (`comicloss mark STORY --element "Hero:character"`):
#
#   [[elements]]
#   name = "Hero"
#   kind = "character"                  # "character", "setting" or "prop"
#   description = "a knight in red with a tall plume"
#   references = ["references/hero.png"]
#   palette = ["#c0392b", "#2c3e50"]
#   classifier = "../family"            # taken from there by its name (`comicloss train --examples`)
#
# The pages in reading order (`comicloss add`), and below each its panels (`comicloss panels`),
# marked with what they show (`comicloss mark`):
#
#   [[pages]]
#   file = "art/p01.png"
#   source = "../scans/page1.png"       # where it was copied from: added again after a change, it is replaced
#   type = "FrontCover"                 # for reader programs
#   flats = "art/p01-flats.png"         # flat color hints for a pencil page; see-through where there are none
#   lettering = "letters"               # another treatment than the story's
#   lettering_mask = "lettering/p01.png"    # painted by you: white letters, gray balloons, black for none
#
#   [[pages.lettering_items]]           # one balloon or sound effect that is treated in its own way
#   box = [60, 60, 200, 90]
#   treat = "restyle"
#
#   [[pages.panels]]
#   id = "p01-01"
#   box = [40, 40, 620, 480]            # x, y, width, height in pixels of the page
#   polygon = [[40, 40], [660, 40], [600, 520], [40, 520]]  # its corners, where it is no upright rectangle
#   confidence = 0.93                   # of the detection; it goes when you correct or confirm the panel
#   by = "author"                       # set by you: detection leaves it alone
#   shows = ["Hero"]                    # everybody else is not there; [] for nobody; no line: not marked yet
#   unsure = ["Dragon"]                 # neither there nor not there
#   beliefs = { Castle = 0.7 }          # probably there
#   regions = { Hero = [80, 60, 200, 400] }     # where it is, in pixels of the page
#   direction = "night, rain"           # a direction for this panel alone
"""
