"""What reads documents back in tests: poppler's tools and LibreOffice, found on the machine, else installed.

`python -m tests.papers` installs what is missing and prints where it is.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

# A tool with the package of Debian and Ubuntu that it comes in. Writer alone, without a screen: 49 packages, no more.
TOOLS = {
    "pdfinfo": "poppler-utils",
    "pdftotext": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "soffice": "libreoffice-writer-nogui",
}


LONGEST_SECONDS = 600


class NoToolError(RuntimeError):
    """A tool is missing and could not be installed; the message says what to do."""


def ensure(name: str) -> Path:
    """Where a tool is, installed by the system's packages if need be. Raises NoToolError."""
    found = shutil.which(name)
    if found is None:
        _install_with_apt(TOOLS[name])
        found = shutil.which(name)
    if found is None:
        raise NoToolError(f"{name} is not on the path and could not be installed: install {TOOLS[name]}")
    return Path(found)


def _install_with_apt(package: str) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another process of the tests may be at it: then wait for it, and find all there.
    waiting = ["-o", f"DPkg::Lock::Timeout={LONGEST_SECONDS}", "-qq"]
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["apt-get", *waiting, *arguments],
                env=environment,
                stdout=subprocess.DEVNULL,
                check=False,
                timeout=LONGEST_SECONDS,
            )


def pages_of(pdf: Path) -> int:
    """How many pages a PDF has."""
    return int(_told(ensure("pdfinfo"), pdf).partition("Pages:")[2].split()[0])


def text_of(pdf: Path) -> str:
    """What a PDF says, in the order in which it is read."""
    return _told(ensure("pdftotext"), "-raw", pdf, "-")


def drawn(pdf: Path, folder: Path) -> list[Path]:
    """Its pages as pictures."""
    subprocess.run([ensure("pdftoppm"), "-r", "40", "-gray", pdf, folder / "page"], check=True, capture_output=True)
    return sorted(folder.glob("page*.pgm"))


def converted(document: Path, folder: Path) -> Path:
    """A document of Word as PDF, by LibreOffice with a profile of its own; takes seconds."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    arguments: list[str | Path] = [
        ensure("soffice"),
        profile,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        folder,
        document,
    ]
    subprocess.run(arguments, check=True, capture_output=True, timeout=120)
    return folder / f"{document.stem}.pdf"


def _told(*arguments: str | Path) -> str:
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60).stdout


if __name__ == "__main__":
    print(*sorted({str(ensure(name)) for name in TOOLS}), sep="\n")
