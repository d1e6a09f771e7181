"""The key of a pack section: the same for the same question in other words, another for another question."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from packengine.repository.answers import AnswerQuestion

OIDS = st.binary(min_size=20, max_size=20) | st.binary(min_size=32, max_size=32)
OID_LISTS = st.lists(OIDS, max_size=6)
INGREDIENTS: dict[str, st.SearchStrategy[Any]] = {
    "object_format": st.sampled_from(["sha1", "sha256"]),
    "wants": OID_LISTS,
    "haves": OID_LISTS,
    "shallow": OID_LISTS,
    "filters": st.lists(st.binary(max_size=12), max_size=3),
    "tags": OID_LISTS,
    "elsewhere": OID_LISTS,
    "thin": st.booleans(),
    "ofs_delta": st.booleans(),
    "level": st.integers(0, 9),
    "band_bytes": st.sampled_from([0, 1000, 65520]),
}
SETS = ("wants", "haves", "shallow", "tags", "elsewhere")
QUESTIONS = st.builds(AnswerQuestion, **INGREDIENTS)


def meaning(question: AnswerQuestion) -> tuple[object, ...]:
    """What may be compared instead of keys."""
    values = ((field.name, getattr(question, field.name)) for field in fields(question))
    return tuple(frozenset(value) if name in SETS else str(value) for name, value in values)


def changed(question: AnswerQuestion, name: str, value: Any) -> AnswerQuestion:
    return replace(question, **{name: value})


def test_every_ingredient_is_tried() -> None:
    assert INGREDIENTS.keys() == {field.name for field in fields(AnswerQuestion)}


@given(QUESTIONS, st.data())
def test_another_value_of_any_ingredient_is_another_key(question: AnswerQuestion, data: st.DataObject) -> None:
    for name, values in INGREDIENTS.items():
        other = changed(question, name, data.draw(values, label=name))
        assert (other.key() == question.key()) == (meaning(other) == meaning(question))


@given(QUESTIONS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_makes_a_difference(question: AnswerQuestion, random: Random) -> None:
    told = question
    for name in SETS:
        items = [*getattr(question, name)] * 2
        random.shuffle(items)
        told = changed(told, name, items)
    assert told.key() == question.key()


@given(QUESTIONS, st.sampled_from(SETS), st.sampled_from(SETS), OIDS)
def test_an_id_counts_where_it_stands(question: AnswerQuestion, here: str, there: str, oid: bytes) -> None:
    assume(here != there and oid not in [*getattr(question, here), *getattr(question, there)])
    at = {name: changed(question, name, [*getattr(question, name), oid]).key() for name in (here, there)}
    assert at[here] != at[there]


@given(QUESTIONS, st.lists(st.binary(min_size=1, max_size=4), min_size=2, max_size=2))
def test_names_cannot_run_into_one_another(question: AnswerQuestion, names: list[bytes]) -> None:
    assert replace(question, filters=names).key() != replace(question, filters=[b"".join(names)]).key()
