"""Hostile study files: each is refused at once, with its file, its line or key, and what to write."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from decay_atlas import cli
from decay_atlas.study.config import ConfigError, grid_of, load
from decay_atlas.study.limits import MANY, planning

ROOT = Path(__file__).parents[2]
STUDY = """\
study: mine
grid:
  - dataset: digits
    recipe: short
    arch: tiny
    lr: [0.001, 0.01]
    wd: 0.1
    seed: 0
recipes:
  short: {extends: published-cifar, epochs: 20}
archs:
  tiny: {model: resnet18, family: cnn}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "studies").mkdir()
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    return tmp_path


def written(project: Path, content: str | bytes) -> Path:
    file = project / "studies/mine.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def refusal(project: Path, content: str | bytes) -> str:
    """What is said of a study file, after its name; and it is said at once."""
    file = written(project, content)
    begun = time.process_time()
    with pytest.raises(ConfigError) as raised:
        grid_of(load("mine", project))
    assert time.process_time() - begun < 1
    assert str(raised.value).startswith(f"{file}: "), raised.value
    assert len(str(raised.value)) < 1000
    return str(raised.value).removeprefix(f"{file}: ")


def test_the_study_is_sound_as_it_stands(project: Path) -> None:
    written(project, STUDY)
    assert len(grid_of(load("mine", project)).runs) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("grid: []\n", "key grid stands in line 2 and again in line 13"),
        ("study: other\n", "key study stands in line 1 and again in line 13"),
        ("recipes: {}\n", "key recipes stands in line 9 and again in line 13"),
        ("recipes:\n", "key recipes stands in line 9 and again in line 13"),
        ("'grid': []\n", "key grid stands in line 2 and again in line 13"),
        ("execution: {threads: 1, threads: 2}\n", "key execution.threads stands twice in line 13"),
        (
            "datasets:\n  a: {source: digits}\n  a: {source: ridge}\n",
            "key datasets.a stands in line 14 and again in line",
        ),
        ("fill: {18: a, '18': b}\n", "key fill.18 stands twice in line 13"),
        ("statistics: {kappas: [{x: 1, x: 2}]}\n", "key statistics.kappas[0].x stands twice in line 13"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(project: Path, more: str, said: str) -> None:
    assert said in refusal(project, STUDY + more)


def test_a_learning_rate_axis_that_stands_twice_in_a_block_is_refused(project: Path) -> None:
    twice = STUDY.replace("    wd: 0.1\n", "    wd: 0.1\n    lr: [1]\n")
    assert "key grid[0].lr stands in line 6 and again in line 8" in refusal(project, twice)


def test_what_a_merge_key_brings_may_be_given_anew(project: Path) -> None:
    extended = STUDY.replace("short: {", "base: &base {extends: published-cifar, epochs: 9}\n  short: {<<: *base, ")
    written(project, extended)
    assert load("mine", project)["recipes"]["short"]["epochs"] == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("010", "YAML reads 010 as 8, a number to base 8; write 10, or 8"),
        ("-010", "YAML reads -010 as -8"),
        ("0_7", "YAML reads 0_7 as 7"),
        ("1:30", "YAML reads 1:30 as 90, a number to base 60; write 90"),
        ("1:30.5", "YAML reads 1:30.5 as 90.5"),
        ("2024-13-45", "2024-13-45 is no date, though YAML takes it for one"),
    ],
)
@pytest.mark.parametrize("place", ["seed: 0", "arch: tiny", "  tiny:"])
def test_a_number_that_yaml_reads_otherwise_is_refused(project: Path, text: str, said: str, place: str) -> None:
    key = place.split(":")[0]
    changed = STUDY.replace(place, f"  {text}:" if place == "  tiny:" else f"{key}: {text}")
    assert said in refusal(project, changed)


def test_a_number_too_long_to_read_is_refused(project: Path) -> None:
    assert "is no number, though YAML takes it for one" in refusal(
        project, STUDY.replace("seed: 0", f"seed: {'9' * 5000}")
    )


def test_what_is_in_quotes_is_a_name(project: Path) -> None:
    written(project, STUDY.replace("tiny", '"010"'))
    assert {run.arch for run in grid_of(load("mine", project)).runs} == {"010"}


@pytest.mark.parametrize("name", ["2024-01-31", "2024-1-3"])
def test_a_date_is_a_name_as_a_key_and_as_a_value(project: Path, name: str) -> None:
    written(project, STUDY.replace("short", name))
    (recipe,) = {run.recipe for run in grid_of(load("mine", project)).runs}
    assert recipe in (name, "2024-01-03")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('"net\\n"', "does not fit the pattern"),
        ('"net\\r"', "does not fit the pattern"),
        ('"net\\0"', "does not fit the pattern"),
        ('"net "', "does not fit the pattern"),
        ('"../net"', "does not fit the pattern"),
        ('"{x}"', "does not fit the pattern"),
        ("größe", "does not fit the pattern"),
        ("n" * 300, "has 300 characters, and at most 100 are possible"),
        ("n" * 101, "has 101 characters, and at most 100 are possible"),
    ],
)
def test_a_name_that_makes_no_path_is_refused(project: Path, name: str, said: str) -> None:
    assert said in refusal(project, STUDY.replace("tiny", name))


@pytest.mark.parametrize(
    ("name", "said"), [("18", "as a number"), ("1.5", "as a number"), ("no", "as true or false"), ("on", "as true")]
)
def test_a_name_that_yaml_takes_for_something_else_is_to_be_put_in_quotes(project: Path, name: str, said: str) -> None:
    message = refusal(project, STUDY.replace("arch: tiny", f"arch: [{name}]"))
    assert said in message
    assert "is put in quotes" in message


@pytest.mark.parametrize(
    "change",
    [
        ("metric: {name: 'a\\n'}", 'metric: {name: "a\\n"}'),
        ("metric: {unit: x}", 'metric: {unit: "\\x07"}'),
        ("datasets", 'datasets: {d: {source: digits, image_size: 8, classes: 2, mean: [0], std: [1], path: "/a\\nb"}}'),
        ("datasets", 'datasets: {d: {source: digits, image_size: 8, classes: 2, mean: [0], std: [1], path: "/a\\0"}}'),
        ("imports", 'imports: ["a.csv\\n"]'),
        ("imports", 'imports: ["a\\n.csv"]'),
        ("imports", 'imports: ["{a}.csv"]'),
    ],
)
def test_texts_have_no_control_characters(project: Path, change: tuple[str, str]) -> None:
    assert "does not fit the pattern" in refusal(project, STUDY + change[1] + "\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((STUDY + "# Größe\n").encode("latin-1"), "line 13 has the byte 0xf6, so the file is not in UTF-8; save it in"),
        (STUDY.encode("utf-16"), "so the file is UTF-16; save it in UTF-8"),
        (STUDY.encode("utf-16-be"), "line 1 has the character U+0000"),
        (STUDY.replace("  short", "\tshort"), "line 10: a tab, where YAML takes spaces only"),
        (STUDY.replace("    lr", "   \tlr"), "line 6: a tab, where YAML takes spaces only"),
        (STUDY + "x: \x07\n", "line 13 has the character U+0007"),
        (STUDY + "x: [1\n", "did not find expected ',' or ']'"),
        (STUDY + "x: *nowhere\n", "line 13: found undefined alias"),
        (STUDY + "x: !!python/object/apply:os.system [true]\n", "could not determine a constructor"),
        (STUDY + "--- {}\n", "line 13: expected a single document"),
        (STUDY + "? [1, 2]\n: 3\n", "found unhashable key"),
        (STUDY + "x: !!int seven\n", "is no number"),
        (STUDY + "x: " + "[" * 60 + "]" * 60, "more than 50 levels"),
        (STUDY + "x: " + "[" * 100_000, "line 13"),
        (STUDY + "x: " + "{a: " * 100_000, "line 13"),
        (STUDY + "".join(f"{'  ' * level}k:\n" for level in range(80)), "more than 50 levels"),
        (STUDY + "fill: &a {x: *a}\n", "line 13: an anchor that holds itself"),
        (STUDY + "fill: &a [1, [*a]]\n", "line 13: an anchor that holds itself"),
        (STUDY + "x0: &x0 []\n" + "".join(f"x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 60)), "more than 50 levels"),
        (
            STUDY + "x0: &x0 [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            "more than 200,000 values",
        ),
        (
            STUDY + "x0: &x0 {a: 1, b: 2}\n"
            + "".join(f"x{n}: &x{n} {{a: *x{n - 1}, b: *x{n - 1}}}\n" for n in range(1, 40)),
            "more than 200,000 values",
        ),
        ("", "holds no keys"),
        ("null", "holds no keys"),
        ("just text", "holds no keys"),
        ("\ufeff", "holds no keys"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_study_is_refused_at_once(project: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(project, content)


@pytest.mark.parametrize(("encoding", "said"), [("latin-1", "line 13 has the byte 0xf6"), ("utf-16", "UTF-16")])
def test_where_snakemake_names_no_line_the_command_does(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], encoding: str, said: str
) -> None:
    """Snakemake reads a --configfile before any line of ours, and dies of such a one with a traceback."""
    written(project, (STUDY + "# Größe\n").encode(encoding))
    monkeypatch.chdir(project)
    assert cli.main(["status", "--study", "mine"]) == 2
    assert said in capsys.readouterr().err


def test_a_byte_order_mark_does_no_harm(project: Path) -> None:
    written(project, "\ufeff" + STUDY)
    assert len(grid_of(load("mine", project)).runs) == 2


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("lr: [5.0e-324]", "key grid[0].lr: 4.94066e-324; to train with, a learning rate must lie from 1e-30"),
        ("lr: [1.0e-3, 1.0e+308]", "1e+308"),
        ("lr: 1.0e-31", "1e-31"),
        ("lr: .inf", "is no finite number"),
        ("lr: .nan", "is no finite number"),
        ("lr: -1", "must be greater than 0"),
        ("lr: true", "does not fit here"),
        ("lr: null", "does not fit here"),
        ("lr: []", "should be non-empty"),
        (f"lr: 1{'0' * 400}", "is beyond 9007199254740991"),
        ("wd: 1.0e-320", "key grid[0].wd: 9.99989e-321"),
        ("wd: [0, 1.0e+31]", "1e+31"),
        (
            "wd: {over_lr: 1.0e+308}",
            "key grid[0].wd: beyond every number at lr 0.001; to train with, a weight decay must lie",
        ),
        ("wd: {over_lr: 1.0e+29}", "1e+32 at lr 0.001; to train with, a weight decay must lie"),
        ("wd: {times_lr: 1.0e-323}", "0 at lr 0.001; to train with, a weight decay must lie"),
        ("wd: {times_lr: 0.1, over_lr: 0.1}", "wd"),
        ("seed: 9223372036854775808", "key grid[0].seed: 9223372036854775808 is beyond 9007199254740991"),
        ("seed: [0, 18446744073709551616]", "key grid[0].seed[1]: 18446744073709551616 is beyond"),
        ("seed: -1", "must be at least 0"),
        ("seed: 0.5", "does not fit here"),
    ],
)
def test_an_axis_beyond_what_trains_is_refused(project: Path, axes: str, said: str) -> None:
    key = axes.split(":")[0]
    lines = [f"    {axes}" if line.strip().startswith(f"{key}:") else line for line in STUDY.splitlines()]
    assert said in refusal(project, "\n".join(lines))


def test_zero_and_the_largest_seed_are_values_like_others(project: Path) -> None:
    written(project, STUDY.replace("wd: 0.1", "wd: [0, 1.0e-30]").replace("seed: 0", "seed: [9007199254740991]"))
    assert len(grid_of(load("mine", project)).runs) == 4


def rates(count: int) -> str:
    return ", ".join(str(number) for number in range(1, count + 1))


def test_a_grid_of_a_million_runs_is_refused_before_it_is_laid_out(project: Path) -> None:
    million = STUDY.replace("0.001, 0.01", rates(1000)).replace("wd: 0.1", f"wd: [{rates(1000)}]")
    assert "key grid: 1,000,000 runs, and Snakemake would plan for hours" in refusal(project, million)


def test_a_grid_that_takes_its_time_is_planned_with_a_word(project: Path) -> None:
    written(project, STUDY)
    assert planning(load("mine", project)) is None
    written(project, STUDY.replace("0.001, 0.01", rates(300)).replace("wd: 0.1", f"wd: [{rates(300)}]"))
    said = planning(load("mine", project))
    assert MANY < 300**2
    assert said is not None
    assert "To plan 90,000 runs" in said
