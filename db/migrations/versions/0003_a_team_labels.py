"""A team labels: campaigns for every purpose, gold, tokens, edits of the tree, webhooks, measurements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_requests",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("response", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_api_requests_person_id_people")),
        sa.PrimaryKeyConstraint("person_id", "idempotency_key", name=op.f("pk_api_requests")),
    )
    op.create_index("ix_api_requests_created_at", "api_requests", ["created_at"], unique=False)

    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_api_tokens_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index("ix_api_tokens_person_id", "api_tokens", ["person_id"], unique=False)

    op.create_table(
        "taxonomy_edits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "add",
                "rename",
                "move",
                "merge",
                "split",
                "retire",
                "import",
                name="taxonomyeditkind",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("category_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("n_products", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_taxonomy_edits_category_id_categories")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_taxonomy_edits_person_id_people")),
        sa.ForeignKeyConstraint(["undone_by"], ["people.id"], name=op.f("fk_taxonomy_edits_undone_by_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxonomy_edits")),
    )
    op.create_index("ix_taxonomy_edits_category_id", "taxonomy_edits", ["category_id"], unique=False)

    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("events", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_webhooks_created_by_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "category_lineage",
        sa.Column("edit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_category_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_category_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["edit_id"], ["taxonomy_edits.id"], name=op.f("fk_category_lineage_edit_id_taxonomy_edits")
        ),
        sa.ForeignKeyConstraint(
            ["from_category_id"], ["categories.id"], name=op.f("fk_category_lineage_from_category_id_categories")
        ),
        sa.ForeignKeyConstraint(
            ["to_category_id"], ["categories.id"], name=op.f("fk_category_lineage_to_category_id_categories")
        ),
        sa.PrimaryKeyConstraint("edit_id", "from_category_id", "to_category_id", name=op.f("pk_category_lineage")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("webhook_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.String(length=24), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "status",
            sa.Enum("waiting", "delivered", "failed", name="deliverystatus", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_status", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id_webhooks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index("ix_webhook_deliveries_webhook_id_id", "webhook_deliveries", ["webhook_id", "id"], unique=False)

    op.create_table(
        "category_examples",
        sa.Column("category_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_counterexample", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_category_examples_category_id_categories")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_category_examples_person_id_people")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_category_examples_product_id_products")),
        sa.PrimaryKeyConstraint("category_id", "product_id", name=op.f("pk_category_examples")),
    )
    op.create_table(
        "edit_reviews",
        sa.Column("edit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["edit_id"], ["taxonomy_edits.id"], name=op.f("fk_edit_reviews_edit_id_taxonomy_edits")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_edit_reviews_product_id_products")),
        sa.PrimaryKeyConstraint("edit_id", "product_id", name=op.f("pk_edit_reviews")),
    )
    op.create_index("ix_edit_reviews_product_id", "edit_reviews", ["product_id"], unique=False)

    op.create_table(
        "campaign_members",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_members_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_campaign_members_person_id_people")),
        sa.PrimaryKeyConstraint("campaign_id", "person_id", name=op.f("pk_campaign_members")),
    )
    op.create_table(
        "measurements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("model_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("last_decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("result", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_measurements_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_versions.id"], name=op.f("fk_measurements_model_version_id_model_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measurements")),
    )
    op.create_index("ix_measurements_kind_campaign_id_id", "measurements", ["kind", "campaign_id", "id"], unique=False)

    op.create_index("ix_audit_action_id", "audit", ["action", "id"], unique=False)
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_person_id_id", "audit", ["person_id", "id"], unique=False)

    op.add_column("campaigns", sa.Column("is_blind", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(
        "campaigns", sa.Column("choices", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
    )
    op.add_column(
        "campaigns", sa.Column("strata", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
    )
    op.add_column("campaigns", sa.Column("max_per_category", sa.Integer(), nullable=True))
    op.add_column("campaigns", sa.Column("gold_rate", sa.Double(), server_default="0", nullable=False))
    op.add_column(
        "campaigns", sa.Column("target_decisions", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.add_column("campaigns", sa.Column("target_error", sa.Double(), nullable=True))
    op.add_column("campaigns", sa.Column("closed_reason", sa.String(length=24), nullable=True))
    op.add_column(
        "campaigns", sa.Column("cloned_from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.add_column("campaigns", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))

    op.add_column(
        "categories", sa.Column("merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )

    op.add_column("daily_progress", sa.Column("n_gold", sa.Integer(), server_default="0", nullable=False))

    op.add_column("decisions", sa.Column("is_blind", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("decisions", sa.Column("is_gold_check", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(
        "decisions", sa.Column("copied_from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.add_column("decisions", sa.Column("batch_key", sa.String(length=64), nullable=True))
    op.create_index(
        "ix_decisions_batch_key",
        "decisions",
        ["batch_key"],
        unique=False,
        sqlite_where=sa.text("batch_key IS NOT NULL"),
        postgresql_where=sa.text("batch_key IS NOT NULL"),
    )
    op.create_index("ix_decisions_campaign_id_product_id", "decisions", ["campaign_id", "product_id"], unique=False)
    op.create_index("ix_decisions_campaign_id_id", "decisions", ["campaign_id", "id"], unique=False)
    op.create_index(
        "ix_decisions_gold_checks",
        "decisions",
        ["person_id", "id"],
        unique=False,
        sqlite_where=sa.text("is_gold_check = 1"),
        postgresql_where=sa.text("is_gold_check"),
    )

    op.add_column("labels", sa.Column("edit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    op.add_column(
        "labels", sa.Column("carried_from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.create_index("ix_labels_category_id_product_id", "labels", ["category_id", "product_id"], unique=False)
    op.create_index(
        "ix_labels_edit_id",
        "labels",
        ["edit_id"],
        unique=False,
        sqlite_where=sa.text("edit_id IS NOT NULL"),
        postgresql_where=sa.text("edit_id IS NOT NULL"),
    )

    op.add_column("people", sa.Column("email", sa.String(length=254), nullable=True))
    op.add_column("people", sa.Column("issuer", sa.String(length=500), nullable=True))
    op.add_column("people", sa.Column("subject", sa.String(length=255), nullable=True))
    op.add_column(
        "people", sa.Column("invited_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    roles = sa.Enum("annotator", "reviewer", "analyst", "operator", "admin", name="role", native_enum=False, length=24)
    op.add_column("people", sa.Column("invited_role", roles, nullable=True))
    op.add_column("people", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("people", sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("uq_people_email", "people", ["email"], unique=True)
    op.create_index("uq_people_issuer_subject", "people", ["issuer", "subject"], unique=True)

    op.add_column("tasks", sa.Column("is_gold", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("tasks", "is_gold")

    op.drop_index("uq_people_issuer_subject", table_name="people")
    op.drop_index("uq_people_email", table_name="people")
    op.drop_column("people", "last_seen_at")
    op.drop_column("people", "joined_at")
    op.drop_column("people", "invited_role")
    op.drop_column("people", "invited_by")
    op.drop_column("people", "subject")
    op.drop_column("people", "issuer")
    op.drop_column("people", "email")

    op.drop_index("ix_labels_category_id_product_id", table_name="labels")
    op.drop_index(
        "ix_labels_edit_id",
        table_name="labels",
        sqlite_where=sa.text("edit_id IS NOT NULL"),
        postgresql_where=sa.text("edit_id IS NOT NULL"),
    )
    op.drop_column("labels", "carried_from_id")
    op.drop_column("labels", "edit_id")

    op.drop_index(
        "ix_decisions_gold_checks",
        table_name="decisions",
        sqlite_where=sa.text("is_gold_check = 1"),
        postgresql_where=sa.text("is_gold_check"),
    )
    op.drop_index("ix_decisions_campaign_id_id", table_name="decisions")
    op.drop_index("ix_decisions_campaign_id_product_id", table_name="decisions")
    op.drop_index(
        "ix_decisions_batch_key",
        table_name="decisions",
        sqlite_where=sa.text("batch_key IS NOT NULL"),
        postgresql_where=sa.text("batch_key IS NOT NULL"),
    )
    op.drop_column("decisions", "batch_key")
    op.drop_column("decisions", "copied_from_id")
    op.drop_column("decisions", "is_gold_check")
    op.drop_column("decisions", "is_blind")

    op.drop_column("daily_progress", "n_gold")

    op.drop_column("categories", "merged_into_id")

    op.drop_column("campaigns", "deleted_at")
    op.drop_column("campaigns", "cloned_from_id")
    op.drop_column("campaigns", "closed_reason")
    op.drop_column("campaigns", "target_error")
    op.drop_column("campaigns", "target_decisions")
    op.drop_column("campaigns", "gold_rate")
    op.drop_column("campaigns", "max_per_category")
    op.drop_column("campaigns", "strata")
    op.drop_column("campaigns", "choices")
    op.drop_column("campaigns", "is_blind")

    op.drop_index("ix_audit_person_id_id", table_name="audit")
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_index("ix_audit_action_id", table_name="audit")

    op.drop_index("ix_measurements_kind_campaign_id_id", table_name="measurements")

    op.drop_table("measurements")
    op.drop_table("campaign_members")
    op.drop_index("ix_edit_reviews_product_id", table_name="edit_reviews")

    op.drop_table("edit_reviews")
    op.drop_table("category_examples")
    op.drop_index("ix_webhook_deliveries_webhook_id_id", table_name="webhook_deliveries")
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )

    op.drop_table("webhook_deliveries")
    op.drop_table("category_lineage")
    op.drop_table("webhooks")
    op.drop_index("ix_taxonomy_edits_category_id", table_name="taxonomy_edits")

    op.drop_table("taxonomy_edits")
    op.drop_index("ix_api_tokens_person_id", table_name="api_tokens")

    op.drop_table("api_tokens")
    op.drop_index("ix_api_requests_created_at", table_name="api_requests")

    op.drop_table("api_requests")
