"""How long a tile for the lens takes, from the call to its bytes and through the rendering process: an absolute figure."""

import asyncio
import random
import statistics
import tempfile
from pathlib import Path

from bench.blur_vs_pillow import photo_of
from bench.measure import Result, hardware, say
from service.media.blurring import PLAIN_SIDE
from service.media.renderer import Renderer
from service.settings import Settings

NAME = "lens_tile_p95_ms"
WARM = 5


def run(*, quick: bool) -> Result:
    """The 95th percentile over places drawn at random on a plain derivative of the largest size."""
    times = 25 if quick else 500
    say(f"{NAME}: {times} tiles")
    plain = photo_of(PLAIN_SIDE, PLAIN_SIDE * 3 // 4)
    taken = sorted(asyncio.run(_tiles(plain, times))[WARM:])
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(0.99 * (len(taken) - 1))], 2),
        "times": len(taken),
        "plain_bytes": len(plain),
    }
    return Result(NAME, taken[int(0.95 * (len(taken) - 1))], "ms", detail | hardware())


async def _tiles(plain: bytes, times: int) -> list[float]:
    chance, taken = random.Random(1), []
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        renderer = Renderer(Settings(data_dir=Path(folder)))
        for _ in range(times):
            started = loop.time()
            await renderer.lens(plain, chance.random(), chance.random())
            taken.append(1000 * (loop.time() - started))
        await renderer.close()
    return taken
