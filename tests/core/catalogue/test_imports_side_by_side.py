"""Imports beside imports: each file its own, a worker thought dead writes no more, uploads go when they are done."""

import io
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from core.catalogue import block_importer, importing, product_writer
from core.catalogue.blocks import BLOCK_ROWS, Block
from core.catalogue.import_options import options_from
from core.catalogue.import_runs import ImportRun, find_run_of_job, list_import_runs, list_rejects
from core.catalogue.importing import import_file, resume_import
from core.catalogue.uploads import discard_upload, store_upload
from core.errors import NotReady
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from tests.core.catalogue.importing_help import do_import, run_next, titles


def many(path: Path, n_rows: int) -> Path:
    path.write_text("id,title\n" + "".join(f"{n},상품 {n}\n" for n in range(n_rows)), "utf-8")
    return path


def test_another_file_of_the_same_name_and_other_options_are_imports_of_their_own(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    (tmp_path / "corrected").mkdir()
    path, other = many(tmp_path / "items.csv", 1), many(tmp_path / "corrected" / "items.csv", 2)
    ids = [import_file(runtime, actor, each, "shop", options_from({})) for each in (path, other)]
    ids.append(import_file(runtime, actor, path, "shop", options_from({"separator": ">"})))
    many(path, 3)  # written over in its place
    ids.append(import_file(runtime, actor, path, "shop", options_from({})))
    assert len(set(ids)) == 4
    while (job := run_next(runtime)).id != ids[-1]:
        assert job.status == JobStatus.SUCCEEDED
    assert len(titles(runtime)) == 3


def test_a_worker_whose_job_was_taken_over_writes_no_more(
    runtime: Runtime, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The laptop slept through a block; meanwhile another worker did the rest."""
    path = tmp_path / "items.csv"
    rows = (f"{n},상품 {n},{'x' if n % 700 == 9 else n}" for n in range(3 * BLOCK_ROWS))
    path.write_text("id,title,price\n" + "\n".join(rows) + "\n", "utf-8")
    job_id = import_file(runtime, actor, path, "shop", options_from({}))
    take, blocks = block_importer.BlockImporter._take, iter(range(99))
    whole: list[tuple[ImportRun, int]] = []

    def facts() -> tuple[ImportRun, int]:
        run = find_run_of_job(runtime, job_id)
        assert run
        return run, len(list_rejects(runtime, run.id, 10_000))

    def sleep_in_the_second_block(importer: block_importer.BlockImporter, block: Block) -> None:
        if importer.context.worker == "w1" and next(blocks) == 1:
            with runtime.sessions.write() as session:
                jobs.requeue_stalled(session, utc_now() + timedelta(hours=1), 5, utc_now())
                assert jobs.claim_job(session, "w2", utc_now()) == job_id
            assert run_claimed(runtime, job_id, "w2").status == JobStatus.SUCCEEDED
            whole.append(facts())
        take(importer, block)

    monkeypatch.setattr(block_importer.BlockImporter, "_take", sleep_in_the_second_block)
    job = run_next(runtime)
    assert (job.status, job.result["rows_read"]) == (JobStatus.SUCCEEDED, 3 * BLOCK_ROWS)  # as the other left it
    assert [facts()] == whole
    assert whole[0][0].n_read == whole[0][0].n_inserted + whole[0][1] == 3 * BLOCK_ROWS
    assert whole[0][0].n_rejected == whole[0][1]


def test_a_worker_that_is_late_before_its_job_went_on_writes_no_block(
    runtime: Runtime, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken over, and the other has not got further yet: the position alone would not tell."""
    path = many(tmp_path / "items.csv", 2 * BLOCK_ROWS)
    job_id = import_file(runtime, actor, path, "shop", options_from({}))
    take, blocks = block_importer.BlockImporter._take, iter(range(99))

    def sleep_in_the_second_block(importer: block_importer.BlockImporter, block: Block) -> None:
        if next(blocks) == 1:
            with runtime.sessions.write() as session:
                jobs.requeue_stalled(session, utc_now() + timedelta(hours=1), 5, utc_now())
                assert jobs.claim_job(session, "w2", utc_now()) == job_id
        take(importer, block)

    monkeypatch.setattr(block_importer.BlockImporter, "_take", sleep_in_the_second_block)
    assert run_next(runtime).status == JobStatus.DOING
    assert len(titles(runtime)) == list_import_runs(runtime)[0].n_read == BLOCK_ROWS
    assert run_claimed(runtime, job_id, "w2").status == JobStatus.SUCCEEDED
    assert len(titles(runtime)) == 2 * BLOCK_ROWS


def upload_file(runtime: Runtime, actor: Actor, text: str = "id,title\n1,Cap\n") -> Path:
    return store_upload(runtime, actor, "items.csv", io.BytesIO(text.encode())).path


def test_an_upload_is_gone_once_every_import_of_it_succeeded(runtime: Runtime, actor: Actor) -> None:
    path, other = upload_file(runtime, actor), upload_file(runtime, actor, "id,title\n2,Hat\n")
    assert path != other
    for source in ("shop", "twin"):
        import_file(runtime, actor, path, source, options_from({}))
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    assert path.exists()
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    assert not path.parent.exists()
    assert other.exists()
    assert titles(runtime) == ["Cap", "Cap"]


def test_a_killed_or_failed_import_keeps_its_upload(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = upload_file(runtime, actor)
    import_file(runtime, actor, path, "shop", options_from({}))
    for error in (KeyboardInterrupt, NotReady(block_importer.DISK_FULL)):

        def die(*args: object, error: BaseException | type[BaseException] = error) -> None:
            raise error

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(product_writer.ProductWriter, "write", die)
            run_next(runtime)
        assert path.exists()
    resume_import(runtime, actor, list_import_runs(runtime)[0].id)
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    assert not path.exists()


def test_a_file_in_a_folder_of_ones_own_is_never_removed(runtime: Runtime, actor: Actor) -> None:
    by_hand = runtime.data_dir / "uploads" / "big.csv"
    by_hand.parent.mkdir(parents=True)
    do_import(runtime, actor, many(by_hand, 2))
    assert by_hand.exists()


def test_killed_after_its_last_word_an_import_still_ends_well(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = upload_file(runtime, actor)
    job_id = import_file(runtime, actor, path, "shop", options_from({}))

    def die(*args: object) -> None:
        discard_upload(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing, "discard_upload", die)
        with pytest.raises(KeyboardInterrupt):
            run_next(runtime)
    assert not path.exists()
    job = run_next(runtime)
    assert (job.id, job.status, job.result["rows_imported"]) == (job_id, JobStatus.SUCCEEDED, 1)
