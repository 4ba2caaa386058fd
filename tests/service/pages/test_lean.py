"""Scripts and styles go out without what only people read, and mean the same."""

import re

import httpx
import pytest

from service.pages.static import FOLDER, lean, static_prefix

OURS = sorted(one.name for one in FOLDER.iterdir() if one.suffix in (".js", ".css"))


@pytest.mark.parametrize("suffix", [".js", ".css"])
def test_nothing_but_comments_and_indentation_is_left_out(suffix: str) -> None:
    for name in (one for one in OURS if one.endswith(suffix)):
        text, sent = (FOLDER / name).read_text(encoding="utf-8"), lean(name)
        # A text that goes on over lines could hold what looks like a comment, or mean its indentation.
        assert all(line.count("`") % 2 == 0 for line in text.splitlines()), f"{name}: a template over several lines"
        assert not re.search(r"""["'][^"'\n]*/\*""", text) or suffix == ".js", f"{name}: a comment inside a text"
        comments = r"/\*.*?\*/" if suffix == ".css" else r"(?m)^\s*//.*$"
        assert re.sub(r"\s", "", sent) == re.sub(
            r"\s", "", re.sub(comments, "", text, flags=re.DOTALL if suffix == ".css" else 0)
        )
        assert len(sent) < len(text)


async def test_a_file_is_served_lean_and_no_other_by_its_name(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{static_prefix()}/case.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text == lean("case.js")
    assert "immutable" in answer.headers["cache-control"]
    assert (await client.get(f"{static_prefix()}/style.css")).headers["content-type"].startswith("text/css")
    assert (await client.get(f"{static_prefix()}/{'a' * 300}.js")).status_code == 404
    for path in ("../static.py", "vendor/../../static.py", "nothing.js", "vendor"):
        assert lean(path) == ""
