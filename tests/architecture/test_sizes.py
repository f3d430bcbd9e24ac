"""Sizes follow from clear rooms; nothing is cut in two for them."""

from tests.harness.sources import Function, Source, length, ninety_fifth, product_sources, sources_of_tests

_PRODUCT, _TESTS = product_sources(), sources_of_tests()


def _functions(sources: tuple[Source, ...]) -> list[tuple[str, Function]]:
    return [(f"{source.at(found)} {found.name}", found) for source in sources for found in source.functions()]


def _parameters(function: Function) -> int:
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in given if argument.arg not in {"self", "cls"}])


def test_no_file_is_longer_than_350_lines_and_no_test_file_than_500() -> None:
    assert [f"{one.path}: {one.lines} lines" for one in _PRODUCT if one.lines > 350] == []
    assert [f"{one.path}: {one.lines} lines" for one in _TESTS if one.lines > 500] == []


def test_95_of_100_files_have_at_most_250_lines() -> None:
    assert ninety_fifth([source.lines for source in _PRODUCT]) <= 250


def test_no_function_is_longer_than_40_lines_and_no_test_than_60() -> None:
    assert [f"{place}: {length(one)} lines" for place, one in _functions(_PRODUCT) if length(one) > 40] == []
    assert [f"{place}: {length(one)} lines" for place, one in _functions(_TESTS) if length(one) > 60] == []


def test_95_of_100_functions_have_at_most_25_lines() -> None:
    assert ninety_fifth([length(one) for _, one in _functions(_PRODUCT)]) <= 25


def test_no_function_takes_more_than_6_parameters() -> None:
    assert [place for place, one in _functions(_PRODUCT) if _parameters(one) > 6] == []
