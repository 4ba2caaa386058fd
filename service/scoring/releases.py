"""What the registry's releases name, and which scorers serve: values to be replaced whole, so that a swap has no middle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labeling.taxonomy import Taxonomy
from models.bundle import check_taxonomy
from models.inference import OnnxScorer, Scorer
from models.registry import RELEASES, Part, Releases, Staged, open_stored, read_releases
from service.settings import Settings

# The API scores without a case, so a share of the cases or a shadow means nothing to it.
LIVE_ONLY: tuple[Part, ...] = ("live",)
ALL_PARTS: tuple[Part, ...] = ("live", "staged", "shadow")

# Texts before the first real one: they make onnxruntime allocate what it needs, and prove that the graph runs.
WARM_UP = ("ready", "ready " * 100)


@dataclass(frozen=True, slots=True)
class StagedScorer:
    """A scorer for a share of the cases."""

    scorer: Scorer
    release: Staged


@dataclass(frozen=True, slots=True)
class Serving:
    """The scorers at work. `shipped` says that the live one is the bundle of the settings, named by no release."""

    live: Scorer
    staged: StagedScorer | None = None
    shadow: Scorer | None = None
    shipped: bool = False

    def for_case(self, case_id: object) -> Scorer:
        """Who scores this case; the same answer whenever and wherever it is asked."""
        if self.staged is not None and self.staged.release.takes(str(case_id)):
            return self.staged.scorer
        return self.live

    def scorer_of(self, bundle: str) -> Scorer | None:
        """The loaded scorer of that bundle, if it serves in any part."""
        staged = self.staged.scorer if self.staged else None
        loaded = [one for one in (self.live, staged, self.shadow) if one is not None]
        return next((one for one in loaded if one.bundle_hash == bundle), None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bundle that shall play `part`: its hash, or None for the shipped one (live) or nobody (staged, shadow).

    `fallback` is only wanted where nothing serves yet.
    """

    part: Part
    named: str | None
    releases: Releases
    fallback: bool = False


class Registry:
    """The registry as one process watches it. All methods but `forget` read files: call them off the event loop."""

    def __init__(self, folder: Path, *, settings: Settings, taxonomy: Taxonomy) -> None:
        self._folder = folder
        self._settings = settings
        self._taxonomy = taxonomy
        self._seen: tuple[int, ...] | None = None
        self._looked = False
        self.releases = Releases()

    @property
    def seconds(self) -> float:
        """Pause between two looks."""
        return self._settings.registry_seconds

    @property
    def shipped(self) -> Wanted:
        """What to serve where the releases cannot be read and nothing serves yet."""
        return Wanted("live", None, Releases(), fallback=True)

    def news(self, parts: Sequence[Part]) -> list[Wanted]:
        """What shall serve in `parts`, the live bundle first; nothing while the releases are as they were last time.

        Raises RegistryError.
        """
        mark = self._mark()
        if self._looked and mark == self._seen:
            return []
        self._seen, self._looked = mark, True
        self.releases = releases = read_releases(self._folder)
        named = [Wanted(part, releases.bundle_of(part), releases) for part in parts if part != "live"]
        live = Wanted("live", releases.bundle_of("live"), releases)
        earlier = [Wanted("live", one, releases, fallback=True) for one in releases.earlier()]
        return [live, *earlier, *named]

    def forget(self) -> None:
        """Take whatever is found next for news."""
        self._looked = False

    def opened(self, bundle: str, loaded: Scorer | None) -> Scorer:
        """The scorer of a bundle whose files and verdict were verified just now; `loaded` where it is one already.

        Raises RegistryError, BundleError.
        """
        stored = open_stored(self._folder, bundle)
        return loaded or prepared(stored.folder, self._settings, self._taxonomy)

    def _mark(self) -> tuple[int, ...] | None:
        """What changes whenever `releases.json` is written anew, even with the same content."""
        try:
            found = (self._folder / RELEASES).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def registry_of(settings: Settings, taxonomy: Taxonomy) -> Registry | None:
    """The registry of the settings, if they name one."""
    if settings.registry is None:
        return None
    return Registry(settings.registry, settings=settings, taxonomy=taxonomy)


def prepared(folder: Path, settings: Settings, taxonomy: Taxonomy) -> Scorer:
    """Load, verify and warm up the bundle in `folder`. Raises BundleError."""
    scorer = OnnxScorer.load(folder, threads=settings.model_threads)
    check_taxonomy(scorer.bundle, taxonomy)
    scorer.score(WARM_UP)
    return scorer


def with_part(serving: Serving | None, wanted: Wanted, scorer: Scorer | None) -> Serving | None:
    """The same with `scorer` in the part that is wanted; None while there is no live scorer at all."""
    if wanted.part == "live":
        if scorer is None:
            return serving
        shipped = wanted.named is None
        return replace(serving, live=scorer, shipped=shipped) if serving else Serving(scorer, shipped=shipped)
    if serving is None:
        return None
    if wanted.part == "shadow":
        return replace(serving, shadow=scorer)
    release = wanted.releases.staged
    return replace(serving, staged=StagedScorer(scorer, release) if scorer and release else None)
