"""Routes that carry the load: a plain call goes past the framework's way of finding arguments."""

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class PlainRoute(APIRoute):
    """Answers what is plain by itself, since finding the arguments costs the framework as much as the work itself.

    The same workflow is called with what the dependencies would have given it. Whatever is not plain, and whatever is wrong
    with a call, takes the usual way: what is refused, and in which words, is said in one place.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await self.plain(request) or await usual(request)

        return answer

    @abstractmethod
    async def plain(self, request: Request) -> Response | None:
        """The answer to a plain call; None for any other, of which nothing must have been done or read for good."""
