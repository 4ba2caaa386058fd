"""Charts: where points lie, what is said of them, gaps, and that a label can never be markup."""

import pytest

from service.pages.charts import HEIGHT, POINTS_MOST, WIDTH, Look, Point, line_chart, nice, nice_time
from service.pages.rendering import render
from tests.service.pages.test_pages import HOSTILE


def test_a_line_reaches_from_end_to_end_and_its_highest_point_fits() -> None:
    chart = line_chart("Open", [Point("09:00", 0), Point("10:00", 50), Point("11:00", 100)])
    assert chart.line == f"M0 {HEIGHT:g} L{WIDTH / 2:g} {HEIGHT / 2:g} L{WIDTH:g} 0"
    assert chart.area == f"{chart.line} V{HEIGHT:g} H0 Z"
    assert (chart.top, chart.first, chart.last, chart.now) == ("100", "09:00", "11:00", "100")
    assert chart.words == "From 09:00 to 11:00: lowest 0, highest 100, last 100."
    assert [one.words for one in chart.hovers] == ["09:00: 0", "10:00: 50", "11:00: 100"]


def test_what_is_unknown_is_a_gap_and_a_point_alone_is_a_dot() -> None:
    chart = line_chart("Share", [Point("a", 0.5), Point("b", None), Point("c", 0.25)], Look(top=1.0))
    assert chart.line == ""
    assert chart.dots == f"M0 {HEIGHT / 2:g}h0 M{WIDTH:g} {HEIGHT * 0.75:g}h0"
    assert [row[1] for row in chart.rows] == ["0.5", "–", "0.25"]
    assert line_chart("Share", [Point("a", 0.5), Point("b", None)]).now == "–"
    nothing = line_chart("Share", [Point("a", None), Point("b", None)])
    assert (nothing.line, nothing.dots, nothing.words) == ("", "", "Nothing is known yet.")
    assert line_chart("Share", []).words == "Nothing is known yet."


def test_a_band_runs_along_the_upper_ends_and_back_along_the_lower() -> None:
    points = [Point("a", 0.5, 0.25, 0.75), Point("b", 0.5, 0.5, 1.0)]
    chart = line_chart("Share", points, Look(top=1.0))
    assert chart.band == f"M0 15 L{WIDTH:g} 0 L{WIDTH:g} 30 L0 45 Z"
    assert chart.rows[0] == ("a", "0.5", "0.25 to 0.75")
    assert chart.has_intervals


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.01, 2), (2.2, 2.5), (3, 5), (7, 10), (126, 200), (0.03, 0.05), (100000, 1e5)]
)
def test_an_axis_ends_at_a_number_that_one_can_read(value: float, top: float) -> None:
    assert nice(value) == pytest.approx(top)


@pytest.mark.parametrize(
    ("seconds", "top"), [(0, 1), (31, 60), (61, 120), (5000, 7200), (86_401, 172_800), (8 * 86_400, 864_000)]
)
def test_an_axis_of_times_ends_at_a_span_that_one_says(seconds: float, top: float) -> None:
    assert nice_time(seconds) == top


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        line_chart("Open", [Point("a", 1)] * (POINTS_MOST + 1))


def test_labels_are_text() -> None:
    chart = line_chart(HOSTILE[0], [Point(HOSTILE[0], 1, 0, 2), Point("b", 2, 1, 3)], Look(csv="/x.csv"))
    context = {"charts": [("a", chart, HOSTILE[0])], "days": [], "filters": [], "back": "", "problem": None}
    page = bytes(render("scorecards_trend.html", context).body).decode()
    assert "<script>alert" not in page
    assert page.count('role="img"') == 1
    assert 'href="/x.csv"' in page
