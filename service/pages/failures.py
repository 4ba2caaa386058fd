"""What a page says when it cannot be shown: what happened, what to do now, and where to go."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.pages.language import N_


@dataclass(frozen=True, slots=True)
class Failure:
    """Words for one status. `retries` is after how many seconds the page tries again by itself; 0 is never."""

    title: str
    happened: str
    advice: tuple[str, ...]
    retries: int = 0


_OTHER = Failure(
    N_("This did not work"),
    N_("The service understood the request and could not answer it."),
    (N_("Go back and try once more."), N_("If it happens again, tell your administrator the code below.")),
)
FAILURES: Mapping[int, Failure] = {
    401: Failure(
        N_("Please sign in again"),
        N_("Your session has ended, or this browser has none."),
        (N_("Sign in; you come back to where you were."), N_("Drafts of cases are kept.")),
    ),
    403: Failure(
        N_("This page is not for your role"),
        N_("You are signed in, and your role does not include this page."),
        (
            N_("The menu above holds every page that your role includes."),
            N_("If you need this one for your work, ask an administrator for another role."),
        ),
    ),
    404: Failure(
        N_("There is no such page"),
        N_("Nothing is at this address, or it is not yours to see."),
        (
            N_("Check the address for a letter too many or too few."),
            N_("A case that was passed to a restricted queue is shown only to those who work there."),
        ),
    ),
    409: Failure(
        N_("This has changed meanwhile"),
        N_("Somebody else was faster, or the time for it is over. Nothing was lost."),
        (N_("Go back and load the page anew to see how it stands now."),),
    ),
    422: Failure(
        N_("This address cannot be understood"),
        N_("A part of it is not what the page expects."),
        (N_("Go back and choose again, instead of writing the address by hand."),),
    ),
    429: Failure(
        N_("Too much at once"),
        N_("The service has more to do than it can at this moment. Nothing was lost."),
        (N_("Wait a little: the page tries again by itself."),),
        retries=10,
    ),
    500: Failure(
        N_("Something went wrong here"),
        N_("This is a fault of the service and not yours. It is in the log."),
        (N_("Try once more."), N_("If it happens again, tell your administrator the code and the time below.")),
    ),
    503: Failure(
        N_("The service is not ready"),
        N_("It is starting, or its database cannot be reached. Nothing that was saved is lost."),
        (N_("You need do nothing: this page comes back as soon as the service answers."),),
        retries=5,
    ),
}


def failure_of(status: int) -> Failure:
    """The words for that status."""
    return FAILURES.get(status, _OTHER)


# Why somebody is asked to sign in, by the value of `why` in the address.
SIGN_IN_REASONS: Mapping[str, str] = {
    "signed-out": N_("You are signed out. Your drafts are kept."),
    "ended": N_(
        "Your session has ended, so please sign in again. Your drafts are kept, and you come back to where you were."
    ),
    "idle": N_(
        "You were signed out because nothing was done for a while. Your drafts are kept, and you come back to where you were."
    ),
}
