"""The folder of mails: whatever lies there is taken in exactly once, however often and wherever the process is killed.

A file is claimed by renaming it into `taking/`, taken in by one transaction that knows the message by its hash, and then
renamed into `done/` under that hash. Killed before the commit, it is taken up again after a while; killed behind it, it is
known. What cannot be read goes to `failed/` with a `.why` beside it. Names are unique wherever a file is put.
"""

import asyncio
import hashlib
import os
import time
from pathlib import Path
from stat import S_ISREG
from uuid import UUID, uuid4

import structlog

from service.errors.base import TriageError
from service.intake.mails.workflow import Office, account, take_mail

log = structlog.get_logger()

# Of one round; more wait for the next.
AT_ONCE = 20
# Whoever writes a file under its last name may still be writing.
SETTLED_SECONDS = 2.0
# So long after it was claimed, whoever claimed it is dead.
CLAIMED_SECONDS = 120.0
ATTEMPTS = 5
NAME_CHARACTERS = 100


class MailDrop:
    """Takes in the mails of a folder."""

    def __init__(
        self, office: Office, folder: Path, *, settled: float = SETTLED_SECONDS, claimed: float = CLAIMED_SECONDS
    ) -> None:
        self._office = office
        self._folder = folder
        self._taking, self._done, self._failed = (folder / name for name in ("taking", "done", "failed"))
        self._settled = settled
        self._claimed = claimed

    async def step(self) -> int:
        """Take in what lies there; how many files were looked at."""
        paths = await asyncio.to_thread(self._waiting)
        if paths:
            async with self._office.engine.begin() as connection:
                by = await account(connection, self._office.settings.mail_account)
            for path in paths:
                await self._take(path, by)
        return len(paths)

    def _waiting(self) -> list[Path]:
        for folder in (self._taking, self._done, self._failed):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = time.time()
        found: list[tuple[float, Path]] = []
        for folder, age in ((self._folder, self._settled), (self._taking, self._claimed)):
            for path in folder.glob("*.eml"):
                try:
                    state = path.lstat()
                except FileNotFoundError:
                    continue
                # Links could lead anywhere.
                if S_ISREG(state.st_mode) and now - state.st_mtime >= age:
                    found.append((state.st_mtime, path))
        return [path for _, path in sorted(found)[:AT_ONCE]]

    async def _take(self, path: Path, by: UUID) -> None:
        attempt, name = _attempt(path, claimed=path.parent == self._taking)
        claimed = self._taking / f"{attempt}.{uuid4()}.{name}"
        try:
            # From now on others leave it alone, before and after it has its new name.
            os.utime(path)
            path.rename(claimed)
        except FileNotFoundError:
            return  # Another worker was faster.
        if attempt > ATTEMPTS:
            self._give_up(claimed, name, f"it was tried {ATTEMPTS} times and never came to an end")
            return
        if claimed.stat().st_size > self._office.settings.mail_max_bytes:
            self._give_up(claimed, name, f"it has more than {self._office.settings.mail_max_bytes:,} bytes, the limit")
            return
        raw = await asyncio.to_thread(claimed.read_bytes)
        try:
            taken = await take_mail(raw, self._office, by=by)
        except TriageError as error:
            if error.status < 500:
                self._give_up(claimed, name, error.detail)
            else:
                # Nothing is wrong with the mail: it waits where it came from, under a name that nobody else uses.
                claimed.rename(self._folder / f"{uuid4()}.{name}")
                log.warning("mail.waits", why=error.code)
            return
        claimed.rename(self._done / f"{hashlib.sha256(raw).hexdigest()}.eml")
        log.info("mail.taken", outcome=taken.outcome, number=taken.number, again=taken.again)

    def _give_up(self, claimed: Path, name: str, why: str) -> None:
        """Put a file where somebody finds it, with the reason there first."""
        place = self._failed / f"{uuid4()}.{name}"
        place.with_name(f"{place.name}.why").write_text(f"{why}\n", encoding="utf-8")
        claimed.rename(place)
        log.error("mail.failed", why=why)


def _attempt(path: Path, *, claimed: bool) -> tuple[int, str]:
    """Which attempt this is, and the name that the file came with."""
    if not claimed:
        return 1, path.name[-NAME_CHARACTERS:]
    number, _, rest = path.name.partition(".")
    return (int(number) if number.isdecimal() else ATTEMPTS) + 1, rest.partition(".")[2] or path.name
