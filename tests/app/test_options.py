from __future__ import annotations

import pytest

from hilum.app.options import PageOptions, format_options, parse_options


@pytest.mark.parametrize("model", [None, "hilum-efficientnet-lite0", "./a b/model.json", "-odd"])
def test_page_reads_what_the_launcher_wrote(model: str | None) -> None:
    options = PageOptions(model=model)
    assert parse_options(format_options(options)) == options
