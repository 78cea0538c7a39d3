"""What the choices of a training are called: encoders, heads, caps, what is done about noise."""

from pages.components.words import N_, _

# short, for tables and charts
ENCODER_WORDS = {
    "joint": N_("n-grams + subwords"),
    "ngrams": N_("n-grams"),
    "fasttext": N_("fastText"),
    "dan": N_("DAN"),
    "gru": N_("GRU"),
    "ensemble": N_("ensemble"),
    "label_tree": N_("label tree"),
    "sentence": N_("sentence encoder"),
}
CAP_WORDS = {
    "none": N_("no cap"),
    "log": N_("log cap"),
    "uniform": N_("uniform cap"),
}
# what each setting is called, and in the form each choice with what it does
NAMES = {
    "encoder": N_("Encoder"),
    "head": N_("Head"),
    "use_images": N_("Images"),
    "warm_start": N_("Warm start"),
    "epochs": N_("Epochs"),
    "model": N_("The encoder's own settings"),
    "min_rows": N_("Least labeled products in a category"),
    "human_weight": N_("A person's label counts as so many imported ones"),
    "cap": N_("Cap per category"),
    "cap_constant": N_("Constant of the cap"),
    "even_months": N_("Every month of the year counts the same"),
    "noise": N_("Labels that look wrong"),
    "logit_adjustment": N_("Logit adjustment"),
    "target_precision": N_("Target precision, %"),
    "recommend_catch_alls": N_("Suggest catch-all categories"),
    "min_recommended_rows": N_("Suggest only categories with at least so many training rows"),
    "seed": N_("Seed"),
    "device": N_("Device"),
    "deterministic": N_("Exactly repeatable on a GPU"),
    "score_after": N_("Then let the new version answer for every product"),
    "promote_if_first": N_("Put it to use if nothing is in use yet"),
}
ENCODER_SENTENCES = {
    "joint": N_("joint: n-grams and subwords learned together"),
    "ngrams": N_("ngrams: words and letter groups, linear"),
    "fasttext": N_("fasttext: mean of embeddings, linear"),
    "dan": N_("dan: mean of embeddings, then layers"),
    "gru": N_("gru: reads the words in their order"),
    "ensemble": N_("ensemble: n-grams and a neural encoder averaged"),
    "label_tree": N_("label_tree: a tree of categories, for thousands of them"),
    "sentence": N_("sentence: a pretrained sentence encoder, for few labels"),
}
HEAD_WORDS = {
    "flat": N_("flat: one answer out of all categories"),
    "hierarchical": N_("hierarchical: level by level, combined"),
    "several_labels": N_("several_labels: a product may fit several"),
}
CAP_SENTENCES = {
    "none": N_("none: every row counts"),
    "log": N_("log: constant × log of the count"),
    "uniform": N_("uniform: at most the constant"),
}
NOISE_WORDS = {
    "keep": N_("keep: learn from them as they are"),
    "filter": N_("filter: leave them out"),
    "refurbish": N_("refurbish: learn the category that is meant"),
    "selfie": N_("selfie: decide while learning (SELFIE)"),
}


def run_name(encoder: str, cap: str) -> str:
    """'GRU · log cap', in the person's language."""
    return f"{_(ENCODER_WORDS[encoder])} · {_(CAP_WORDS[cap])}"


def setting_name(name: str) -> str:
    """What a setting is called in the person's language."""
    return _(NAMES[name])
