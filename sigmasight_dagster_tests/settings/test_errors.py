"""Settings in a wrong form: one line with the variable, the form and an example, not pydantic's own text."""

import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings import Settings


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("SIGMASIGHT_DIVIDEND_YIELDS", '{"KO":3.1,"X":0.5}', "KO: 3.1 is wrong"),
        ("SIGMASIGHT_DIVIDEND_YIELDS", '{"KO":0.031,"X":-0.5}', "X: -0.5 is wrong"),
        ("SIGMASIGHT_DIVIDEND_YIELDS", "KO=0.031", 'as SIGMASIGHT_DIVIDEND_YIELDS={"KO": 0.031}'),
        ("SIGMASIGHT_DIVIDEND_YIELDS", '{"KO":"3%"}', "KO: '3%' is wrong"),
        (
            "SIGMASIGHT_DIVIDEND_MODEL",
            "cash",
            "give one of yield, escrowed, as SIGMASIGHT_DIVIDEND_MODEL=yield",
        ),
        ("SIGMASIGHT_DIVIDEND_YIELD", "3.1", "give a number from 0 to 1, as SIGMASIGHT_DIVIDEND_YIELD=0.04"),
        (
            "SIGMASIGHT_CASH_INTEREST_SPREAD",
            "0.5%",
            "give a number from 0 to 0.2, as SIGMASIGHT_CASH_INTEREST_SPREAD=0.005",
        ),
        ("SIGMASIGHT_CASH_INTEREST_SPREAD", "-0.01", "give a number from 0 to 0.2"),
        ("SIGMASIGHT_CASH_BORROW_SPREAD", "1.5", "from 0 to 0.5, as SIGMASIGHT_CASH_BORROW_SPREAD=0.015"),
        ("SIGMASIGHT_PROVIDER", "yahoo", "give one of sample, files, simulated, live"),
        ("SIGMASIGHT_START_DATE", "31.1.2024", "give a date YYYY-MM-DD, as SIGMASIGHT_START_DATE=2024-01-31"),
        (
            "SIGMASIGHT_PRICE_SOURCES",
            "yahoo,bloomberg",
            "give a comma-separated list, each one of yahoo, fred",
        ),
        ("SIGMASIGHT_SECRETS_DIR", "/nowhere", "is no folder; make it"),
        ("SIGMASIGHT_DB_PORT", "80", "give a whole number"),
        ("SIGMASIGHT_SMTP_STARTTLS", "perhaps", "give true or false"),
    ],
)
def test_one_line_names_the_variable_the_form_and_an_example(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, told: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(InputError) as error:
        Settings()
    said = str(error.value)
    assert said.startswith(f"{variable}: ")
    assert told in said
    assert "\n" not in said
    assert "pydantic" not in said.lower()
    assert "http" not in said


def test_symbols_of_dividend_yields_are_spelled_as_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMASIGHT_DIVIDEND_YIELDS", '{" ko ":0.031,"brk.b":0}')
    assert Settings().dividend_yields == {"KO": 0.031, "BRK-B": 0.0}


def test_cash_earns_and_costs_nothing_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().cash_terms.none
    monkeypatch.setenv("SIGMASIGHT_CASH_BORROW_SPREAD", "0")
    terms = Settings().cash_terms
    assert (terms.interest_spread, terms.borrow_spread, terms.none) == (None, 0.0, False)
