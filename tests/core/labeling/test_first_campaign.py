"""The first queue comes by itself, once, and only where somebody may make one."""

from dataclasses import replace

from core.catalogue.taxonomy import ensure_categories
from core.labeling.campaigns import list_campaigns
from core.labeling.first_campaign import offer_first_campaign
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import ModelStatus, Role
from db.tables import ModelVersionRow, PredictionRow, ProductRow, PromotionRow


def promote_with_prediction(runtime: Runtime, actor: Actor, confidence: float) -> None:
    now = utc_now()
    with runtime.sessions.write() as session:
        leaf = ensure_categories(session, [("A", "B")], now)["A", "B"]
        version = ModelVersionRow(
            name="v1", status=ModelStatus.READY, config={}, seed=1, created_by=actor.person_id, created_at=now
        )
        facts = {"content_hash": "", "created_at": now, "updated_at": now}
        product = ProductRow(source="s", external_id="1", title="x", **facts)
        session.add_all([version, product])
        session.flush()
        answer = {"category_id": leaf, "confidence": confidence, "margin": 0.1, "top": [[leaf, confidence]]}
        session.add(PredictionRow(model_version_id=version.id, product_id=product.id, **answer))
        session.add(
            PromotionRow(model_version_id=version.id, person_id=actor.person_id, reason="first", created_at=now)
        )


def test_the_first_campaign_is_made_once(runtime: Runtime, actor: Actor) -> None:
    promote_with_prediction(runtime, actor, 0.3)
    assert not offer_first_campaign(runtime, replace(actor, role=Role.ANNOTATOR))
    assert offer_first_campaign(runtime, actor)
    assert not offer_first_campaign(runtime, actor)
    assert [campaign.n_tasks for campaign in list_campaigns(runtime)] == [1]


def test_where_the_model_is_sure_there_is_nothing_to_offer(runtime: Runtime, actor: Actor) -> None:
    promote_with_prediction(runtime, actor, 0.99)
    assert not offer_first_campaign(runtime, actor)
    assert list_campaigns(runtime) == []
