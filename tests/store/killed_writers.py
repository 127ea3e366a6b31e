"""Writes to a journal until someone ends it: ``python killed_writers.py PLACE COUNT SOURCE``.

What is printed has been acknowledged: the journal has said that it is kept.
"""

from __future__ import annotations

import sys

from factories.journals import make_prediction, make_spec
from hilum.store import open_journal


def main() -> None:
    place, count, source = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    prediction, spec = make_prediction(warnings=["lossy"]), make_spec()
    with open_journal(place) as journal:
        print("open", flush=True)
        for number in range(count):
            told = journal.record(prediction, spec=spec, source=source, latency_ms=number)
            print(told.id, flush=True)


if __name__ == "__main__":
    main()
