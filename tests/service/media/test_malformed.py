"""Broken files of every format and the known bombs, through the real renderer and its processes."""

from pathlib import Path

from service.media.renderer import Renderer
from service.settings import Settings
from tests.service.media.fuzz import MOST_MEMORY, Outcome, feed, memory
from tests.service.media.mutations import BOMBS, GOOD, bombs, mutated

FILES = 200


async def test_no_broken_file_costs_a_process_or_hangs(tmp_path: Path) -> None:
    renderer = Renderer(Settings(data_dir=tmp_path))
    outcome = Outcome()
    try:
        await feed(bombs("image"), {"image": renderer.render}, outcome)
        await feed(mutated("image", seed=1, count=FILES), {"image": renderer.render}, outcome)
        assert memory(renderer) < MOST_MEMORY
    finally:
        await renderer.close()
    assert [(file.name, reason) for file, reason in outcome.findings] == []
    assert outcome.ends.total() == FILES + len(BOMBS["image"])
    # Of each end there is something, or the files would not try what they are meant to.
    assert set(outcome.ends) == {"rendered", "media_too_large", "unreadable_media", "unsupported_media"}


async def test_good_files_are_good(tmp_path: Path) -> None:
    renderer = Renderer(Settings(data_dir=tmp_path))
    try:
        for make in GOOD["image"].values():
            assert (await renderer.render(make())).derivatives
    finally:
        await renderer.close()


def test_the_same_seed_gives_the_same_files() -> None:
    first, again, other = (list(mutated("image", seed=seed, count=40)) for seed in (1, 1, 2))
    assert first == again
    assert len({one.data for one in first + other}) > 70
