"""Statistics and report are computed anew when, and only when, their inputs or the code behind them change."""

from __future__ import annotations

from tests.pipeline.conftest import Project

STATISTICS = {"optima", "ratio", "laws", "law_costs", "universality", "deviation", "tuning", "importance", "claims"}


def edit(project: Project, module: str, addition: str) -> None:
    with (project.root / "workflow/decay_atlas" / module).open("a") as file:
        file.write(addition)


def planned(project: Project) -> set[str]:
    return set(project.snakemake("-n").jobs) - {"all"}


def test_the_report_and_every_table_are_there(reported: Project) -> None:
    results = reported.root / "results/tiny"
    assert "<html" in (results / "report.html").read_text()
    tables = {path.stem for path in (results / "tables").glob("*.csv")}
    assert tables >= STATISTICS | {"deviation_fit"}


def test_a_comment_changes_nothing(reported: Project) -> None:
    edit(reported, "statistics/laws.py", "\n# a remark\n")
    assert planned(reported) == set()


def test_editing_one_stage_reruns_it_and_what_follows(reported: Project) -> None:
    edit(reported, "statistics/universality.py", "\nEDITED = True\n")
    assert planned(reported) == {"universality", "claims", "figures", "report"}


def test_editing_what_all_stages_use_reruns_them_all_and_trains_nothing(reported: Project) -> None:
    edit(reported, "statistics/methods/landscape.py", "\nEDITED = True\n")
    assert planned(reported) >= STATISTICS | {"figures", "report"}
    assert not any(rule.startswith(("train", "collect")) for rule in planned(reported))


def test_editing_the_page_makes_only_the_page(reported: Project) -> None:
    edit(reported, "reporting/page.py", "\nEDITED = True\n")
    assert planned(reported) == {"report"}


def test_another_reference_ratio_reruns_what_uses_it(reported: Project) -> None:
    reported.write_study(statistics={"rho_reference": 0.2})
    assert {"ratio", "deviation", "tuning", "claims", "report"} <= planned(reported)
    assert not {"optima", "laws", "collect"} & planned(reported)


def test_the_report_is_the_same_bytes_when_made_again(reported: Project) -> None:
    page = reported.root / "results/tiny/report.html"
    before = page.read_bytes()
    call = reported.snakemake("-R", "figures", "report")
    assert call.status == 0, call.output
    assert page.read_bytes() == before


def test_what_was_emptied_is_made_again_and_what_was_damaged_is_named(reported: Project) -> None:
    results = reported.root / "results/tiny"
    (results / "tables/valley.csv").write_bytes(b"")
    call = reported.snakemake()
    assert call.status == 0, call.output
    assert set(call.jobs) == {"all", "valley", "claims", "figures", "report"}
    assert (results / "report.html").stat().st_size
    (results / "report.html").write_bytes(b"")
    (results / "runs.parquet").write_bytes(b"PAR1" * 99_999)  # smaller ones are taken for cut off
    call = reported.snakemake()
    assert call.status == 1
    assert "results/tiny/runs.parquet: damaged" in call.output
    assert "delete it and run the same command again" in call.output
    assert "Traceback" not in call.output
