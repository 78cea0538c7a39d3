"""What the audit trail calls acts and things, as people read it. What is not listed is shown by its own word."""

from pages.components.words import N_, _

ACTS = {
    "invite": N_("invited"),
    "join": N_("joined"),
    "set_role": N_("role changed"),
    "deactivate": N_("deactivated"),
    "activate": N_("switched on"),
    "change_email": N_("address changed"),
    "create": N_("made"),
    "revoke": N_("token revoked"),
    "create_campaign": N_("campaign made"),
    "set_status": N_("status changed"),
    "set_members": N_("members changed"),
    "build_again": N_("build begun again"),
    "reach_target": N_("target reached"),
    "delete_campaign": N_("campaign deleted"),
    "restore_campaign": N_("campaign restored"),
    "settle": N_("settled as gold"),
    "settle_unanimous": N_("agreements settled as gold"),
    "undo_settlement": N_("gold taken back"),
    "accept_alternative": N_("'also fits' added"),
    "remove_alternative": N_("'also fits' removed"),
    "add": N_("added"),
    "end": N_("ended"),
    "add_example": N_("example added"),
    "remove_example": N_("example removed"),
    "set_flags": N_("flags changed"),
    "set_guidelines": N_("guidelines changed"),
    "add_category": N_("category added"),
    "rename_category": N_("category renamed"),
    "move_category": N_("category moved"),
    "merge_category": N_("category merged"),
    "split_category": N_("category split"),
    "retire_category": N_("category retired"),
    "undo_edit": N_("edit of the tree undone"),
    "import": N_("imported"),
    "import_taxonomy": N_("taxonomy imported"),
    "train": N_("trained"),
    "promote": N_("put to use"),
    "roll_back": N_("rolled back"),
    "start": N_("job started"),
    "cancel": N_("job cancelled"),
    "export": N_("exported"),
    "delete_export": N_("export deleted"),
    "find_label_issues": N_("wrong labels searched"),
    "add_webhook": N_("webhook added"),
    "remove_webhook": N_("webhook removed"),
    "redeliver_webhook": N_("webhook sent again"),
    "load_demo": N_("demo data loaded"),
    "simulate_crowd": N_("demo annotators labeled"),
}
ENTITIES = {
    "person": N_("person"),
    "api_token": N_("API token"),
    "campaign": N_("campaign"),
    "category": N_("category"),
    "taxonomy": N_("taxonomy"),
    "product": N_("product"),
    "exclusion_rule": N_("exclusion rule"),
    "import_run": N_("import"),
    "model_version": N_("model version"),
    "job": N_("job"),
    "export": N_("export file"),
    "webhook": N_("webhook"),
}


def entity_text(word: str) -> str:
    return _(ENTITIES[word]) if word in ENTITIES else word.replace("_", " ")


def action_text(word: str) -> str:
    return _(ACTS[word]) if word in ACTS else word.replace("_", " ")
