"""The page of banks of known pictures: what they are, how they do, and changing them."""

from functools import partial

from fastapi import APIRouter, Request, Response

from labeling.statistics.estimate import MIN_ITEMS
from labeling.taxonomy import Taxonomy
from service.banks.workflow import banks
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.security import BanksManager

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = ((("A",), N_("Make a bank")), (("?",), N_("Show these keys")), (("G",), N_("Go to the console")))


@router.get("/banks")
async def page(request: Request, me: BanksManager, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    context = {
        **await bar(connection, me),
        "banks": (await banks(connection)).banks,
        "label": partial(views.label_name, taxonomy),
        "areas": taxonomy.areas,
        "least": MIN_ITEMS,
        "most_bytes": request.app.state.settings.body_max_bytes,
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("banks.html", context)
