"""The model card: what a model is, for whom, and what it is worth, from its spec alone."""

from __future__ import annotations

from hilum.report.figures import format_interval, render_metrics_table
from hilum.spec import Faithfulness, ModelSpec

# Published figures on films of other hospitals, for networks of this kind that reached .93
# to .95 on this test set.
_EXTERNAL = (
    "Networks of this kind, trained on this set, have been reported to fall to an AUC of .54 to "
    ".65 on children's films of other hospitals. Expect the same here until it is measured on "
    "your own films."
)


def render_model_card(spec: ModelSpec) -> str:
    """Render the card of a model as Markdown."""
    sections = [
        f"# {spec.name} {spec.version}\n\n{spec.description}",
        _render_use(spec),
        _render_facts(spec),
        _render_thresholds(spec),
        *([] if spec.faithfulness is None else [_render_faithfulness(spec, spec.faithfulness)]),
        *(f"## On {part}\n\n{render_metrics_table(spec, part)}".rstrip() for part in spec.metrics),
    ]
    return "\n\n".join(sections) + "\n"


def _render_use(spec: ModelSpec) -> str:
    population = spec.training_data.population
    ages = ""
    if population.age_min_years is not None and population.age_max_years is not None:
        ages = f" Ages {population.age_min_years:g} to {population.age_max_years:g} years."
    return (
        "## Use and limits\n\n"
        f"Research and teaching; not a medical device. {population.description}{ages} A film of "
        "anyone else is outside of what the model has seen, and hilum says so where the film's "
        f"header tells. {_EXTERNAL}"
    )


def _render_facts(spec: ModelSpec) -> str:
    network, film, data = spec.architecture, spec.input, spec.training_data
    normalization = (
        "standardised by the film's own mean and deviation"
        if film.normalization == "per_film"
        else "standardised by fixed mean and deviation"
    )
    facts = {
        "Network": f"`{network.timm_name}`, {network.parameters / 1e6:.2f} million parameters",
        **_describe_kin(spec),
        "Input": (
            f"{film.width_px}×{film.height_px} px, {film.channels} channel, `{film.resize}`, "
            f"recipe `{film.recipe}`, {normalization}"
        ),
        "Evidence map": f"{network.evidence_shape[0]}×{network.evidence_shape[1]} cells",
        "Training data": f"[{data.name}]({data.source}), {data.licence}",
        "Films": (
            f"{data.train_films} for training, {data.validation_films} for validation, apart by "
            f"patient (fingerprint `{data.fingerprint[:16]}`)"
        ),
        "Calibration": (
            f"temperature {spec.calibration.temperature:.4f}, offset "
            f"{spec.calibration.offset:+.4f}, fitted on "
            f"{spec.calibration.fitted_on}; the probability holds where "
            f"{spec.calibration.prevalence:.0%} of the films show pneumonia"
        ),
        "Conformal zone": _describe_zone(spec),
        "Input gate": _describe_gate(spec),
        **({"AUC on validation": _describe_validation(spec)} if spec.validation_auc else {}),
        "Recipe": f"`{spec.provenance.recipe}`, seed {spec.provenance.seed}",
        "Weights": f"`{spec.weights.file}`, {spec.weights.storage}, licence {spec.licence}",
        "Made": f"{spec.provenance.created} with hilum {spec.provenance.hilum_version}",
    }
    rows = "\n".join(f"| {title} | {fact} |" for title, fact in facts.items())
    return f"## Facts\n\n| | |\n|---|---|\n{rows}"


def _describe_kin(spec: ModelSpec) -> dict[str, str]:
    """Say what the weights began as, who taught them, and what is joined in them."""
    origin = spec.provenance
    if origin.members:
        joined = ", ".join(
            f"{member.factor:.3g} × `{member.name}` {member.version} "
            f"(`{member.weights_sha256[:16]}`)"
            for member in origin.members
        )
        return {"Logit and map": f"sum of {joined}"}
    teachers = ", ".join(
        f"`{teacher.name}` {teacher.version} (`{teacher.weights_sha256[:16]}`)"
        for teacher in origin.teachers
    )
    return {"Initialisation": origin.initialisation} | ({"Teachers": teachers} if teachers else {})


def _describe_zone(spec: ModelSpec) -> str:
    zone = spec.conformal
    if zone is None:
        return "none"
    ends = sorted((zone.positive_from, zone.negative_to))
    return (
        f"uncertain from {ends[0]:.4f} to {ends[1]:.4f}; for films of either class the truth is "
        f"among the possible answers in at least {1 - zone.alpha:.0%} (on held-out patients: "
        f"{zone.coverage.positive:.1%} of positive, {zone.coverage.negative:.1%} of negative films)"
    )


def _describe_validation(spec: ModelSpec) -> str:
    found = spec.validation_auc
    worst = min(found, key=lambda name: found[name])
    return (
        f"{found['clean']:.4f}; under {len(found) - 1} disturbances of the acquisition "
        f"{sum(found.values()) / len(found):.4f} on average, {found[worst]:.4f} at worst "
        f"(`{worst}`)"
    )


def _describe_gate(spec: ModelSpec) -> str:
    if spec.gate is None:
        return "none: only headers are judged"
    return f"refuses {spec.gate.validation_refused:.1%} of validation films"


def _render_thresholds(spec: ModelSpec) -> str:
    rows = "\n".join(
        f"| `{name}` | {point.threshold:.4f} | {point.rule} | {point.sensitivity:.3f} | "
        f"{point.specificity:.3f} |"
        for name, point in spec.operating_points.items()
    )
    chosen_on = next(iter(spec.operating_points.values())).chosen_on
    return (
        f"## Operating points\n\nChosen on {chosen_on}. `{spec.default_operating_point}` is the "
        "default.\n\n| name | threshold | rule | sensitivity there | specificity there |\n"
        f"|---|---|---|---|---|\n{rows}"
    )


def _render_faithfulness(spec: ModelSpec, found: Faithfulness) -> str:
    """Say which maps deserve belief, and what the network looks at."""
    rows = "\n".join(
        f"| `{name}` | "
        + " | ".join(
            format_interval(figure)
            for figure in (one.hit, one.iou, one.insertion_gain, one.road_gain, one.shift)
        )
        + f" | {format_interval(one.random_weights) if one.random_weights else 'not measured'} |"
        for name, one in found.methods.items()
    )
    warnings = [
        f"* Warning: {warning}"
        for name in found.methods
        for warning in spec.list_map_warnings(name)
    ]
    sentences = [
        f"* Of planted opacities a control hits {format_interval(found.control_hit)}.",
        f"* AUC of these films {format_interval(found.auc)}; where all but the lungs is levelled "
        f"{format_interval(found.auc_lungs_only)}; where the lungs are levelled "
        f"{format_interval(found.auc_lungs_levelled)}.",
        f"* Of the positive evidence on films of pneumonia {format_interval(found.outside_lungs)} "
        f"lies outside of the lungs; {found.outside_lungs_flat:.3f} if it were everywhere alike.",
        "* A lead letter put into a corner changes the probability by "
        f"{format_interval(found.put_in_marker)} on average.",
    ]
    return (
        f"## Which maps deserve belief\n\nMeasured on {found.films} films of {found.set_name} by "
        "`hilum faithfulness`. Hit and IoU are of planted opacities; insertion and ROAD by how "
        "much the map's order is better than chance; shift and shuffled weights are rank "
        "correlations.\n\n"
        "| map | hit | IoU | insertion | ROAD | shift | shuffled weights |\n"
        f"|---|---|---|---|---|---|---|\n{rows}\n\n" + "\n".join([*warnings, *sentences])
    )
