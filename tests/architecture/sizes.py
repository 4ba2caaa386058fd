"""What an install downloads: `python -m tests.architecture.sizes`, for the figures in README.md and the Makefile.

pip says which files it would fetch for this machine into an empty environment; nothing is downloaded or installed.
"""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from tests.architecture.tree import REPOSITORY

LOCKS = ("serving", "dev")
_PIP = ("-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes")


def files_of(lock: str) -> list[str]:
    """Addresses of the files that one of requirements/*.txt stands for."""
    asked = ["--report", "-", "-r", str(REPOSITORY / "requirements" / f"{lock}.txt")]
    told = subprocess.run([sys.executable, *_PIP, *asked], capture_output=True, text=True, check=True).stdout
    return [one["download_info"]["url"] for one in json.loads(told)["install"]]


def size_of(url: str) -> int:
    """Bytes of a file on an index or in a folder."""
    address = urlsplit(url)
    if address.scheme == "file":
        return Path(unquote(address.path)).stat().st_size
    return int(httpx.head(url, follow_redirects=True, timeout=60).raise_for_status().headers["content-length"])


def main() -> None:
    """Print the sum for each lock."""
    for lock in LOCKS:
        urls = files_of(lock)
        print(f"requirements/{lock}.txt: {len(urls)} files, {sum(map(size_of, urls)) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
