"""One film from Kaggle: kagglehub itself, against a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from factories.datasets import draw_texture, encode_jpeg
from hilum.data import published
from hilum.data.fetch_film import PUBLIC_FILMS, fetch_film
from hilum.errors import DatasetError, MissingExtraError

FILM = PUBLIC_FILMS[0]
# kagglehub leaves its socket to the collector where a request failed.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Kaggle(ThreadingHTTPServer):
    """Answers as Kaggle does, as far as kagglehub asks for one file."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answer: bytes = encode_jpeg(draw_texture(np.random.default_rng(0)))
        self.status = 200
        self.asked: list[str] = []
        self.silent = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Kaggle

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.silent.is_set():
            threading.Event().wait(2.0)
        if self.path.endswith("GetDataset"):
            self._send(200, "application/json", b'{"currentVersionNumber": 2}')
            return
        self.server.asked.append(request["fileName"])
        self._send(self.server.status, "image/jpeg", self.server.answer)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            return  # who asked has given up

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kaggle]:
    pytest.importorskip("kagglehub")
    from kagglesdk import kaggle_env

    server = Kaggle()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, url)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_film_that_was_named_comes(kaggle: Kaggle) -> None:
    assert fetch_film(FILM) == kaggle.answer
    assert kaggle.asked == [f"chest_xray/{FILM.path}"]
    # The second time it lies in Kaggle's cache.
    assert fetch_film(FILM) == kaggle.answer
    assert len(kaggle.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"<html>Sign in</html>", "cannot be read as a film"), (b"", "cannot be read as a film")],
)
def test_what_is_no_film_is_refused(kaggle: Kaggle, answer: bytes, reason: str) -> None:
    kaggle.answer = answer
    with pytest.raises(DatasetError, match=reason) as caught:
        fetch_film(FILM)
    assert "synthetic film" in str(caught.value)


def test_a_film_whose_digest_is_known_is_compared(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        published, "_read_facts", lambda: {"published_sha256": {FILM.name: "0" * 64}}
    )
    with pytest.raises(DatasetError, match="is not that film"):
        fetch_film(FILM)


def test_a_refusal_names_its_status_and_the_way_out(kaggle: Kaggle) -> None:
    kaggle.status = 403
    with pytest.raises(DatasetError, match="403") as caught:
        fetch_film(FILM)
    assert "kaggle.com" in str(caught.value)


def test_no_network_is_told(kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    from kagglesdk import kaggle_env

    monkeypatch.setitem(
        kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, "http://127.0.0.1:9"
    )
    with pytest.raises(DatasetError, match="cannot be reached") as caught:
        fetch_film(FILM)
    assert "synthetic film" in str(caught.value)


def test_a_network_that_swallows_everything_is_not_waited_for(kaggle: Kaggle) -> None:
    kaggle.silent.set()
    with pytest.raises(DatasetError, match="did not answer within 0 s"):
        fetch_film(FILM, patience_s=0.2)


def test_without_kagglehub_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "kagglehub", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[lab\]"):
        fetch_film(FILM)


@pytest.mark.data
def test_the_films_are_of_the_official_test_part(dataset: Path) -> None:
    for film in PUBLIC_FILMS:
        assert (dataset / "chest_xray" / film.path).is_file()
