"""What an install takes is told of an environment as it is."""

from __future__ import annotations

from benchmarks import install_size


def test_the_report_names_the_largest_and_who_asks_for_it():
    found = {
        "kipoi-tfb": {"version": "1", "size": 5_000_000, "compiled": 1_000_000, "asks": ["torch", "numpy"]},
        "torch": {"version": "2", "size": 700_000_000, "compiled": 0, "asks": ["sympy"]},
        "numpy": {"version": "3", "size": 40_000_000, "compiled": 0, "asks": []},
        "sympy": {"version": "4", "size": 70_000_000, "compiled": 9_000_000, "asks": []},
    }
    lines = install_size.report(found, 2_000_000_000).splitlines()
    assert lines[0].startswith("2,000 MB in all, as `du` counts; 4 distributions; 10 MB of it are compiled")
    assert lines[4:] == [
        "| torch 2 | 700 | kipoi-tfb |",
        "| sympy 4 | 70 | torch |",
        "| numpy 3 | 40 | kipoi-tfb |",
        "| kipoi-tfb 1 | 5 | (itself) |",
        "| 0 others | 0 | |",
    ]


def test_an_environment_is_measured_as_it_is(tmp_path):
    packages = tmp_path / "lib"
    info = packages / "some_thing-1.2.dist-info"
    (packages / "some_thing" / "__pycache__").mkdir(parents=True)
    info.mkdir()
    (packages / "some_thing" / "a.py").write_text("1\n" * 9000)
    (packages / "some_thing" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"1" * 9000)
    (packages / "some_thing" / "b.py").write_text("1\n" * 9000)
    (packages / "some_thing" / "__pycache__" / "b.cpython-399.pyc").write_bytes(b"1" * 9000)  # made since, on use
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Some_Thing\nVersion: 1.2\nRequires-Dist: Py.YAML>=6\n"
        'Requires-Dist: other; extra == "more"\n'
    )
    (info / "RECORD").write_text(
        "some_thing/a.py,,\nsome_thing/__pycache__/a.cpython-311.pyc,,\nsome_thing/b.py,,\nsome_thing/gone.py,,\n"
    )
    python = tmp_path / "bin" / "python"  # says where its packages are
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\necho {packages}\n")
    python.chmod(0o755)
    (one,) = install_size.measured(python).items()
    assert one[0] == "some-thing" and one[1]["asks"] == ["py-yaml"] and one[1]["version"] == "1.2"
    assert one[1]["size"] >= 54_000 > 27_000 > one[1]["compiled"] >= 18_000
    assert install_size.disk_usage(python) >= one[1]["size"]
