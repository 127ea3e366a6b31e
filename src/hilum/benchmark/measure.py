"""One side of the benchmark in a process of its own: films in, seconds out.

The process reads one JSON object a line and answers each with one. It is started fresh, so
its peak memory is that of one side alone::

    python -m hilum.benchmark.measure {hilum,gradcam} SETTINGS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Side(Protocol):
    """What is measured: a loaded model that answers one film at a time."""

    def answer(self, data: bytes, *, overlay: bool) -> dict[str, Any]:
        """Give logit, probability and heatmap, and the seconds that they took.

        ``seconds`` is from the file's bytes to probability and heatmap at the network's
        input size; ``overlay_seconds`` is the picture of both at the film's size, on top.
        """


class HilumSide:
    """hilum as its users have it: ONNX, no torch."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from hilum.decision import load_gate
        from hilum.inference import OnnxBackend
        from hilum.models.zoo import resolve_model
        from hilum.predictor import Predictor
        from hilum.spec import read_weights

        self.spec, folder = resolve_model(settings["model"])
        weights = read_weights(self.spec, folder)
        self.backend = OnnxBackend(self.spec, weights, threads=settings["threads"])
        self.gate = load_gate(self.spec, folder)
        self.predictor = Predictor(self.backend, self.gate)

    def answer(self, data: bytes, *, overlay: bool) -> dict[str, Any]:
        """See :class:`Side`."""
        start = perf_counter()
        # The gate is computed, and every film has an answer to compare.
        prediction = self.predictor.analyze(data, gate=False)
        heatmap = self._enlarge(prediction.evidence.values)
        seconds = perf_counter() - start
        reply: dict[str, Any] = {
            "logit": prediction.logit,
            "probability": prediction.probability,
            "heatmap": list(heatmap.shape),
            "seconds": seconds,
        }
        if overlay:
            start = perf_counter()
            prediction.overlay()
            reply["overlay_seconds"] = perf_counter() - start
            reply["stages"] = self._time_stages(data)
        return reply

    def _enlarge(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        # To the network's input size, as grad-cam does with its own map.
        import numpy as np
        from PIL import Image

        size = (self.spec.input.width_px, self.spec.input.height_px)
        return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR))

    def _time_stages(self, data: bytes) -> dict[str, float]:
        from hilum.io import read_radiograph
        from hilum.preprocess import normalize_film, resize_film

        start = perf_counter()
        radiograph = read_radiograph(data, recipe=self.spec.input.recipe)
        read = perf_counter()
        resized = resize_film(radiograph, self.spec.input)
        batch = normalize_film(resized, self.spec.input)
        prepared = perf_counter()
        self.backend.score(batch)
        scored = perf_counter()
        output = self.backend.run(batch)
        answered = perf_counter()
        stages = {
            "read": read - start,
            "preprocess": prepared - read,
            "bare_network": scored - prepared,
            "network": answered - scored,
        }
        if self.gate is not None:
            self.gate.find_reasons(resized, output.embedding[0])
            stages["gate"] = perf_counter() - answered
        # Both begin with a film that was read, and bring it to the network's size.
        began = perf_counter()
        self.predictor.explain(radiograph, "evidence")
        coarse = perf_counter()
        self.predictor.explain(radiograph, "evidence_fine")
        stages["evidence"] = coarse - began
        fine = perf_counter()
        stages["evidence_fine"] = fine - coarse
        self.predictor.analyze(radiograph, gate=False)
        plain = perf_counter()
        self.predictor.analyze(radiograph, gate=False, views="flip_shift")
        stages["plain_pass"] = plain - fine
        stages["flip_shift"] = perf_counter() - plain
        return stages


class GradCamSide:
    """torch and the library ``grad-cam``; see :mod:`hilum.benchmark.gradcam_script`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from hilum.benchmark.gradcam_script import GradCamModel

        self.model = GradCamModel(Path(settings["weights"]), settings, settings["threads"])

    def answer(self, data: bytes, *, overlay: bool) -> dict[str, Any]:
        """See :class:`Side`."""
        start = perf_counter()
        film, logit, probability, heatmap = self.model.analyze(data)
        seconds = perf_counter() - start
        reply: dict[str, Any] = {
            "logit": logit,
            "probability": probability,
            "heatmap": list(heatmap.shape),
            "seconds": seconds,
        }
        if overlay:
            start = perf_counter()
            self.model.draw(film, heatmap)
            reply["overlay_seconds"] = perf_counter() - start
        return reply


SIDES: dict[str, type[HilumSide] | type[GradCamSide]] = {
    "hilum": HilumSide,
    "gradcam": GradCamSide,
}


def read_peak_resident_bytes() -> int | None:
    """Give the most memory that this program ever held resident; ``None`` on Windows."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Not getrusage: on Linux that begins with what the parent held when it forked.
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss if sys.platform == "darwin" else peak_rss * 1024  # KiB but on macOS


def main() -> None:
    """Serve films until the input ends."""
    name, settings_path = sys.argv[1:]
    side: Side = SIDES[name](json.loads(Path(settings_path).read_text(encoding="utf-8")))
    _reply({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("peak"):
            _reply({"peak_resident_bytes": read_peak_resident_bytes()})
        else:
            data = Path(request["film"]).read_bytes()
            _reply(side.answer(data, overlay=request["overlay"]))


def _reply(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
