"""Drawn films as DICOM files that say, in their header and on the film, that they show nobody."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hilum.errors import MissingExtraError
from hilum.synthesis.fields import Planes

WORDS = "SYNTHETIC"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
_LETTERS_PX = 13


def letter_film(pixels: Planes) -> Planes:
    """Write the word SYNTHETIC into the lower left corner: a picture of the film keeps it."""
    font = ImageFont.load_default(_LETTERS_PX)
    width_px = round(font.getlength(WORDS)) + 8
    label = Image.new("L", (width_px, _LETTERS_PX + 6), 16)
    ImageDraw.Draw(label).text((4, 2), WORDS, fill=225, font=font)
    lettered = pixels.copy()
    lettered[-label.height :, :width_px] = np.asarray(label, dtype=np.float32) / np.float32(255.0)
    return lettered


def encode_film(pixels: Planes, *, name: str, description: str) -> bytes:
    """Give a film as a file: Secondary Capture, 8 bits, JPEG-LS without loss.

    Parameters
    ----------
    pixels
        float32, shape (H, W), in [0, 1], bright is dense.
    name
        Of the film, in ASCII letters; stands where a patient's would. The same name gives the
        same unique identifiers.
    description
        How the film was made, up to 1,024 letters.

    Raises
    ------
    MissingExtraError
        pydicom is not installed.

    Source: PS3.3 A.8.1; "SYN", a synthetic image, is a conversion type of PS3.3 C.8.6.1.
    """
    try:
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import UID, generate_uid
    except ImportError as error:
        raise MissingExtraError("samples", "write films as DICOM") from error
    stored = np.round(np.clip(pixels, 0.0, 1.0) * np.float32(255.0)).astype(np.uint8)
    film = Dataset()
    film.SOPClassUID = UID(_SECONDARY_CAPTURE)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(film, keyword, generate_uid(entropy_srcs=["hilum", name, keyword]))
    film.ImageType = ["DERIVED", "SECONDARY"]
    film.ConversionType = "SYN"
    film.Modality = "CR"
    film.PatientName = f"SYNTHETIC^{name.upper()}"
    film.PatientID = f"SYNTHETIC-{name.upper()}"
    film.PatientBirthDate = film.PatientSex = ""
    film.StudyDate = film.StudyTime = film.AccessionNumber = film.ReferringPhysicianName = ""
    film.StudyID = film.PatientOrientation = ""
    film.SeriesNumber = film.InstanceNumber = 1
    film.BodyPartExamined = "CHEST"
    film.ViewPosition = "AP"
    film.BurnedInAnnotation = "NO"
    film.DerivationDescription = description
    film.ImageComments = "Synthetic film. It shows no patient."
    film.SamplesPerPixel = 1
    film.PhotometricInterpretation = "MONOCHROME2"
    film.Rows, film.Columns = stored.shape
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PixelRepresentation = 7, 0
    film.file_meta = FileMetaDataset()
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    film.compress(UID(_JPEG_LS_LOSSLESS), stored, generate_instance_uid=False)
    buffer = io.BytesIO()
    film.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
