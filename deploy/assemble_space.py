"""Put the files of a Hugging Face Space into one folder, ready to be uploaded.

    python deploy/assemble_space.py dist/hilum-0.1.0-py3-none-any.whl build/space

The folder holds all that the Space installs apart from what the pins name: the wheel of hilum,
with its models. So a Space can show a hilum that no package index has.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_WHEEL = re.compile(r"hilum-[^-]+-py3-none-any\.whl")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


def assemble_space(wheel: Path, out: Path, models: Sequence[str] = ()) -> list[Path]:
    """Write the Space's files into ``out``, a new or empty folder; give their paths.

    Parameters
    ----------
    models
        Ids of the models' repositories on the hub, for the front matter.

    Raises
    ------
    ValueError
        ``wheel`` is not one of hilum, ``out`` holds something, or an id is none.
    """
    if not (_WHEEL.fullmatch(wheel.name) and wheel.is_file()):
        raise ValueError(f"{wheel} is no wheel of hilum. Make one with: make build")
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty.")
    wrong = [name for name in models if not _MODEL.fullmatch(name)]
    if wrong:
        raise ValueError(f'{wrong[0]} is no id of a model, such as "hospital/hilum".')
    out.mkdir(parents=True, exist_ok=True)
    space = ROOT / "deploy" / "space"
    shutil.copyfile(space / "Dockerfile", out / "Dockerfile")
    shutil.copyfile(ROOT / "constraints" / "app.txt", out / "constraints.txt")
    shutil.copyfile(wheel, out / wheel.name)
    card = (space / "README.md").read_text(encoding="utf-8")
    (out / "README.md").write_text(_name_models(card, models), encoding="utf-8")
    return sorted(out.iterdir())


def _name_models(card: str, models: Sequence[str]) -> str:
    """Add ``models`` to the front matter, which stands between two lines of dashes."""
    start, front, body = card.split("---\n", 2)
    if models:
        front += "models:\n" + "".join(f"  - {name}\n" for name in models)
    return f"{start}---\n{front}---\n{body}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Put the files of a Space into one folder.")
    parser.add_argument("wheel", type=Path, help="the wheel that `make build` wrote")
    parser.add_argument("out", type=Path, help="a new or empty folder")
    parser.add_argument("--model", action="append", default=[], help="id of a model on the hub")
    options = parser.parse_args(arguments)
    try:
        paths = assemble_space(options.wheel, options.out, options.model)
    except ValueError as error:
        sys.exit(f"assemble_space: {error}")
    for path in paths:
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
