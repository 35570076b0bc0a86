import numpy as np
import pyarrow as pa
import pytest

from kipoi_tfb.report.condition import Condition
from tfb_matrix_data.errors import ConfigError

NUMBERS = pa.chunked_array([[1.0, None], [3.0]])
TEXT = pa.chunked_array([["Pathogenic", None, "Benign"]])


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("x>=3", NUMBERS, [False, False, True]),
        ("x < 2", NUMBERS, [True, False, False]),
        ("x!=1", NUMBERS, [False, True, True]),
        ("x=1e0", NUMBERS, [True, False, False]),
        ("x=Benign", TEXT, [False, False, True]),
        ("x!=Benign", TEXT, [True, True, False]),
        ("x~athogen", TEXT, [True, False, False]),
    ],
)
def test_holds(text, column, expected):
    assert np.array_equal(Condition.parse(text).holds(column), expected)


@pytest.mark.parametrize("text", ["", "x", "=3", "x 3"])
def test_no_condition(text):
    with pytest.raises(ConfigError, match="is no condition; expected COLUMN, one of = != < <= > >= ~"):
        Condition.parse(text)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("x>a", NUMBERS, "x is a column of numbers; 'a' is none"),
        ("x~1", NUMBERS, r"x is a column of numbers: ~ \(contains\) is for text"),
        ("x<Benign", TEXT, "x is a column of text: compare it by = != ~, not by <"),
    ],
)
def test_a_condition_that_does_not_fit_its_column(text, column, message):
    with pytest.raises(ConfigError, match=message):
        Condition.parse(text).holds(column)
