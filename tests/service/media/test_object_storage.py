"""Media in an object store: the same promises as on a disk, and a clear word when the store does not keep its own."""

import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from service.errors.media import StorageUnavailableError
from service.media import storage as module
from service.media.storage import CHUNK, LocalStorage, S3Storage, Storage, StoredFile, open_storage
from service.settings import Settings, SettingsError
from tests.conftest import bearer, client_of, running_app
from tests.service.media.buckets import BUCKET, Bucket, running
from tests.service.media.pictures import jpeg

PART = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with running() as bucket:
        yield bucket


@pytest.fixture
def bucket(server: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    # The least that object stores take as a part, and little patience.
    monkeypatch.setattr(module, "_PART", PART)
    monkeypatch.setattr(module, "_REPEATS", 2)
    monkeypatch.setattr(module, "_PAUSE", timedelta(milliseconds=5))
    monkeypatch.setattr(module, "_LONGEST_PAUSE", timedelta(milliseconds=10))
    server.asked.clear()
    yield server
    server.fails = lambda _method, _path: None


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A place in the bucket of the test's own."""
    return re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def stored(bucket: Bucket, prefix: str, tmp_path: Path) -> Storage:
    return open_storage(Settings(data_dir=tmp_path, media_storage=f"s3://{BUCKET}/{prefix}/media"))


async def read(file: StoredFile | None) -> bytes:
    assert file is not None
    data = b"".join([chunk async for chunk in file.chunks])
    assert len(data) == file.length
    return data


@pytest.fixture(params=["folder", "bucket"])
def either(request: pytest.FixtureRequest, bucket: Bucket, prefix: str, tmp_path: Path) -> Storage:
    return LocalStorage(tmp_path) if request.param == "folder" else S3Storage(BUCKET, prefix)


async def test_what_is_put_can_be_read_whole_and_in_pieces(either: Storage, tmp_path: Path) -> None:
    await either.check()
    data = os.urandom(CHUNK + 100)
    name = await either.put(data)
    digest = hashlib.sha256(data).hexdigest()
    assert name == f"{digest[:2]}/{digest[2:4]}/{digest}"
    assert await read(await either.open(name)) == data
    for start, length, wanted in (
        (0, 1, data[:1]),
        (10, None, data[10:]),
        (CHUNK - 1, 2, data[CHUNK - 1 : CHUNK + 1]),
        (-7, None, data[-7:]),
        (-10_000_000, None, data),
        (5, 10_000_000, data[5:]),
        (len(data), None, b""),
        (10_000_000, 3, b""),
    ):
        file = await either.open(name, start, length)
        assert file is not None
        assert file.size == len(data)
        assert (await read(file), file.start) == (
            wanted,
            len(data) - len(wanted) if start < 0 else min(start, len(data)),
        )
    path = tmp_path / "clip"
    path.write_bytes(data)
    assert await either.put(path) == name
    handle = BytesIO(data)
    handle.seek(5)
    assert await either.put(handle) == name
    assert not handle.closed
    assert await read(await either.open(await either.put(b""))) == b""


async def test_what_is_removed_is_gone(either: Storage) -> None:
    name = await either.put(b"picture")
    await either.remove(name)
    assert await either.open(name) is None
    await either.remove(name)
    with pytest.raises(ValueError, match="not the name"):
        await either.remove("../secret.key")


async def test_what_is_missing_is_told(either: Storage) -> None:
    there, gone = await either.put(b"picture"), await either.put(b"other")
    await either.remove(gone)
    assert await either.missing([there, gone]) == [gone]
    assert await either.missing([]) == []
    await either.tidy()
    assert await either.missing([there]) == []


async def test_objects_lie_under_the_prefix_and_are_sent_once(bucket: Bucket, stored: Storage, prefix: str) -> None:
    name = await stored.put(b"picture")
    assert await stored.put(b"picture") == name
    assert bucket.objects()[f"{prefix}/media/{name}"] == len(b"picture")
    assert [one.split()[0] for one in bucket.asked[:3]] == ["HEAD", "PUT", "HEAD"]
    with pytest.raises(ValueError, match="not the name"):
        await stored.open("../secret.key")


async def test_damaged_object_of_another_length_is_written_again(bucket: Bucket, stored: Storage, prefix: str) -> None:
    name = await stored.put(b"picture")
    bucket.overwrite(f"{prefix}/media/{name}", b"pic")
    await stored.put(b"picture")
    assert await read(await stored.open(name)) == b"picture"


async def test_large_file_is_sent_and_read_in_parts(bucket: Bucket, stored: Storage, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(os.urandom(PART + 1000))
    name = await stored.put(path)
    assert sum("partNumber" in one for one in bucket.asked) == 2
    assert await read(await stored.open(name)) == path.read_bytes()
    assert not bucket.unfinished()


async def test_store_that_stumbles_is_asked_again(bucket: Bucket, stored: Storage) -> None:
    stumbles = iter([503, 500])
    bucket.fails = lambda method, _path: next(stumbles, None) if method == "PUT" else None
    assert await read(await stored.open(await stored.put(b"picture"))) == b"picture"


async def test_upload_that_breaks_in_the_middle_leaves_no_object(
    bucket: Bucket, stored: Storage, tmp_path: Path
) -> None:
    path = tmp_path / "clip"
    path.write_bytes(os.urandom(PART + 1001))
    bucket.fails = lambda _method, query: 503 if "partNumber=2" in query else None
    before = bucket.objects()
    with pytest.raises(StorageUnavailableError):
        await stored.put(path)
    assert bucket.objects() == before
    bucket.fails = lambda _method, _path: None
    assert await read(await stored.open(await stored.put(path))) == path.read_bytes()


async def test_reading_that_breaks_in_the_middle_is_no_shorter_file(bucket: Bucket, stored: Storage) -> None:
    name = await stored.put(os.urandom(PART + 1002))
    file = await stored.open(name)
    assert file is not None
    assert len(await anext(file.chunks)) == CHUNK
    bucket.fails = lambda _method, _path: 500
    with pytest.raises(StorageUnavailableError):
        [chunk async for chunk in file.chunks]
    with pytest.raises(StorageUnavailableError):
        await stored.open(name)
    with pytest.raises(StorageUnavailableError):
        await stored.remove(name)


async def test_object_that_vanishes_or_shrinks_while_it_is_read(bucket: Bucket, stored: Storage, prefix: str) -> None:
    name = await stored.put(b"picture")
    shrunk, vanished = await stored.open(name), await stored.open(name)
    assert shrunk is not None
    assert vanished is not None
    bucket.overwrite(f"{prefix}/media/{name}", b"pic")
    with pytest.raises(StorageUnavailableError, match="less"):
        await anext(shrunk.chunks)
    await stored.remove(name)
    with pytest.raises(StorageUnavailableError, match="vanished"):
        await anext(vanished.chunks)


async def test_bucket_that_is_not_there_stops_the_start(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="no such bucket") as refused:
        await S3Storage("holiday", "").check()
    assert "'holiday'" in str(refused.value)
    bucket.fails = lambda _method, _path: 403
    with pytest.raises(SettingsError, match="PermissionDenied"):
        await S3Storage(BUCKET, "").check()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SettingsError, match="AWS_ENDPOINT_URL") as refused:
        await S3Storage(BUCKET, "").check()
    assert "secret" not in str(refused.value)


async def test_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file")
    with pytest.raises(SettingsError, match=r"TRIAGE_MEDIA_STORAGE.*File exists"):
        await LocalStorage(tmp_path / "media").check()


@pytest.mark.parametrize(
    "address",
    [
        "gs://bucket/x",
        "media",
        "/var/media",
        "file://host/media",
        "file:///",
        "s3:///prefix",
        "s3://",
        "http://[x/",
        "",
    ],
)
def test_other_addresses_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match=r"file:///folder or s3://bucket/prefix"):
        open_storage(Settings(data_dir=tmp_path, media_storage=address))


@pytest.mark.parametrize(
    "address", ["s3://id:very-secret@bucket/x", "s3://bucket/x?secret=very-secret", "s3://bucket#k"]
)
def test_credentials_in_an_address_are_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="AWS_") as refused:
        open_storage(Settings(data_dir=tmp_path, media_storage=address))
    assert "very-secret" not in str(refused.value)


async def test_folder_by_address(tmp_path: Path) -> None:
    folder = tmp_path / "some where"
    stored = open_storage(Settings(data_dir=tmp_path, media_storage=folder.as_uri()))
    name = await stored.put(b"picture")
    assert (folder / name).read_bytes() == b"picture"


@pytest.fixture
async def on_s3(bucket: Bucket, prefix: str, settings: Settings, taxonomy: Taxonomy) -> AsyncIterator[FastAPI]:
    """The application with its media in the bucket."""
    changed = settings.model_copy(update={"media_storage": f"s3://{BUCKET}/{prefix}"})
    async with running_app(changed, taxonomy) as app:
        yield app


async def test_the_service_keeps_its_media_in_a_bucket(
    on_s3: FastAPI, bucket: Bucket, keys: dict[str, str], settings: Settings
) -> None:
    async with client_of(on_s3) as caller:
        files = {"file": ("a.jpg", jpeg(), "image/jpeg")}
        answer = await caller.post("/v1/media", files=files, headers=bearer(keys["platform"]))
        assert answer.json()["status"] == "ready"
        preview = f"/v1/media/{answer.json()['media_id']}/preview?level=4"
        shown = await caller.get(preview, headers=bearer(keys["reviewer"]))
        assert (shown.status_code, shown.headers["content-length"]) == (200, str(len(shown.content)))
        assert not (settings.data_dir / "media").exists()
        bucket.fails = lambda _method, _path: 503
        refused = await caller.post("/v1/media", files=files, headers=bearer(keys["platform"]))
        assert (refused.status_code, refused.json()["error"]) == (503, "storage_unavailable")
        gone = await caller.get(preview, headers=bearer(keys["reviewer"]))
        assert (gone.status_code, gone.json()["error"]) == (503, "storage_unavailable")
