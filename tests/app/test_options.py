from __future__ import annotations

import pytest

from hilum.app.options import PageOptions, format_options, parse_options


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("journal", [None, "", "-odd.sqlite", "postgresql://u@h/n"])
@pytest.mark.parametrize("model", [None, "hilum-efficientnet-lite0", "./a b/model.json", "-odd"])
def test_page_reads_what_the_launcher_wrote(
    model: str | None, journal: str | None, shared: bool
) -> None:
    options = PageOptions(model=model, journal=journal, shared=shared)
    assert parse_options(format_options(options)) == options
