"""The language in which somebody uses the console, kept in their browser as well as with their account.

Pages that are shown before anybody is known, and those that say that the database is gone, can only ask the browser.
"""

from fastapi import Request, Response

COOKIE = "triage_language"
SECONDS = 365 * 86_400


def keep_language(request: Request, response: Response, code: str) -> None:
    """Have this browser ask for that language from now on."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, code, max_age=SECONDS, httponly=True, samesite="lax", secure=secure)
