"""Pictures that are no chest film, from packages on the public index and from a random seed.

What the input gate is judged on, never what it learns from. A package that is not installed
leaves its pictures out; :data:`PACKAGES` says which package brings which group.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PACKAGES = {
    "photograph": "scikit-image scikit-learn matplotlib",
    "text": "scikit-image matplotlib",
    "figure": "matplotlib",
    "noise": "",
    "CT slice": "pydicom pydicom-data",
    "MR slice": "nilearn nibabel pydicom pydicom-data matplotlib",
    "other medical": "pydicom-data scikit-image",
}

_PHOTOGRAPHS = [
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "clock_motion",
    "coffee",
    "coins",
    "color",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "moon",
    "motorcycle_left",
    "motorcycle_right",
    "rocket",
]
_CT_FILES = ("CT_small.dcm", "693_UNCR.dcm", "eCT_Supplemental.dcm")
_MR_FILES = ("MR_small.dcm", "MR2_UNCR.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm", "emri_small.dcm")
_OTHER_FILES = ("RG3_UNCR.dcm", "US1_UNCR.dcm", "OBXXXX1A.dcm", "color3d_jpeg_baseline.dcm")
_WORDS = "film of the day was read twice and no other change can be seen since then so we wait"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the bytes of a PNG file, and the group it is counted in."""

    group: str
    name: str
    data: bytes


def collect_pictures(crops: int = 8) -> Iterator[Picture]:
    """Give every picture that the installed packages allow.

    Parameters
    ----------
    crops
        Random parts of each photograph beside the whole.
    """
    yield from _collect_photographs(crops)
    yield from _collect_text()
    yield from _collect_figures()
    yield from _collect_noise()
    yield from _collect_volume_slices()
    for group, names in (
        ("CT slice", _CT_FILES),
        ("MR slice", _MR_FILES),
        ("other medical", _OTHER_FILES),
    ):
        yield from _collect_dicom(group, names)


def cut_slices(
    volume: NDArray[Any],
    group: str,
    name: str,
    count: int = 30,
    limits: tuple[float, float] | None = None,
) -> Iterator[Picture]:
    """Cut ``count`` slices along each axis of a volume, upright as far as the axes tell."""
    low, high = limits or (float(volume.min()), float(np.percentile(volume, 99.8)))
    for axis in range(3):
        size = volume.shape[axis]
        for at in np.unique(np.linspace(0.2 * size, 0.8 * size, count).astype(int)):
            plane = np.rot90(np.take(volume, at, axis=axis)).astype(np.float64)
            yield encode(group, f"{name}/{axis}/{at}", (plane - low) / (high - low))


def encode(group: str, name: str, pixels: NDArray[Any]) -> Picture:
    """Make a grey picture of grey or RGB values in [0, 1].

    The reader refuses a coloured picture by itself; the gate has to tell it without colour.
    """
    stored = np.round(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(stored).convert("L").save(buffer, format="PNG", compress_level=1)
    return Picture(group, name, buffer.getvalue())


def _find(package: str, *parts: str) -> Path | None:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent.joinpath(*parts)
    return path if path.exists() else None


def _collect_photographs(crops: int) -> Iterator[Picture]:
    paths = []
    if folder := _find("skimage", "data"):
        paths += [next(folder.glob(f"{name}.*")) for name in _PHOTOGRAPHS]
    if folder := _find("sklearn", "datasets", "images"):
        paths += sorted(folder.glob("*.jpg"))
    if folder := _find("matplotlib", "mpl-data", "sample_data"):
        paths += [folder / "grace_hopper.jpg", folder / "Minduka_Present_Blue_Pack.png"]
    rng = np.random.default_rng(0)
    for path in paths:
        yield from cut_crops(path, "photograph", crops, rng)
    if (folder := _find("skimage", "data")) is not None:
        for index, face in enumerate(np.load(folder / "lfw_subset.npy")[:100]):
            yield encode("photograph", f"face {index}", face)


def cut_crops(path: Path, group: str, crops: int, rng: np.random.Generator) -> Iterator[Picture]:
    """Give a picture file whole, and random parts of it."""
    whole = np.asarray(Image.open(path).convert("RGB")) / 255.0
    yield encode(group, path.name, whole)
    height, width = whole.shape[:2]
    for index in range(crops):
        share = rng.uniform(0.25, 0.8)
        rows, columns = max(int(height * share), 16), max(int(width * share), 16)
        top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
        part = whole[top : top + rows, left : left + columns]
        yield encode(group, f"{path.name}/{index}", part)


def _collect_text() -> Iterator[Picture]:
    if folder := _find("skimage", "data"):
        for name in ("page.png", "text.png"):
            yield Picture("text", name, (folder / name).read_bytes())
    fonts = _find("matplotlib", "mpl-data", "fonts", "ttf")
    rng = np.random.default_rng(1)
    words = _WORDS.split()
    for index in range(60):
        dark = bool(index % 2)
        page = Image.new("L", (700, 900), 15 if dark else 240)
        draw = ImageDraw.Draw(page)
        size = int(rng.integers(14, 70))
        font = (
            ImageFont.load_default(size)
            if fonts is None
            else ImageFont.truetype(fonts / "DejaVuSans.ttf", size)
        )
        for line in range(int(rng.integers(1, 900 // size))):
            text = " ".join(rng.choice(words, 14))
            draw.text((20, 10 + line * size * 1.3), text, fill=240 if dark else 20, font=font)
        yield encode("text", f"page {index}", np.asarray(page) / 255.0)


def _collect_figures() -> Iterator[Picture]:
    if _find("matplotlib") is None:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rng = np.random.default_rng(2)
    for index in range(40):
        figure = Figure(figsize=(5, 5), dpi=80)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        values = rng.normal(size=60).cumsum()
        if index % 4 == 0:
            axes.plot(values)
        elif index % 4 == 1:
            axes.bar(range(12), np.abs(values[:12]))
        elif index % 4 == 2:
            axes.scatter(values[:30], values[30:])
        else:
            axes.contourf(np.add.outer(np.sin(values / 3), np.cos(values / 4)))
        canvas.draw()  # type: ignore[no-untyped-call]
        drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        yield encode("figure", f"figure {index}", drawn[..., :3] / 255.0)


def _collect_noise() -> Iterator[Picture]:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:256, 0:256] / 255.0
    for index in range(20):
        yield encode("noise", f"uniform {index}", rng.random((256, 256)))
        yield encode("noise", f"normal {index}", 0.5 + 0.15 * rng.normal(size=(256, 256)))
        yield encode("noise", f"cloud {index}", make_cloud(rng, rng.uniform(0.6, 2.2)))
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.cos(angle) * x + np.sin(angle) * y
        yield encode("noise", f"ramp {index}", (ramp - ramp.min()) / np.ptp(ramp))
        waves = np.sin(2 * np.pi * rng.uniform(1, 20) * ramp)
        yield encode("noise", f"waves {index}", 0.5 + 0.5 * waves)
        constant = np.full((256, 256), rng.random()) + 0.004 * rng.normal(size=(256, 256))
        yield encode("noise", f"flat {index}", constant)


def make_cloud(rng: np.random.Generator, slope: float, side: int = 256) -> NDArray[np.float64]:
    """Draw noise whose amplitude falls with the frequency to the power of ``slope``."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.maximum(np.hypot(down, across), 1.0 / side)
    spectrum = np.fft.rfft2(rng.normal(size=(side, side))) / radius**slope
    cloud = np.fft.irfft2(spectrum, s=(side, side))
    low, high = np.percentile(cloud, (0.5, 99.5))
    return np.asarray((cloud - low) / (high - low))


def _collect_volume_slices() -> Iterator[Picture]:
    folder = _find("nilearn", "datasets", "data")
    if folder is not None and _find("nibabel") is not None:
        import nibabel  # type: ignore[import-not-found,unused-ignore]

        path = folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
        yield from cut_slices(np.asarray(nibabel.load(path).dataobj), "MR slice", "MNI")
    path_or_none = _find("matplotlib", "mpl-data", "sample_data", "s1045.ima.gz")
    if path_or_none is not None:
        values = np.frombuffer(gzip.decompress(path_or_none.read_bytes()), np.uint16).reshape(
            256, 256
        )
        yield encode("MR slice", "s1045", values / values.max())


def _collect_dicom(group: str, names: tuple[str, ...]) -> Iterator[Picture]:
    """Give DICOM pixels as a PNG: the header, which would tell at once, is left out."""
    if _find("pydicom") is None:
        return
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    for name in names:
        path = get_testdata_file(name, download=False)
        if path is None:
            continue
        dataset = dcmread(path)
        frames = dataset.pixel_array.astype(np.float64)
        if dataset.get("NumberOfFrames", 1) in (None, 1):
            frames = frames[None]
        if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
            frames = frames.max() - frames
        for index, frame in enumerate(frames[:: max(1, len(frames) // 10)]):
            low, high = np.percentile(frame, (0.5, 99.5))
            scaled = (frame - low) / max(high - low, 1e-6)
            yield encode(group, f"{name}/{index}", scaled)
