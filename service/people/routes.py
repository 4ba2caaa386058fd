"""HTTP of sign-in and accounts."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from service.db import UnitOfWork
from service.errors.access import InsecureConnectionError
from service.people import workflow
from service.people.interface import keep_language
from service.people.schemas import (
    AccountIn,
    AccountsOut,
    ConsentsIn,
    LanguageIn,
    MeOut,
    OneTimePasswordOut,
    PeopleQuery,
    PersonAddedOut,
    PersonChangeIn,
    PersonStandingOut,
    PrivilegedIn,
    ReviewerOut,
    RoleIn,
    SignInIn,
)
from service.security import PeopleManager, SignedIn, refuse_cross_site
from service.sessions import session_cookie, session_token

router = APIRouter(prefix="/v1", tags=["people"])


@router.post("/session", status_code=204, summary="Sign in")
async def sign_in(body: SignInIn, request: Request) -> Response:
    refuse_cross_site(request)
    state, cookie = request.app.state, session_cookie(request)
    if cookie.secure and request.headers.get("origin", "").startswith("http://"):
        raise InsecureConnectionError(
            "people sign in over HTTPS, except on the machine itself: put TLS in front of the service (docs/security.md)"
        )
    session = await workflow.sign_in(
        state.engine, body, hours=state.settings.session_hours, replaces=session_token(request)
    )
    response = Response(status_code=204)
    response.set_cookie(
        cookie.name,
        session.token,
        max_age=session.seconds,
        httponly=True,
        samesite="strict",
        secure=cookie.secure,
    )
    if session.language is not None:
        keep_language(request, response, session.language)
    return response


@router.delete("/session", status_code=204, summary="Sign out")
async def sign_out(
    request: Request,
    caller: SignedIn,
    connection: UnitOfWork,
    *,
    everywhere: Annotated[bool, Query(description="end every session of this person, on whatever device")] = False,
) -> Response:
    cookie = session_cookie(request)
    await workflow.sign_out(connection, caller, session_token(request), everywhere=everywhere)
    response = Response(status_code=204)
    response.delete_cookie(cookie.name, httponly=True, samesite="strict", secure=cookie.secure)
    return response


@router.get("/me", summary="Who am I")
async def me(caller: SignedIn, connection: UnitOfWork) -> MeOut:
    return await workflow.me(connection, caller)


@router.put("/me/consents", summary="Say which areas' pictures you agree to see; effective at once")
async def consent(body: ConsentsIn, request: Request, caller: SignedIn, connection: UnitOfWork) -> ReviewerOut:
    return await workflow.consent(connection, caller, body, taxonomy=request.app.state.taxonomy)


@router.put("/me/language", status_code=204, summary="Choose the language in which you use the console")
async def speak(body: LanguageIn, request: Request, caller: SignedIn, connection: UnitOfWork) -> Response:
    await workflow.speak(connection, caller, body.language)
    response = Response(status_code=204)
    keep_language(request, response, body.language)
    return response


@router.get("/people", summary="Accounts by name")
async def people(asked: Annotated[PeopleQuery, Query()], _caller: PeopleManager, connection: UnitOfWork) -> AccountsOut:
    return await workflow.people(connection, asked)


@router.post("/people", status_code=201, summary="Add a person or a machine account")
async def create(
    body: AccountIn, request: Request, response: Response, caller: PeopleManager, connection: UnitOfWork
) -> PersonAddedOut:
    response.headers["Cache-Control"] = "no-store"
    consenting = not request.app.state.settings.exposure_consent
    return await workflow.add_person(connection, body, caller=caller, consenting=consenting)


@router.get("/people/{username}", summary="What is known about a person: languages, vendor, site, cost")
async def standing(
    username: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")], _caller: PeopleManager, connection: UnitOfWork
) -> PersonStandingOut:
    return await workflow.standing(connection, username)


@router.patch("/people/{username}", summary="Change languages, skills, consents, vendor, site and cost of a person")
async def change(
    username: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")],
    body: PersonChangeIn,
    request: Request,
    caller: PeopleManager,
    connection: UnitOfWork,
) -> PersonStandingOut:
    taxonomy = request.app.state.taxonomy
    return await workflow.change_person(connection, username, body, actor=caller.id, taxonomy=taxonomy)


@router.put("/people/{username}/role", summary="Give a person another role; they have to sign in again")
async def change_role(
    username: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")],
    body: RoleIn,
    caller: PeopleManager,
    connection: UnitOfWork,
) -> PersonStandingOut:
    return await workflow.change_role(connection, username, body.role, caller=caller)


@router.put(
    "/people/{username}/privileged",
    status_code=204,
    summary="Let a person read what is asked and answered under legal privilege, or no longer; never oneself",
)
async def set_privileged(
    username: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")],
    body: PrivilegedIn,
    caller: PeopleManager,
    connection: UnitOfWork,
) -> Response:
    await workflow.set_privileged(connection, username, body, caller=caller)
    return Response(status_code=204)


@router.post("/people/{username}/password", summary="Give a person a password for one sign-in, shown this once")
async def reset_password(
    username: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")],
    response: Response,
    caller: PeopleManager,
    connection: UnitOfWork,
) -> OneTimePasswordOut:
    response.headers["Cache-Control"] = "no-store"
    return await workflow.reset_password(connection, username, caller=caller)


@router.delete("/people/{username}", status_code=204, summary="Close an account with its keys and sessions")
async def close(
    username: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")], caller: PeopleManager, connection: UnitOfWork
) -> Response:
    await workflow.close_person(connection, username, actor=caller.id)
    return Response(status_code=204)
