"""Which words may stay, which numbers, and what the tables behind them have to obey."""

from __future__ import annotations

import string
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag

from clerkship_cases import CaseError
from clerkship_cases.deidentify.ages import age_at, cleaned_age
from clerkship_cases.deidentify.keyed import Keyring, kept_time, shifted_date, shifted_datetime
from clerkship_cases.deidentify.private import is_number, safe_private_attributes
from clerkship_cases.deidentify.rules import allowed_attributes
from clerkship_cases.deidentify.words import cleaned_words, is_term, is_vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "CT Abdomen/Pelvis w contrast",
        "t1_mprage_sag_p2_iso",
        "AX T2 FLAIR 5mm",
        "Thorax  1.25  B30f",
        "PET CT wholebody FDG",
        "MRCP",
    ],
)
def test_descriptions_of_protocols_stay_as_they_are(text: str) -> None:
    words = cleaned_words(text)
    assert words.text in (text, text.replace("_p2", "").replace("_", " "))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CT chest 12.03.1957", "CT chest"),
        ("CT chest 12/03/57 for Smith", "CT chest for"),
        ("MRI knee tel 0176 555 123 44", "MRI knee"),
        ("Brain MRN4471920", "Brain"),
        ("Grünwald CT", "CT"),
        ("Smith", ""),
        ("12 34", ""),
        ("Dr. Jones chest", "chest"),
    ],
)
def test_whatever_is_not_radiology_goes(text: str, left: str) -> None:
    assert cleaned_words(text).text == left


def test_a_radiology_word_goes_when_it_is_the_patients_name() -> None:
    assert cleaned_words("CT Chest", frozenset({"chest"})).text == "CT"


@given(st.text(alphabet=string.ascii_letters, min_size=5, max_size=12))
def test_a_made_up_word_never_stays(word: str) -> None:
    assert cleaned_words(f"CT {word} axial").text == (
        f"CT {word} axial" if is_vocabulary(word) else "CT axial"
    )


@given(st.dates(), st.sampled_from(["%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d", "%d-%m-%y"]))
def test_a_date_never_stays(day: object, form: str) -> None:
    assert cleaned_words(f"chest {day:{form}}").text == "chest"


@pytest.mark.parametrize(
    "value", ["ORIGINAL", "CHEST", "HFS", "FFDR", "MONOCHROME2", "T1", "CSPINE", "LAF", "BQML"]
)
def test_terms_of_the_standard_stay(value: str) -> None:
    assert is_term(value)


@pytest.mark.parametrize("value", ["SMITH", "MRN4471920", "19570312", "A" * 17, "ÄRZTE"])
def test_other_coded_strings_go(value: str) -> None:
    assert not is_term(value)


@pytest.mark.parametrize("value", ["1", "-1024.0", "1.5e-3", "0.97656200000000001", "588802304"])
def test_numbers_stay(value: str) -> None:
    assert is_number(value, frozenset())


@pytest.mark.parametrize("value", ["", "12A", "1 2", "44719204471920", "4471920"])
def test_what_is_no_number_or_is_an_identifier_goes(value: str) -> None:
    assert not is_number(value, frozenset({"4471920"}))


# -- ages, dates, UIDs ------------------------------------------------------------------------


def test_ages_follow_from_two_dates() -> None:
    assert age_at("19570312", "20240311") == "066Y"
    assert age_at("19570312", "20240312") == "067Y"
    assert age_at("20230101", "20240615") == "017M"
    assert age_at("20240101", "20230101") is None


@given(st.integers(0, 999), st.sampled_from("DWMY"), st.sampled_from(["band", "cap"]))
def test_no_age_above_ninety_is_told_apart(number: int, unit: str, keep: str) -> None:
    said = cleaned_age(f"{number:03}{unit}", keep)  # type: ignore[arg-type]
    assert said is not None
    assert int(said[:3]) <= 90 or said[3] == "M"
    assert cleaned_age(said, keep) == said  # type: ignore[arg-type]


@given(st.dates(min_value=date(1920, 1, 1)), st.integers(0, 4000))
def test_shifting_keeps_every_interval(day: object, later: int) -> None:
    days = Keyring(b"0123456789abcdef").shift_days("patient")
    a, b = (
        shifted_date(f"{d:%Y%m%d}", days)
        for d in (day, day + timedelta(days=later))  # type: ignore[operator]
    )
    read = [datetime.strptime(x or "", "%Y%m%d") for x in (a, b)]  # noqa: DTZ007
    assert (read[1] - read[0]).days == later
    assert days <= -366


def test_dates_and_times_that_are_none_do_not_pass() -> None:
    assert shifted_date("Quandt", -400) is None
    assert shifted_date("20241399", -400) is None
    assert kept_time("Quandt") is None
    assert kept_time("093015.1234567") is None
    assert kept_time("09:30:15") == "09:30:15"
    assert shifted_datetime("20240518093015.5+0200", -366) == "20230518093015.5"


def test_one_secret_gives_one_identity_and_another_another() -> None:
    one, same, other = (Keyring(s * 16) for s in (b"a", b"a", b"b"))
    assert one.uid("1.2.3") == same.uid("1.2.3") != other.uid("1.2.3")
    assert one.uid("1.2.3") != one.uid("1.2.4")
    assert one.pseudonym("p") == same.pseudonym("p") != other.pseudonym("p")
    assert len(one.uid("1.2.3")) <= 64
    with pytest.raises(CaseError, match="at least 16"):
        Keyring(b"short")


# -- the tables ----------------------------------------------------------------------------------

_FITS = {
    "number": {"DS", "IS"},
    "term": {"CS"},
    "uid": {"UI"},
    "class-uid": {"UI"},
    "date": {"DA"},
    "time": {"TM"},
    "datetime": {"DT"},
    "age": {"AS"},
    "items": {"SQ"},
    "content": {"SQ"},
    "person": {"PN"},
    "words": {"LO", "SH", "ST", "LT", "UT"},
    "label": {"LO", "SH"},
    "code": {"SH", "LO", "UC", "UR"},
}


def test_every_row_of_the_allow_list_fits_its_attribute() -> None:
    for tag, rule in allowed_attributes().items():
        assert keyword_for_tag(tag) == rule.keyword
        if rule.action in _FITS:
            assert dictionary_VR(tag) in _FITS[rule.action], rule


def test_nothing_that_can_hold_text_is_kept_unseen() -> None:
    text = {
        "LO",
        "SH",
        "LT",
        "ST",
        "UT",
        "UC",
        "PN",
        "AE",
        "UR",
        "CS",
        "DS",
        "IS",
        "AS",
        "UI",
        "DA",
        "TM",
        "DT",
        "UN",
    }
    kept = {t: r for t, r in allowed_attributes().items() if r.action == "keep"}
    assert [r.keyword for t, r in kept.items() if set(dictionary_VR(t).split(" or ")) & text] == []


def test_no_overlay_curve_private_or_person_attribute_is_on_the_list() -> None:
    for tag, rule in allowed_attributes().items():
        group = tag >> 16
        assert group % 2 == 0
        assert group & 0xFF00 not in {0x5000, 0x6000}
        if dictionary_VR(tag) == "PN":
            assert rule.action in {"person", "pseudonym", "empty"}


def test_safe_private_attributes_hold_numbers_or_codes() -> None:
    assert {row.vr for row in safe_private_attributes().values()} <= {
        "DS",
        "IS",
        "FL",
        "FD",
        "SL",
        "SS",
        "CS",
    }
