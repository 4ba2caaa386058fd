"""The one call to a translation service: bounded in time and size, without redirects, to an address that was looked at.

The contract: `POST` of `{"text", "source", "target"}` (source null where unknown; languages as BCP 47 codes) with
`Authorization: Bearer` where a key is set; 200 with `{"text"}`. docs/translation.md says it for those who write one.
"""

import asyncio
import json
import socket
from dataclasses import dataclass
from ipaddress import ip_address

import httpx

from service.errors.translation import TranslationFailedError

MOST_CHARACTERS = 20_000
# A translation is seldom twice as long; JSON may need twelve bytes for one character.
MOST_ANSWERED = 80_000
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Translator:
    """Where texts are sent to. `private` allows addresses of one's own network, and plain HTTP to them."""

    url: httpx.URL
    key: str | None
    seconds: float
    private: bool

    async def translate(self, text: str, *, source: str | None, target: str) -> str:
        """The text in the target language. Raises TranslationFailedError."""
        try:
            async with asyncio.timeout(self.seconds):
                return _said(await self._ask({"text": text, "source": source, "target": target}))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TranslationFailedError(
                f"the translation service did not answer within {self.seconds:g} seconds; try again, or decide without it"
            ) from error
        except (httpx.HTTPError, OSError) as error:
            raise TranslationFailedError("the translation service cannot be reached; try again in a moment") from error

    async def _ask(self, body: dict[str, str | None]) -> bytes:
        address = await self._address()
        # Nothing packed: a few bytes of that could unpack to more than there is room for.
        headers = {"Host": self.url.netloc.decode(), "Accept": "application/json", "Accept-Encoding": "identity"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        # To the very address that was looked at: asked again, the name could say another one.
        url, told = self.url.copy_with(host=address), {"sni_hostname": self.url.host}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=self.seconds) as client,
            client.stream("POST", url, json=body, headers=headers, extensions=told) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise TranslationFailedError(f"the translation service answered {answer.status_code}")
            read = bytearray()
            async for part in answer.aiter_raw():
                read += part
                if len(read) > MOST_BYTES:
                    raise TranslationFailedError(f"the translation service answered more than {MOST_BYTES:,} bytes")
            return bytes(read)

    async def _address(self) -> str:
        port = self.url.port or (443 if self.url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(self.url.host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        if not self.private and not all(ip_address(one).is_global for one in addresses):
            raise TranslationFailedError(
                "the translation service lies in a private network, which TRIAGE_TRANSLATION_PRIVATE has to allow"
            )
        return addresses[0]


def _said(answer: bytes) -> str:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise TranslationFailedError("the translation service did not answer with JSON") from error
    text = said.get("text") if isinstance(said, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise TranslationFailedError("the translation service answered without a text")
    if len(text) > MOST_ANSWERED:
        raise TranslationFailedError(f"the translation service answered more than {MOST_ANSWERED:,} characters")
    # Half of a pair that stands for one sign, as text cut in the wrong place has it, cannot be written.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
