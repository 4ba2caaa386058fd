"""Every view and every column says what it means, and the documents say the same."""

from service.db import create_engine
from service.scorecards.figures import FIGURES, NOTES
from service.scorecards.workflow import views_page
from tests.architecture.tree import REPOSITORY
from tests.service.scorecards.world import World


async def test_the_page_of_views_is_made_from_the_database(database: str) -> None:
    engine = create_engine(database, pool=1)
    async with engine.connect() as connection:
        page = await views_page(connection)
    await engine.dispose()
    written = (REPOSITORY / "docs/sql-views.md").read_text(encoding="utf-8")
    assert written == page, "docs/sql-views.md is behind the database: python -m service views > docs/sql-views.md"


def test_no_view_and_no_column_is_without_a_meaning(world: World) -> None:
    found = world.rows("""
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace
          AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)
    """)
    assert found == []


def test_every_figure_is_documented_with_its_view_word_for_word(world: World) -> None:
    page = (REPOSITORY / "docs/scorecards.md").read_text(encoding="utf-8")
    views = {row["viewname"] for row in world.rows("SELECT viewname FROM pg_views WHERE schemaname = 'public'")}
    for one in FIGURES:
        assert f"| {one.title} | {one.definition} | `{one.view}` |" in page, one.name
        assert one.view in views, one.name
    assert all(note in page for note in NOTES)
