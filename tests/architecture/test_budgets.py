"""The budgets hold, and each of them finds what was planted."""

from pathlib import Path

import pytest

from tests.architecture import budgets, lifts
from tests.architecture.tree import PRODUCT, REPOSITORY, Source, join, read_sources, write_tree

FILE_LINES = 400
TEST_FILE_LINES = 600
FUNCTION_LINES = 60
SHORT_FUNCTION_LINES = 40
SHORT_FUNCTION_SHARE = 0.9
PARAMETERS = 5


@pytest.fixture(scope="module")
def product() -> list[Source]:
    return read_sources(REPOSITORY, PRODUCT)


@pytest.fixture(scope="module")
def everything(product: list[Source]) -> list[Source]:
    return [*product, *read_sources(REPOSITORY, ["tests", "docs"])]


def plant(root: Path, text: str, *, path: str = "service/planted.py") -> list[Source]:
    return read_sources(write_tree(root, {path: text}), [path.partition("/")[0]])


def test_there_is_something_to_measure(product: list[Source]) -> None:
    assert {source.path.partition("/")[0] for source in product} >= {
        "labeling",
        "models",
        "eval",
        "training",
        "service",
    }


def test_files_stay_short(product: list[Source]) -> None:
    found = budgets.remaining(budgets.long_files(product, limit=FILE_LINES), lifts.LONG_FILES)
    assert not found, join(found)


def test_test_files_stay_short() -> None:
    found = budgets.long_files(read_sources(REPOSITORY, ["tests"]), limit=TEST_FILE_LINES)
    assert not found, join([finding.text for finding in found])


def test_long_file_is_found(tmp_path: Path) -> None:
    assert budgets.long_files(plant(tmp_path, "x = 1\n" * 401), limit=FILE_LINES)
    assert not budgets.long_files(plant(tmp_path, "x = 1\n" * 400), limit=FILE_LINES)


def test_functions_stay_short(everything: list[Source]) -> None:
    found = budgets.remaining(budgets.long_functions(everything, limit=FUNCTION_LINES), lifts.LONG_FUNCTIONS)
    assert not found, join(found)


def test_long_function_is_found(tmp_path: Path) -> None:
    body = "class Planted:\n    async def work(self) -> None:\n" + "        x = 1\n" * 60
    assert [one.key for one in budgets.long_functions(plant(tmp_path, body), limit=60)] == ["service/planted.py: work"]
    assert not budgets.long_functions(plant(tmp_path, body), limit=61)


def test_nine_functions_in_ten_are_short(product: list[Source]) -> None:
    assert budgets.share_of_short_functions(product, limit=SHORT_FUNCTION_LINES) >= SHORT_FUNCTION_SHARE


def test_share_of_short_functions_counts_the_long_ones(tmp_path: Path) -> None:
    long_one = "def long() -> None:\n" + "    x = 1\n" * 40
    planted = plant(tmp_path, long_one + "def short() -> None:\n    x = 1\n" * 3)
    assert budgets.share_of_short_functions(planted, limit=40) == pytest.approx(0.75)


def test_public_functions_take_few_parameters(product: list[Source]) -> None:
    found = budgets.remaining(budgets.wide_functions(product, limit=PARAMETERS), lifts.WIDE_FUNCTIONS)
    assert not found, join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def wide(a: int, b: int, *, c: int, d: int, e: int, f: int) -> None: ...", 1),
        ("def fits(a: int, b: int, *, c: int, d: int, e: int) -> None: ...", 0),
        ("def _private(a, b, c, d, e, f) -> None: ...", 0),
        ("class A:\n    def __init__(self, a, b, c, d, e, f) -> None: ...", 1),
        ("class A:\n    def method(self, a, b, c, d, e) -> None: ...", 0),
        ("class A:\n    @staticmethod\n    def method(a, b, c, d, e, f) -> None: ...", 1),
        ("@router.get('/x')\nasync def handler(a, b, c, d, e, f) -> None: ...", 0),
        ("@lru_cache(maxsize=1)\ndef wide(a, b, c, d, e, *f) -> None: ...", 1),
    ],
)
def test_wide_function_is_found(tmp_path: Path, text: str, expected: int) -> None:
    assert len(budgets.wide_functions(plant(tmp_path, text), limit=PARAMETERS)) == expected


def test_only_named_places_catch_everything(product: list[Source]) -> None:
    found = budgets.remaining(budgets.broad_excepts(product), lifts.MAY_CATCH_EVERYTHING)
    assert not found, join(found)


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("except Exception:", ["service/planted.py: inner"]),
        ("except (OSError, BaseException) as error:", ["service/planted.py: inner"]),
        ("except:", ["service/planted.py: inner"]),
        ("except OSError:", []),
    ],
)
def test_broad_except_is_found(tmp_path: Path, clause: str, expected: list[str]) -> None:
    text = f"def outer() -> None:\n    def inner() -> None:\n        try:\n            x()\n        {clause}\n            y()\n"
    assert [finding.key for finding in budgets.broad_excepts(plant(tmp_path, text))] == expected


def test_clean_up_that_raises_again_is_no_broad_except(tmp_path: Path) -> None:
    text = "def work() -> None:\n    try:\n        x()\n    except BaseException:\n        y()\n        raise\n"
    assert not budgets.broad_excepts(plant(tmp_path, text))
    assert budgets.broad_excepts(
        plant(tmp_path, text.replace("        y()\n        raise", "        raise\n        y()"))
    )


def test_no_first_party_import_inside_a_function(everything: list[Source]) -> None:
    found = budgets.remaining(budgets.late_imports(everything), lifts.LATE_IMPORTS)
    assert not found, join(found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from labeling.records import x", 1),
        ("import models.bundle", 1),
        ("import torch", 0),
        ("from json import x", 0),
    ],
)
def test_late_import_is_found(tmp_path: Path, line: str, expected: int) -> None:
    assert (
        len(budgets.late_imports(plant(tmp_path, f"def late() -> None:\n    if True:\n        {line}\n"))) == expected
    )
    assert not budgets.late_imports(plant(tmp_path, line))


def test_stores_are_private_and_routes_ask_rules(product: list[Source]) -> None:
    # Benchmarks may measure single statements, so only the service is asked.
    service = [source for source in product if source.path.startswith("service/")]
    found = [finding.text for finding in budgets.foreign_stores(service)]
    assert not found, join(found)


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("service/cases/workflow.py", "from service.cases import store", 0),
        ("service/cases/workflow.py", "from service.media import store", 1),
        ("service/cases/workflow.py", "from service.media.store import find", 1),
        ("service/cases/routes.py", "from service.cases import store", 1),
        ("service/worker.py", "import service.cases.store", 1),
        ("service/worker.py", "from service.cases import workflow", 0),
    ],
)
def test_foreign_store_is_found(tmp_path: Path, path: str, line: str, expected: int) -> None:
    assert len(budgets.foreign_stores(plant(tmp_path, line, path=path))) == expected


def test_sql_stands_in_stores(product: list[Source]) -> None:
    found = budgets.remaining(budgets.scattered_sql(product), lifts.SQL_OUTSIDE_STORES)
    assert not found, join(found)


def test_scattered_sql_is_found(tmp_path: Path) -> None:
    line = "from sqlalchemy import Row, text"
    assert len(budgets.scattered_sql(plant(tmp_path, line, path="service/cases/workflow.py"))) == 1
    assert not budgets.scattered_sql(plant(tmp_path / "other", line, path="service/cases/store.py"))


def test_every_function_says_what_it_returns(everything: list[Source]) -> None:
    found = [finding.text for finding in budgets.missing_return_types(everything)]
    assert not found, join(found)


def test_missing_return_type_is_found(tmp_path: Path) -> None:
    planted = plant(tmp_path, "class A:\n    def method(self): ...\n\ndef typed() -> None: ...\n")
    assert [finding.key for finding in budgets.missing_return_types(planted)] == ["service/planted.py: method"]


def test_package_files_exist_and_are_empty(everything: list[Source]) -> None:
    found = [*budgets.filled_inits(everything), *budgets.missing_inits(REPOSITORY, [*PRODUCT, "tests"])]
    assert not found, join([finding.text for finding in found])


def test_filled_and_missing_package_files_are_found(tmp_path: Path) -> None:
    write_tree(tmp_path, {"service/__init__.py": "import os\n", "service/cases/store.py": ""})
    assert [finding.key for finding in budgets.filled_inits(read_sources(tmp_path, ["service"]))] == [
        "service/__init__.py"
    ]
    assert not budgets.missing_inits(tmp_path, ["service"])
    (tmp_path / "service/cases/__init__.py").unlink()
    assert [finding.key for finding in budgets.missing_inits(tmp_path, ["service"])] == ["service/cases"]


def test_a_lift_takes_off_its_finding_and_a_stale_one_is_reported() -> None:
    finding = budgets.Finding("service/long.py", "service/long.py: 500 lines")
    assert budgets.remaining([finding], {}) == [finding.text]
    assert budgets.remaining([finding], {"service/long.py": "a table"}) == []
    assert len(budgets.remaining([], {"service/long.py": "a table"})) == 1


def test_every_lift_has_a_reason() -> None:
    tables = [value for name, value in vars(lifts).items() if name.isupper()]
    assert all(len(reason.split()) >= 4 for table in tables for reason in table.values())
