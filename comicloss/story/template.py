"""What story.toml looks like before anything is in it."""

TEMPLATE = """\
# The story: how the comic should look, who is in it, and what each panel shows.
# Edit it by hand or with `comicloss`: a save by the program keeps comments, order and formatting.
# All files are relative to this folder. A mistake is reported with its line.

title = "Untitled"
direction = "ltr"     # reading direction: "ltr", "rtl" (manga) or "ttb" (webtoon)
revision = 0          # counts the saves; leave it to the program

[style]
prompt = "ink"        # the look in words; `comicloss styles` shows what is known
strength = 1.0        # 0: as drawn, 1: all of the style
# reference = "references/look.png"     # a picture in the wanted look

# Who and what has to stay recognizable, one block each (`comicloss mark STORY --element "Hero:character"`):
#
#   [[elements]]
#   name = "Hero"
#   kind = "character"                  # "character", "setting" or "prop"
#   description = "a knight in red with a tall plume"
#   references = ["references/hero.png"]
#   palette = ["#c0392b", "#2c3e50"]
#
# The pages in reading order (`comicloss add`), and below each its panels (`comicloss panels`),
# marked with what they show (`comicloss mark`):
#
#   [[pages]]
#   file = "art/p01.png"
#   flats = "art/p01-flats.png"         # flat color hints for a pencil page; see-through where there are none
#
#   [[pages.panels]]
#   id = "p01-01"
#   box = [40, 40, 620, 480]            # x, y, width, height in pixels of the page
#   shows = ["Hero"]                    # everybody else is not there; [] for nobody; no line: not marked yet
#   unsure = ["Dragon"]                 # neither there nor not there
#   beliefs = { Castle = 0.7 }          # probably there
#   regions = { Hero = [80, 60, 200, 400] }     # where it is, in pixels of the page
#   direction = "night, rain"           # a direction for this panel alone
"""
