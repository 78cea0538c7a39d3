"""Import, train and score real products end to end, each stage timed; scoring beside one product at a time.

`python -m bench.whole_loop [--file FILE] [--rows N]`
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from core.catalogue.import_options import ImportOptions
from core.catalogue.importing import JOB, import_payload
from core.jobs.queue import Job, enqueue
from core.jobs.worker import run_claimed
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.serving.loading import load_version_model
from core.serving.scoring import prediction_rows, product_texts, score_titles, scoring_payload, write_predictions
from core.settings import ROOT, Settings
from core.training.registry import find_promoted_version
from core.training.train import training_payload
from core.training.training_settings import TrainingSettings
from core.types import Actor
from db.enums import JobStatus
from db.product_texts import list_texts
from db.tables import ProductRow

REAL = ROOT.parent / "shared/data/heissepreise/products_labelled.csv.gz"
PEER_ROWS = 400
COLUMNS = {"title": "name", "mall": "store", "external_id": "id", "category": "level1+level2"}


def do(runtime: Runtime, actor: Actor, kind: str, payload: dict[str, object]) -> tuple[Job, float, float]:
    """Run a job here: the job, wall seconds, seconds of this process's processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    job = run_claimed(runtime, enqueue(runtime, actor, kind, payload, worker="bench"), "bench")
    assert job.status == JobStatus.SUCCEEDED, job.error
    return job, time.perf_counter() - wall, time.process_time() - cpu


def one_at_a_time(runtime: Runtime) -> float:
    """The peer: read, answer and write each product by itself. Products a second."""
    version = find_promoted_version(runtime)
    assert version
    model = load_version_model(runtime, version)
    after_id, start = 0, time.perf_counter()
    for _ in range(PEER_ROWS):
        with runtime.sessions.read() as session:
            product = list_texts(session, ProductRow.id > after_id, 1)
        after_id = product[0].id
        rows = prediction_rows(version.id, [after_id], score_titles(model, product_texts(product)))
        write_predictions(runtime, rows, lambda session: None)
    return PEER_ROWS / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=REAL)
    file = parser.parse_args().file
    if not file.exists():
        print(f"Nothing measured: there is no {file}. Name another with --file.")
        return
    with tempfile.TemporaryDirectory() as folder:
        runtime = open_runtime(Settings(data_dir=Path(folder), person="bench"))
        actor = sign_in_local(runtime, "bench")
        load = os.getloadavg()[0]
        options = ImportOptions(columns={field: tuple(names.split("+")) for field, names in COLUMNS.items()})
        imported, import_wall, import_cpu = do(runtime, actor, JOB, import_payload(file, "bench", options))
        settings = TrainingSettings(score_after=False)
        trained, train_wall, train_cpu = do(runtime, actor, "train", training_payload(actor, settings))
        scored, score_wall, score_cpu = do(runtime, actor, "score", scoring_payload(runtime, actor))
        peer = one_at_a_time(runtime)
        runtime.close()
    n = imported.result["rows_imported"]
    print(f"load at the start {load:.1f}")
    print(f"import  {n:,} rows  {import_wall:6.1f} s wall  {import_cpu:6.1f} s cpu  {n / import_wall:8,.0f} rows/s")
    print(
        f"train   {trained.result['rows_train']:,} rows  {train_wall:6.1f} s wall  {train_cpu:6.1f} s cpu  "
        f"P@1 {trained.result['p_at_1']:.4f} on {trained.result['n_test']:,}  ECE {trained.result['ece']:.4f}"
    )
    speed, n = scored.result["titles_per_second"], scored.result["rows_scored"]
    print(f"score   {n:,} rows  {score_wall:6.1f} s wall  {score_cpu:6.1f} s cpu  {speed:8,.0f}/s")
    print(f"score one at a time  {peer:8,.0f}/s  ratio {speed / peer:.1f}")


if __name__ == "__main__":
    main()
