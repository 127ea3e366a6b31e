"""The sheet that a report is written on: letters, paragraphs and pictures on one A4 page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hilum.errors import MissingExtraError
from hilum.language import Language, Text, translate
from hilum.report.lettering import find_font

if TYPE_CHECKING:
    from PIL import Image
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable

# A4 in points of 1/72 inch.
PAGE = (595.28, 841.89)
MARGIN = 40.0
WIDTH = PAGE[0] - 2 * MARGIN
GAP = 14.0
COLUMN = (WIDTH - GAP) / 2

INK, QUIET, LINE, STRIPE = "#23272a", "#5a5f63", "#cfcbc2", "#8f8b82"

_REGULAR, _BOLD = "hilum-regular", "hilum-bold"
# What comes from a spec or a header can be of any length; a page cannot.
_LONGEST = 420


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph is set; sizes in points."""

    size: float = 8.5
    bold: bool = False
    color: str = INK
    space: float = 3.0
    before: float = 0.0


BODY = Style()
HEADING = Style(size=9.5, bold=True, space=3.5, before=6.0)
SMALL = Style(size=7.5, color=QUIET)


class Sheet:
    """One page, in one language.

    Parameters
    ----------
    made
        Stands in the file as its date; the same page made at the same time is the same file.

    Raises
    ------
    MissingExtraError
        ReportLab is not installed.
    """

    def __init__(self, language: Language, made: datetime) -> None:
        try:
            from reportlab.pdfgen.canvas import Canvas
        except ImportError as error:
            raise MissingExtraError("pdf", Text("write a PDF report")) from error
        _prepare()
        self.language: Language = language
        self._buffer = BytesIO()
        # Invariant: no clock and no random number goes into the file.
        self.canvas: Canvas = Canvas(
            self._buffer,
            pagesize=PAGE,
            invariant=1,
            pageCompression=1,
            # The stubs say float; it is a name.
            initialFontName=_REGULAR,  # type: ignore[arg-type]
            lang=language,
        )
        self.canvas.setDateFormatter(lambda *_: _write_date(made))
        self.canvas.setViewerPreference("DisplayDocTitle", "true")

    def describe(self, title: str, subject: str, software: str) -> None:
        """Set what the file says of itself."""
        self.canvas.setTitle(self.say(title))
        self.canvas.setSubject(self.say(subject))
        self.canvas.setAuthor(software)
        self.canvas.setCreator(software)

    def finish(self) -> bytes:
        """Give the bytes of the file."""
        self.canvas.showPage()
        self.canvas.save()
        return self._buffer.getvalue()

    def say(self, text: str) -> str:
        """Translate, and shorten what would fill a page of its own."""
        said = " ".join(translate(text, self.language).split())
        # A figure stays on the line of its sign and unit.
        said = said.replace(" %", "\u00a0%").replace("≥ ", "≥\u00a0")
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1].rstrip()}…"

    def write(self, text: str, x: float, y: float, style: Style, *, right: bool = False) -> float:
        """Write one line with its baseline at ``y``; give its width."""
        said = self.say(text)
        name = _name_font(style)
        self.canvas.setFont(name, style.size)
        self.canvas.setFillColor(style.color)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x, y, said)
        width: float = self.canvas.stringWidth(said, name, style.size)
        return width

    def measure_line(self, text: str, style: Style) -> float:
        """Give how wide a line is."""
        width: float = self.canvas.stringWidth(self.say(text), _name_font(style), style.size)
        return width

    def make_paragraph(self, text: str, style: Style = BODY) -> Flowable:
        """Make a paragraph; Korean breaks between words, as English does."""
        from reportlab.lib.colors import HexColor
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import Paragraph

        return Paragraph(
            escape(self.say(text)),
            ParagraphStyle(
                "hilum",
                fontName=_name_font(style),
                fontSize=style.size,
                leading=1.38 * style.size,
                textColor=HexColor(style.color),
                spaceBefore=style.before,
                spaceAfter=style.space,
                splitLongWords=1,
            ),
        )

    def make_table(self, rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Flowable:
        """Make a table whose first row is its head."""
        from reportlab.platypus import Table

        cells = [
            [self.make_paragraph(cell, Style(7.5, color=INK if row else QUIET)) for cell in one]
            for row, one in enumerate(rows)
        ]
        lines: list[Any] = [
            ("FONTNAME", (0, 0), (-1, -1), _REGULAR),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
        return Table(cells, colWidths=list(widths), style=lines, hAlign="LEFT", spaceAfter=4)

    def measure(self, parts: Iterable[Flowable], width: float) -> float:
        """Give how high the parts are, one below another."""
        return sum(
            part.getSpaceBefore()
            + part.wrapOn(self.canvas, width, PAGE[1])[1]
            + part.getSpaceAfter()
            for part in parts
        )

    def place(
        self, parts: list[Flowable], x: float, top: float, width: float, height: float
    ) -> float:
        """Draw the parts below ``top``, smaller where they need more than ``height``.

        Returns
        -------
        Where they end.
        """
        from reportlab.platypus import KeepInFrame

        frame = KeepInFrame(width, height, parts, mode="shrink")
        _, used = frame.wrapOn(self.canvas, width, height)
        frame.drawOn(self.canvas, x, top - used)
        return top - float(used)

    def draw_picture(
        self, image: Image.Image, x: float, top: float, size: tuple[float, float]
    ) -> None:
        """Draw a picture, without loss."""
        from reportlab.lib.utils import ImageReader

        self.canvas.drawImage(ImageReader(image), x, top - size[1], *size)

    def draw_rule(self, y: float) -> None:
        """Draw a thin line across the page."""
        self.canvas.setStrokeColor(LINE)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(MARGIN, y, PAGE[0] - MARGIN, y)


def _write_date(made: datetime) -> str:
    """Write a date as ISO 32000-1, 7.9.4 wants it; without a zone where it has none."""
    zone = made.strftime("%z")
    return made.strftime("D:%Y%m%d%H%M%S") + (f"{zone[:3]}'{zone[3:5]}'" if zone else "")


def _prepare() -> None:
    """Tell ReportLab of the fonts and how to store; it keeps both for the whole process."""
    from reportlab import rl_config
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    # As bytes: in ASCII a picture would take a quarter more room, and a second of time.
    rl_config.useA85 = 0
    known = pdfmetrics.getRegisteredFontNames()
    for name, path in ((_REGULAR, find_font()), (_BOLD, find_font("Bold"))):
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, path))


def _name_font(style: Style) -> str:
    return _BOLD if style.bold else _REGULAR
