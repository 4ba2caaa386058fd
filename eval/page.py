"""A report as one HTML page that needs nothing else: style and drawings inside, light and dark, no script."""

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from eval.charts import ChartError, charts
from eval.sections import Json, sections

PageError = ChartError


def page(report: Json) -> str:
    """The whole page. Raises PageError where charts cannot be drawn."""
    # The drawings are ours, their texts escaped by the library that makes them.
    drawn = {
        section: [(caption, Markup(svg)) for caption, svg in every]  # noqa: S704
        for section, every in charts(report).items()
    }
    environment = Environment(loader=PackageLoader("eval"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    summary, *rest = sections(report)
    return environment.get_template("report.html").render(report=report, summary=summary, sections=rest, charts=drawn)
