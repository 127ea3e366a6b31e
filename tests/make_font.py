"""Make the font that pictures and PDFs are lettered with: ``python tests/make_font.py FOLDER``.

Without FOLDER only the letters of the loading screen are made, from the font that is there: those
of its Korean words and no other.

FOLDER holds ``NotoSansKR_400Regular.ttf`` and ``NotoSansKR_700Bold.ttf`` of Noto Sans KR 2.004 in
TrueType outlines, and ``LICENSE_FONT``; the npm package ``@expo-google-fonts/noto-sans-kr`` 0.4.3
has all three. They are reduced to Latin, the signs that hilum uses and the 2,350 syllables of
KS X 1001, which is all that Korean text holds save for rare names. It needs fonttools.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from hilum.app.loading import LETTERS, list_hangul
from hilum.report.lettering import FONTS

WEIGHTS = {"Regular": "NotoSansKR_400Regular.ttf", "Bold": "NotoSansKR_700Bold.ttf"}
SIGNS = "–—‘’“”†•…′″€←→−≈≠≤≥■□▲△▼▽○●★☆ㆍ「」『』、。〈〉《》℃™"


def list_characters() -> set[int]:
    """Code points of ASCII, Latin-1, the signs, Hangul letters and syllables."""
    characters = {*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x3131, 0x3164)}
    characters |= {ord(sign) for sign in SIGNS}
    # KS X 1001 has its syllables in rows 16 to 40 of 94 cells.
    for row in range(0xB0, 0xC9):
        characters |= {ord(bytes([row, cell]).decode("euc_kr")) for cell in range(0xA1, 0xFF)}
    return characters


def reduce_font(source: Path, target: Path, characters: set[int]) -> None:
    """Write the font with these characters alone; equal input gives equal bytes."""
    options = Options()
    # Kerning and alternates are not used by Pillow's and ReportLab's simple layout.
    options.layout_features = []
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 11, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "BASE", "STAT", "GDEF", "GPOS", "GSUB"]
    with TTFont(source, recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        font.save(target)


def main() -> None:
    """Write the fonts and their licence into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    folder = parser.parse_args().folder
    FONTS.mkdir(exist_ok=True)
    if folder is not None:
        for weight, source in WEIGHTS.items():
            reduce_font(folder / source, FONTS / f"NotoSansKR-{weight}.ttf", list_characters())
        shutil.copyfile(folder / "LICENSE_FONT", FONTS / "OFL.txt")
    reduce_font(FONTS / "NotoSansKR-Regular.ttf", LETTERS, list_hangul())
    for font in (*sorted(FONTS.glob("*.ttf")), LETTERS):
        print(f"{font.name}: {font.stat().st_size} bytes")


if __name__ == "__main__":
    main()
