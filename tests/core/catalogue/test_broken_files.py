"""Broken input, kind by kind: the good rows arrive, and a sentence says what is wrong with the others."""

import gzip
import zipfile
from pathlib import Path

import openpyxl
import pytest

from core.catalogue.import_options import options_from
from core.catalogue.import_plan import plan_import
from core.catalogue.import_runs import list_rejects, write_rejects
from core.catalogue.importing import import_file
from core.catalogue.rejects import MAX_KEPT
from core.errors import InvalidInput, UnreadableFile
from core.runtime import Runtime
from core.types import Actor
from tests.core.catalogue.importing_help import do_import, failed_import, products, reasons, titles


def written(tmp_path: Path, content: bytes | str, name: str = "items.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(runtime: Runtime, actor: Actor, path: Path, **options: object) -> str:
    with pytest.raises((UnreadableFile, InvalidInput)) as caught:
        import_file(runtime, actor, path, "shop", options_from(options))
    return str(caught.value)


def test_broken_quoting_costs_its_row_only(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'id,title,price\n1,"Cap,5\n2,Hat,6\n3,"Two\nlines",7\n4,"a" b,8\n5,"12"" TV",9\n6,5" pipe,1\n'
        '7,"open to the end,2\n',
    )
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Hat", "Two lines", '12" TV', '5" pipe']
    sentence = "The quotation marks do not close as they should."
    assert reasons(runtime, run) == [(2, None, sentence), (6, None, sentence), (9, None, sentence)]
    assert list_rejects(runtime, run.id)[0].record == {"id": "1", "title": "Cap", "price": "5"}


def test_two_broken_rows_do_not_swallow_what_stands_between(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, 'id,title,price\n1,"Cap,5\n2,Hat,6\n3,Tie",7\n4,Sock,8\n')
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Hat", 'Tie"', "Sock"]
    assert [line for line, _, _ in reasons(runtime, run)] == [2]


def test_ragged_rows(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, "id,title,price\n1,Cap\n2,Hat,6,7\n3,Tie,8,,\n\n,,\n4,Sock,9\n")
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Tie", "Sock"]  # empty fields at the end are no fault, blank lines no rows
    assert reasons(runtime, run) == [
        (2, None, "The row has 2 fields, the heading has 3."),
        (3, None, "The row has 4 fields, the heading has 3."),
    ]


def test_mixed_encodings(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    rows = [f"{number},청바지 {number},1\n".encode() for number in range(20)]
    rows[7] = "7,운동화,1\n".encode("cp949")
    run = do_import(runtime, actor, written(tmp_path, b"id,title,price\n" + b"".join(rows)))
    assert (run.n_inserted, run.n_rejected) == (19, 1)
    assert reasons(runtime, run)[0][0] == 9
    assert reasons(runtime, run)[0][2].startswith("These bytes are not utf-8: bf ee")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949", "euc-kr", "utf-16", "utf-8"])
def test_encodings_are_detected(runtime: Runtime, actor: Actor, tmp_path: Path, encoding: str) -> None:
    path = written(
        tmp_path, "상품번호,상품명,가격\r\n1,가죽 운동화 남성용,1000\r\n2,여름 원피스,2000\r\n".encode(encoding)
    )
    run = do_import(runtime, actor, path)
    assert (titles(runtime), run.n_rejected) == (["가죽 운동화 남성용", "여름 원피스"], 0)


def test_nul_bytes(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, b"id,title,note\n1,Ca\0p,x\n2,Hat,a\0b\n" + b"3,Tie,x\n" * 1)
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Hat", "Tie"]  # in a column that nobody needs they do no harm
    assert reasons(runtime, run) == [(2, "title", "The value holds NUL bytes: the file is damaged here.")]
    assert list_rejects(runtime, run.id)[0].value == "Ca␀p"
    assert "full of NUL bytes" in refusal(runtime, actor, written(tmp_path, b"\0" * 500, "nul.csv"))


def test_a_title_of_100_kb(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, f'id,title\n1,{"가" * 34_000}\n2,"{"x" * 150_000}"\n3,Hat\n')
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Hat"]
    assert reasons(runtime, run)[0] == (2, "title", "The value has 34,000 characters; 2,000 are possible.")
    assert [line for line, _, _ in reasons(runtime, run)] == [2, 3]
    assert all(len(reject.value or "") <= MAX_KEPT + 1 for reject in list_rejects(runtime, run.id))


def test_an_endless_line(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, b"id,title\n1,Cap\n" + b"y" * 6_000_000 + b"\n3,Hat\n4," + b"x" * 5_000_000)
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Cap", "Hat"]
    sentence = "The line is longer than 4,194,304 bytes."
    assert reasons(runtime, run) == [(3, None, sentence), (5, None, sentence)]


def test_duplicate_headings(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, "id,name,name,\n1,Cap,Mütze,x\n")
    plan = plan_import(path, options_from({}))
    assert plan.headings == ["id", "name", "name (2)", "column 4"]
    assert "'name' stands more than once" in str(plan.notes[0])
    do_import(runtime, actor, path, columns={"title": "name (2)"})
    assert titles(runtime) == ["Mütze"]


def test_files_that_are_none(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    assert refusal(runtime, actor, written(tmp_path, "")) == "items.csv is empty."
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert refusal(runtime, actor, folder) == "folder.csv is a folder, not a file."
    assert "There is no file" in refusal(runtime, actor, tmp_path / "gone.csv")
    assert "none of the files that can be imported" in refusal(runtime, actor, written(tmp_path, "x", "a.doc"))
    assert "nothing but blank lines" in refusal(runtime, actor, written(tmp_path, "\n \n", "blank.csv"))
    assert "has headings, but no rows" in refusal(runtime, actor, written(tmp_path, "id,title\n", "heads.csv"))
    assert "has headings, but no rows" in refusal(runtime, actor, written(tmp_path, "\n", "lines.jsonl"))
    assert "damaged" in refusal(runtime, actor, written(tmp_path, b"\x1f\x8b no gzip", "a.csv.gz"))
    assert "no readable Parquet" in refusal(runtime, actor, written(tmp_path, "PAR1?", "a.parquet"))
    assert "no Excel workbook" in refusal(runtime, actor, written(tmp_path, "PK", "a.xlsx"))
    assert not products(runtime)


def test_a_file_without_a_title_column(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    sentence = refusal(runtime, actor, written(tmp_path, "sku,price\n1,2\n"))
    assert sentence == "No column is chosen for the title. The file has: sku, price."
    assert "holds a category tree" in refusal(runtime, actor, written(tmp_path, "code,level1,level2\n1,A,B\n"))


def test_a_zip_bomb(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    bomb = gzip.compress(b"id,title\n1,Cap\n" + b"0" * 90_000_000)
    job, run = failed_import(runtime, actor, written(tmp_path, bomb, "bomb.csv.gz"))
    assert job.error
    assert "looks like a zip bomb" in job.error
    assert run is None or run.n_read <= 1
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * 90_000_000)
    assert "looks like a zip bomb" in refusal(runtime, actor, path)


def test_a_gz_that_was_cut_off(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    rows = "".join(f"{number},Title {number * 7919 % 100003}\n" for number in range(150_000))
    packed = gzip.compress(("id,title\n" + rows).encode())
    job, run = failed_import(runtime, actor, written(tmp_path, packed[: len(packed) * 3 // 4], "cut.csv.gz"))
    assert job.error == "cut.csv.gz ends too early: it was cut off while it was written or copied."
    assert run
    assert run.state == "stopped"
    assert 0 < run.n_read == run.n_inserted == len(titles(runtime))  # what came before stays


def test_broken_json_lines(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        b'{"title": "Cap", "category": ["A", "B"], "price": {"now": 5}}\n{"title": \n[1]\n\n'
        b'{"title": "\\ud800 x\\u0000"}\n'
        b'{"title": "\xff"}\n{"title": "Hat \\ud83d\\udc52"}\n{"title": null}\n',
        "items.jsonl",
    )
    run = do_import(runtime, actor, path, columns={"price": "price.now"})
    assert titles(runtime) == ["Cap", "Hat 👒"]
    assert [line for line, _, _ in reasons(runtime, run)] == [2, 3, 5, 6, 8]
    assert [sentence.split(":")[0] for _, _, sentence in reasons(runtime, run)] == [
        "This is not JSON",
        "This is JSON, but no object with named values.",
        "The value holds NUL bytes",
        "These bytes are not utf-8",
        "The title is empty.",
    ]


def test_bad_cells_name_their_column(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "id,title,price,date\n1,Cap,cheap,2024-01-01\n2,Hat,-3,2024-01-01\n3,Tie,1,2024-13-01\n4,,1,\n5,Sock,,03/04/2024\n"
        + f"{'9' * 400},Belt,1,\n6,Bag,N/A,null\n",
    )
    run = do_import(runtime, actor, path)
    assert reasons(runtime, run) == [
        (2, "price", "'cheap' is not a price."),
        (3, "price", "A price lies between 0 and 999,999,999,999.99."),
        (4, "date", "'2024-13-01' is not a date."),
        (5, "title", "The title is empty."),
        (6, "date", "'03/04/2024' may be day/month or month/day: choose the order of dates."),
        (7, "id", "The value has 400 characters; 300 are possible."),
    ]
    assert titles(runtime) == ["Bag"]


def test_rejects_are_mended_and_imported_again(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = written(tmp_path, 'id,title,price\n1,=1+1,cheap\n2,"-5 °C bag",x\n3,@home,7\n4,"a\nb",y\n')
    run = do_import(runtime, actor, path)
    assert (run.n_inserted, run.n_rejected) == (1, 3)
    text = "".join(write_rejects(runtime, run.id))
    assert (
        text.splitlines()[0] == "\ufeffreject_file,reject_line,reject_column,reject_value,reject_reason,id,title,price"
    )
    assert text.splitlines()[1] == "items.csv,2,price,cheap,'cheap' is not a price.,1,'=1+1,cheap"
    assert ",'-5 °C bag," in text  # a spreadsheet must not take a title for a formula
    loud = "".join(write_rejects(runtime, run.id, lambda reason: reason.template.upper()))
    assert "'{VALUE}' IS NOT A PRICE." in loud  # said as the reader likes it
    mended = written(tmp_path, text.replace(",cheap\r\n", ",1\r\n").replace(",x\r\n", ",2\r\n"), "mended.csv")
    again = do_import(runtime, actor, mended)
    assert (again.n_inserted, again.n_rejected) == (2, 1)
    found = products(runtime)
    assert [found[key].title for key in "123"] == ["=1+1", "-5 °C bag", "@home"]


def test_a_broken_workbook(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (["id", "title", "price"], [1, "Cap", 5], [None, None, None], [2, "Hat"], [3, "Tie", 6, "more"]):
        page.append(row)
    book.save(tmp_path / "items.xlsx")
    run = do_import(runtime, actor, tmp_path / "items.xlsx")
    assert titles(runtime) == ["Cap", "Hat"]
    assert reasons(runtime, run) == [(5, None, "The row has 4 fields, the heading has 3.")]
    packed = (tmp_path / "items.xlsx").read_bytes()
    with pytest.raises(UnreadableFile):
        plan_import(written(tmp_path, packed[:-900], "cut.xlsx"), options_from({}))
    assert "has no sheet 'Two'" in refusal(runtime, actor, tmp_path / "items.xlsx", sheet="Two")
