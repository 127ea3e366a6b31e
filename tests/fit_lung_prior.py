"""Learn the prior of ``hilum.anatomy``: ``python tests/fit_lung_prior.py DATA``.

DATA is the folder that holds ``chest_xray``. Every seventh normal film of its training part is
used; the file that is shipped is written anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import hilum.anatomy
from hilum.anatomy.lungs import fit_prior
from hilum.data import read_dataset
from hilum.io import read_radiograph

SIDE = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    root, films = read_dataset(parser.parse_args().data)
    normal = [film for film in films if film.part == "train" and film.label == 0][::7]
    prior = fit_prior(read_radiograph(root / film.path).pixels for film in normal)
    coarse = np.asarray(Image.fromarray(prior).resize((SIDE, SIDE), Image.Resampling.BOX))
    target = Path(hilum.anatomy.__file__).with_name("lung_prior.npz")
    with target.open("wb") as file:
        np.savez_compressed(file, logit=coarse.astype(np.float16))
    print(f"{target.name}: {len(normal)} films, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
