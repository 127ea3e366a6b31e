"""Read many damaged films in this process, and say what came of it.

Run by ``test_fuzz.py`` in a process of its own, since a decoder in C could take it down::

    PYTHONPATH=src:tests python tests/io/fuzz.py --count 2000 --seed 0

Every film has 5 s of processor time; the kernel ends the process when one takes longer, and the
last line printed names it. The summary is one JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import struct
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from factories.films import make_corpus
from hilum.errors import HilumError
from hilum.io import ReadLimits, read_radiograph

SECONDS_PER_FILM = 5
EXTREMES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00")
Mutate = Callable[[bytearray, random.Random], bytearray]


def flip_bytes(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data


def flip_header(data: bytearray, rng: random.Random) -> bytearray:
    # Past the preamble of a DICOM file, where its elements are.
    start = 132 if data[128:132] == b"DICM" else 0
    for _ in range(rng.choice((1, 2, 4, 8))):
        data[min(start + int(rng.expovariate(1 / 250)), len(data) - 1)] = rng.randrange(256)
    return data


def flip_codestream(data: bytearray, rng: random.Random) -> bytearray:
    marks = [at for mark in (b"\xff\xd8\xff", b"\xff\x4f\xff\x51") if (at := data.find(mark)) >= 0]
    start = rng.choice(marks) if marks else len(data) // 2
    for _ in range(rng.choice((1, 2, 4))):
        data[min(start + int(rng.expovariate(1 / 60)), len(data) - 1)] = rng.randrange(256)
    return data


def set_extreme(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(data))
    width = rng.choice((1, 2, 4))
    data[at : at + width] = rng.choice(EXTREMES)[:width]
    return data


def truncate(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def cut_out(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 7, 64, 500))]
    return data


def repeat_part(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(data))
    part = data[at : at + rng.choice((4, 16, 200))]
    data[at:at] = part * rng.choice((1, 2, 50))
    return data


def insert_noise(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice((1, 4, 300)))
    return data


def mend_png(data: bytearray) -> bytearray:
    """Set the checksums right, or every damaged PNG would stop at the first of them."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">L", data[at : at + 4])
        if at + 12 + length > len(data):
            break
        body = data[at + 4 : at + 8 + length]
        data[at + 8 + length : at + 12 + length] = struct.pack(">L", zlib.crc32(body))
        at += 12 + length
    return data


MUTATIONS: tuple[Mutate, ...] = (
    flip_bytes,
    flip_header,
    flip_header,
    flip_codestream,
    flip_codestream,
    set_extreme,
    truncate,
    cut_out,
    repeat_part,
    insert_noise,
)


def mutate(name: str, corpus: dict[str, bytes], rng: random.Random) -> bytes:
    data = bytearray(corpus[name])
    for _ in range(rng.choice((1, 1, 2))):
        if data:
            data = rng.choice(MUTATIONS)(data, rng)
    if rng.random() < 0.05:
        other = corpus[rng.choice(list(corpus))]
        data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other)) :]
    return bytes(mend_png(data) if name.endswith(".png") and rng.random() < 0.8 else data)


def measure_peak_mb() -> float:
    """Give the greatest resident memory of this process.

    ``ru_maxrss`` starts at what the parent held when it forked; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    scale = 1024 if sys.platform != "darwin" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def read_one(data: bytes) -> str:
    """Read a film and check it; give what came of it."""
    try:
        film = read_radiograph(data)
    except HilumError as error:
        message = str(error)
        assert message.isprintable(), "a message with bytes of the file in it"
        assert not {"SECRET-17", "Nora"} & set(message.split()), "a message names a patient"
        return type(error).__name__
    pixels = film.pixels
    assert pixels.dtype == np.float32
    assert pixels.ndim == 2
    assert pixels.size
    assert pixels.flags.c_contiguous
    assert not pixels.flags.writeable
    assert np.isfinite(pixels).all()
    assert 0 <= pixels.min() <= pixels.max() <= 1
    assert pixels.size <= ReadLimits().pixels
    return "Radiograph"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    warnings.simplefilter("error")
    corpus = {name: data for name, data in make_corpus().items() if options.only in name}
    names = sorted(corpus)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    outcomes: Counter[str] = Counter()
    for index in range(options.count):
        rng = random.Random(f"{options.seed}/{index}")
        name = names[index % len(names)]
        data = mutate(name, corpus, rng)
        print(f"{index} {name} {len(data)}", flush=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_FILM)
        outcomes[read_one(data)] += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps({"outcomes": outcomes, "peak_mb": measure_peak_mb()}))


if __name__ == "__main__":
    main()
