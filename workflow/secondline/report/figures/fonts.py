"""Fonts that PDF files take quickly."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_LAYOUT = ("GDEF", "GPOS", "GSUB", "MATH")


@cache
def use_light_fonts() -> "TemporaryDirectory[str]":
    """Let matplotlib take its DejaVu Sans without the layout tables, which it does not use.

    Each PDF has its fonts cut down to the letters in it, which took twice as long with these tables as everything
    else of the file. Letters, their widths and their kerning stay the same. The copies live as long as the process.
    """
    from fontTools.ttLib import TTFont
    from matplotlib import get_data_path
    from matplotlib.font_manager import fontManager

    folder = TemporaryDirectory()
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        with TTFont(Path(get_data_path()) / "fonts" / "ttf" / name, lazy=True, recalcTimestamp=False) as font:
            for table in _LAYOUT:
                if table in font:
                    del font[table]
            font.save(Path(folder.name) / name)
        fontManager.addfont(Path(folder.name) / name)
        fontManager.ttflist.insert(0, fontManager.ttflist.pop())  # the first of equals is taken
    return folder
