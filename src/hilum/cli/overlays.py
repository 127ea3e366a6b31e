"""Where ``hilum analyze --out DIR`` and ``hilum explain`` put their pictures."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.cli.films import STDIN
from hilum.cli.pictures import PICTURE_SIDE_PX
from hilum.errors import ConfigError, HilumError
from hilum.files import replacing, write_whole
from hilum.types import NOT_ASSESSED, UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import Image

    from hilum.cli.pictures import Look
    from hilum.spec import ModelSpec
    from hilum.types import Explanation, Prediction, Region

_SUFFIX = ".overlay.png"
_SOFTWARE = "hilum"
# What hilum writes into the first line of an SVG; see hilum.report.draw_svg.
_SVG_MARK = b'data-software="hilum"'
# What it writes into the information at the end of a PDF; see hilum.report.draw_pdf.
_PDF_MARK = re.compile(rb"/Creator\s*\(hilum ")


class OverlayFolder:
    """Writes overlays as ``NAME.overlay.png``, each whole or not at all.

    Films of one name from different folders get different pictures: the second and later
    ones carry a digest of their path. A file that is not an overlay of hilum is never
    replaced.

    Parameters
    ----------
    folder
        Made if it is not there.
    searched
        What the command was given to search for films. An overlay must not be taken for a
        film the next time.

    Raises
    ------
    ConfigError
        The folder cannot be made, or it is itself searched for films.
    """

    def __init__(self, folder: Path, searched: Sequence[str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {folder} cannot be made: {error.strerror}.") from error
        self._given = folder
        self.folder = folder.resolve()
        if any(Path(path).resolve() == self.folder for path in searched):
            raise ConfigError(
                "--out names a folder that is searched for films; its overlays would be taken "
                "for films the next time. Name another folder."
            )
        self._names: set[str] = set()

    def write(self, source: str, prediction: Prediction) -> str:
        """Draw and write the overlay of one film; give its path.

        Raises
        ------
        HilumError
            The disk is full or not writable, or a file of another origin is in the way.
        """
        image = prediction.overlay(max_side_px=PICTURE_SIDE_PX)
        if prediction.decision in (NOT_ASSESSED, UNCERTAIN):
            image = _add_caption(image, _describe_doubt(prediction))
        path = self.choose_path(source, _SUFFIX)
        _write_png(image, path, prediction)
        return str(path)

    def write_explanation(
        self,
        source: str,
        prediction: Prediction,
        explanation: Explanation,
        regions: Sequence[Region],
        look: Look,
    ) -> list[str]:
        """Draw and write the map of one film by one method; give the paths; see :meth:`write`."""
        paths = []
        for form in look.formats:
            path = self.choose_path(source, f".{explanation.method}.{form}")
            if form == "svg":
                _write_svg(look.draw_svg(prediction, explanation, regions), path)
            else:
                image = look.draw_png(prediction, explanation)
                for remark in look.list_remarks(prediction, explanation):
                    image = _add_caption(image, remark)
                _write_png(image, path, prediction)
            paths.append(str(path))
        return paths

    def write_report(
        self, spec: ModelSpec, language: str, source: str, prediction: Prediction
    ) -> str:
        """Draw and write the report of one film as a PDF; see :meth:`write`."""
        from datetime import datetime

        from hilum.report.pdf import draw_pdf

        path = self.choose_path(source, ".report.pdf")
        _check_free(path, _is_own_pdf)
        made = datetime.now().astimezone()
        _write_whole(path, draw_pdf(prediction, spec, made=made, language=language))
        return str(path)

    def choose_path(self, source: str, suffix: str) -> Path:
        """Choose a file for what belongs to a film; no two films get the same."""
        stem = "stdin" if source == STDIN else Path(source).stem
        stem = "".join(char if char.isprintable() else "_" for char in stem)
        name = stem + suffix
        if name in self._names:
            full = os.path.abspath(source)  # noqa: PTH100 (resolve() would follow links)
            digest = hashlib.sha256(os.fsencode(full)).hexdigest()[:12]
            name = f"{stem}.{digest}{suffix}"
        self._names.add(name)
        return self._given / name


def _describe_doubt(prediction: Prediction) -> str:
    if prediction.assessed:
        return "Uncertain: ask a radiologist"
    return f"Not assessed: {', '.join(reason.code for reason in prediction.reasons)}"


def _add_caption(image: Image.Image, text: str) -> Image.Image:
    """Add a strip with ``text`` below a picture; the film itself stays free."""
    from PIL import Image, ImageDraw

    from hilum.report.lettering import load_font

    size_px = max(12, image.width // 36)
    captioned = Image.new("RGB", (image.width, image.height + 2 * size_px), "#12171b")
    captioned.paste(image, (0, 0))
    place = (size_px // 2, image.height + size_px)
    font = load_font(size_px)
    ImageDraw.Draw(captioned).text(place, text, fill="#d7dde2", font=font, anchor="lm")
    return captioned


def _write_png(image: Image.Image, path: Path, prediction: Prediction) -> None:
    from PIL.PngImagePlugin import PngInfo

    _check_free(path, _is_overlay)
    model = f"{prediction.model} {prediction.model_version}"
    facts = PngInfo()
    facts.add_text("Software", _SOFTWARE)
    facts.add_text("Description", f"Evidence of {model}. Research use only.")
    try:
        with replacing(path) as partial:
            # Level 1 takes a third of the time of the default for a tenth more bytes.
            image.save(partial, format="PNG", pnginfo=facts, compress_level=1)
    except OSError as error:
        raise _explain_failure(path, error) from error


def _write_svg(text: str, path: Path) -> None:
    _check_free(path, _is_own_svg)
    _write_whole(path, text)


def _write_whole(path: Path, data: bytes | str) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise _explain_failure(path, error) from error


def _check_free(path: Path, is_own: Callable[[Path], bool]) -> None:
    if path.exists() and not is_own(path):
        raise HilumError(
            f"{path} is in the way of an overlay and was not made by hilum; it is left as it is."
        )


def _explain_failure(path: Path, error: OSError) -> HilumError:
    reason = error.strerror or "the disk refused it"
    return HilumError(f"The overlay {path} cannot be written: {reason}.")


def _is_overlay(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.info.get("Software") == _SOFTWARE
    except (OSError, ValueError):
        return False


def _is_own_svg(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _SVG_MARK in file.read(256)
    except OSError:
        return False


def _is_own_pdf(path: Path) -> bool:
    try:
        return _PDF_MARK.search(path.read_bytes()) is not None
    except OSError:
        return False
