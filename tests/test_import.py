"""What an import costs: the package and its program start without the heavy packages."""

from __future__ import annotations

import subprocess
import sys

import pytest

import relata

HEAVY = ("torch", "transformers", "peft", "accelerate", "pandas", "pyarrow", "ray")


def loaded(code: str) -> set[str]:
    """The modules that a new Python has loaded after running some code."""
    told = f"{code}\nimport sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split())


def test_the_package_and_its_core_leave_torch_unloaded() -> None:
    modules = loaded("import relata, relata.readers, relata.recipes, relata.benchmarks, relata.dialects, relata.view")
    assert modules.isdisjoint(HEAVY)
    assert loaded("import relata.models, relata.exam, relata.demo").isdisjoint(HEAVY)


def test_the_package_alone_and_the_program_load_no_numpy_either() -> None:
    assert loaded("import relata").isdisjoint({*HEAVY, "numpy", "msgspec", "typer"})
    assert loaded("import relata.cli").isdisjoint({*HEAVY, "numpy", "PIL", "rich"})


def test_the_core_works_where_the_extras_are_not_installed() -> None:
    """As after `pip install relata`: every public name is there, and loading a model names the extra."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY!r}))
sys.meta_path.insert(0, type("Absent", (), {{"find_spec": staticmethod(lambda name, *_: None)}})())
import relata
for name in relata.__all__:
    getattr(relata, name)
try:
    relata.load("tiny")
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pip install 'relata[models]'" in done.stdout


@pytest.mark.parametrize("name", relata.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(relata, name) is not None
    assert name in dir(relata)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        relata.nothing  # noqa: B018
