"""Genotypes of one sample, as they stand in a VCF."""

from __future__ import annotations

import pytest

from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.genotypes import ABSENT, CARRIED, MISSING, UNPHASED, Genotype, read_genotypes, sample_column

HEADER = [b"##fileformat=VCFv4.2\n", b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tMUM\tDAD\n"]


def read(genotype: str, keys: str = "GT", n: int = 1) -> list[Genotype]:
    return read_genotypes([f"1\t5\t.\tA\tC\t.\t.\t.\t{keys}\t{genotype}\t9|9\n".encode()], [n], 9)


def on(*haplotypes: int, everywhere: bool = False, phase_set: str = "") -> Genotype:
    return Genotype(CARRIED, frozenset(haplotypes), everywhere, phase_set)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0|1", [on(2)]),
        ("1|0", [on(1)]),
        ("|0|1", [on(2)]),
        ("0/1", [Genotype(UNPHASED)]),
        ("1/1", [on(1, 2, everywhere=True)]),
        ("1|1", [on(1, 2, everywhere=True)]),
        ("1", [on(1, everywhere=True)]),
        ("0|1|1", [on(2, 3)]),
        ("0|1/1", [Genotype(UNPHASED)]),
        ("1|.", [on(1)]),
        ("0|.", [Genotype(MISSING)]),
        ("./.", [Genotype(MISSING)]),
        (".", [Genotype(MISSING)]),
        ("0/0", [Genotype(ABSENT)]),
        ("1|2", [on(1), on(2)]),
        ("2/2", [Genotype(ABSENT), on(1, 2, everywhere=True)]),
    ],
)
def test_where_an_allele_is(text, found):
    assert read(text, n=len(found)) == found


def test_phase_sets_and_what_is_not_there():
    assert read("0|1:7:30", "GT:PS:DP") == [on(2, phase_set="7")]
    assert read("30:0|1:.", "DP:GT:PS") == [on(2)]
    assert read("0|1", "GT:PS") == [on(2)]  # what is missing at the end is left out
    assert read("30", "DP") == [Genotype(MISSING)]
    assert read_genotypes([b"1\t5\t.\tA\tC\t.\t.\t.\r\n"], [1], 9) == [Genotype(MISSING)]
    assert [one.state for one in read_genotypes([b"1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|0\t1|0\r\n"], [1], 10)] == [CARRIED]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (on(1), on(1), True),
        (on(1), on(2), False),
        (on(1), on(1, phase_set="9"), None),
        (on(1), on(1, 2, everywhere=True, phase_set="9"), True),
        (on(1, 2, everywhere=True), on(1), False),
        (on(1), Genotype(UNPHASED), None),
        (on(1), Genotype(MISSING), None),
        (on(1), Genotype(ABSENT), False),
    ],
)
def test_what_is_together(one, other, together):
    assert one.together(other) is together


def test_columns_of_samples():
    assert [sample_column(HEADER, name, "a.vcf") for name in ("MUM", "DAD")] == [9, 10]
    with pytest.raises(UnknownNameError, match=r"unknown sample \(in a.vcf\) 'KID'. Valid: MUM, DAD"):
        sample_column(HEADER, "KID", "a.vcf")
    with pytest.raises(InputError, match=r"a.vcf: has no samples; --phased needs a VCF with genotypes"):
        sample_column([b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"], "MUM", "a.vcf")
