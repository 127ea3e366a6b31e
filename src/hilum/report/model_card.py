"""The model card: what a model is, for whom, and what it is worth, from its spec alone."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.language import Text, join_texts, recall, template
from hilum.report.figures import format_interval, render_metrics_table, render_row
from hilum.spec import Faithfulness, ModelSpec
from hilum.spec.words import say_films, say_initialisation, say_rule

# Published figures on films of other hospitals, for networks of this kind that reached .93
# to .95 on this test set.
_EXTERNAL = Text(
    "Networks of this kind, trained on this set, have been reported to fall to an AUC of .54 to "
    ".65 on children's films of other hospitals. Expect the same here until it is measured on "
    "your own films."
)
_ON_TEST = template("test")
_ON_VALIDATION = template("validation")


def render_model_card(spec: ModelSpec) -> Text:
    """Render the card of a model as Markdown; it can be said in every language."""
    sections = [
        join_texts([f"# {spec.name} {spec.version}", recall(spec.description)], "\n\n"),
        _render_use(spec),
        _render_facts(spec),
        _render_thresholds(spec),
        *([] if spec.faithfulness is None else [_render_faithfulness(spec, spec.faithfulness)]),
        *(_render_metrics(spec, part) for part in spec.metrics),
    ]
    return join_texts([join_texts(sections, "\n\n"), ""], "\n")


def _head(title: Text) -> Text:
    return join_texts(["##", title])


def _render_metrics(spec: ModelSpec, part: str) -> Text:
    title = Text("On {part}", part=recall(part, _ON_TEST, _ON_VALIDATION))
    return join_texts([_head(title), render_metrics_table(spec, part)], "\n\n")


def _render_use(spec: ModelSpec) -> Text:
    population = spec.training_data.population
    said: list[Text] = [
        Text("Research and teaching; not a medical device."),
        recall(population.description),
    ]
    if population.age_min_years is not None and population.age_max_years is not None:
        said.append(
            Text(
                "Ages {youngest:g} to {oldest:g} years.",
                youngest=population.age_min_years,
                oldest=population.age_max_years,
            )
        )
    said.append(
        Text(
            "A film of anyone else is outside of what the model has seen, and hilum says so where "
            "the film's header tells."
        )
    )
    return join_texts([_head(Text("Use and limits")), join_texts([*said, _EXTERNAL])], "\n\n")


def _render_facts(spec: ModelSpec) -> Text:
    facts = [
        *_list_network(spec),
        *_list_data(spec),
        (Text("Conformal zone"), _describe_zone(spec)),
        (Text("Input gate"), _describe_gate(spec)),
    ]
    if spec.validation_auc:
        facts.append((Text("AUC on validation"), _describe_validation(spec)))
    facts += [
        (
            Text("Recipe"),
            Text(
                "`{recipe}`, seed {seed}",
                recipe=spec.provenance.recipe,
                seed=spec.provenance.seed,
            ),
        ),
        (
            Text("Weights"),
            Text(
                "`{file}`, {storage}, licence {licence}",
                file=spec.weights.file,
                storage=spec.weights.storage,
                licence=spec.licence,
            ),
        ),
        (
            Text("Made"),
            Text(
                "{date} with hilum {version}",
                date=str(spec.provenance.created),
                version=spec.provenance.hilum_version,
            ),
        ),
    ]
    rows = join_texts([render_row(fact) for fact in facts], "\n")
    return join_texts(
        [_head(Text("Facts")), join_texts(["| | |", "|---|---|", rows], "\n")], "\n\n"
    )


def _list_network(spec: ModelSpec) -> list[tuple[Text, str]]:
    network, film = spec.architecture, spec.input
    normalization = (
        Text("standardised by the film's own mean and deviation")
        if film.normalization == "per_film"
        else Text("standardised by fixed mean and deviation")
    )
    return [
        (
            Text("Network"),
            Text(
                "`{network}`, {millions:.2f} million parameters",
                network=network.timm_name,
                millions=network.parameters / 1e6,
            ),
        ),
        *_list_kin(spec),
        (
            Text("Input"),
            Text(
                "{width}×{height} px, {channels} channel, `{resize}`, recipe `{recipe}`, "
                "{normalization}",
                width=film.width_px,
                height=film.height_px,
                channels=film.channels,
                resize=film.resize,
                recipe=str(film.recipe),
                normalization=normalization,
            ),
        ),
        (
            Text("Evidence map"),
            Text(
                "{rows}×{columns} cells",
                rows=network.evidence_shape[0],
                columns=network.evidence_shape[1],
            ),
        ),
    ]


def _list_data(spec: ModelSpec) -> list[tuple[Text, str]]:
    data, fitted = spec.training_data, spec.calibration
    return [
        (Text("Training data"), f"[{data.name}]({data.source}), {data.licence}"),
        (
            Text("Films"),
            Text(
                "{train} for training, {validation} for validation, apart by patient (fingerprint "
                "`{fingerprint}`)",
                train=data.train_films,
                validation=data.validation_films,
                fingerprint=data.fingerprint[:16],
            ),
        ),
        (
            Text("Calibration"),
            Text(
                "temperature {temperature:.4f}, offset {offset:+.4f}, fitted on {films}; the "
                "probability holds where {prevalence:.0%} of the films show pneumonia",
                temperature=fitted.temperature,
                offset=fitted.offset,
                films=say_films(fitted.fitted_on),
                prevalence=fitted.prevalence,
            ),
        ),
    ]


def _list_kin(spec: ModelSpec) -> list[tuple[Text, str]]:
    """Say what the weights began as, who taught them, and what is joined in them."""
    origin = spec.provenance
    if origin.members:
        joined = ", ".join(
            f"{member.factor:.3g} × `{member.name}` {member.version} "
            f"(`{member.weights_sha256[:16]}`)"
            for member in origin.members
        )
        return [(Text("Logit and map"), Text("sum of {members}", members=joined))]
    teachers = ", ".join(
        f"`{teacher.name}` {teacher.version} (`{teacher.weights_sha256[:16]}`)"
        for teacher in origin.teachers
    )
    kin: list[tuple[Text, str]] = [
        (Text("Initialisation"), say_initialisation(origin.initialisation))
    ]
    return [*kin, (Text("Teachers"), teachers)] if teachers else kin


def _describe_zone(spec: ModelSpec) -> Text:
    zone = spec.conformal
    if zone is None:
        return Text("none")
    ends = sorted((zone.positive_from, zone.negative_to))
    return Text(
        "uncertain from {low:.4f} to {high:.4f}; for films of either class the truth is among the "
        "possible answers in at least {share:.0%} (on held-out patients: {positive:.1%} of "
        "positive, {negative:.1%} of negative films)",
        low=ends[0],
        high=ends[1],
        share=1 - zone.alpha,
        positive=zone.coverage.positive,
        negative=zone.coverage.negative,
    )


def _describe_validation(spec: ModelSpec) -> Text:
    found = spec.validation_auc
    worst = min(found, key=lambda name: found[name])
    return Text(
        "{clean:.4f}; under {count} disturbances of the acquisition {mean:.4f} on average, "
        "{least:.4f} at worst (`{worst}`)",
        clean=found["clean"],
        count=len(found) - 1,
        mean=sum(found.values()) / len(found),
        least=found[worst],
        worst=worst,
    )


def _describe_gate(spec: ModelSpec) -> Text:
    if spec.gate is None:
        return Text("none: only headers are judged")
    return Text("refuses {share:.1%} of validation films", share=spec.gate.validation_refused)


def _render_thresholds(spec: ModelSpec) -> Text:
    rows = [
        render_row(
            [
                f"`{name}`",
                f"{point.threshold:.4f}",
                say_rule(point),
                f"{point.sensitivity:.3f}",
                f"{point.specificity:.3f}",
            ]
        )
        for name, point in spec.operating_points.items()
    ]
    chosen_on = next(iter(spec.operating_points.values())).chosen_on
    intro = Text(
        "Chosen on {films}. `{point}` is the default.",
        films=say_films(chosen_on),
        point=spec.default_operating_point,
    )
    head = [
        Text("name"),
        Text("threshold"),
        Text("rule"),
        Text("sensitivity there"),
        Text("specificity there"),
    ]
    table = _render_table(head, rows)
    return join_texts([_head(Text("Operating points")), intro, table], "\n\n")


def _render_table(head: Sequence[str], rows: Sequence[Text]) -> Text:
    return join_texts([render_row(head), "|" + "---|" * len(head), *rows], "\n")


def _render_faithfulness(spec: ModelSpec, found: Faithfulness) -> Text:
    """Say which maps deserve belief, and what the network looks at."""
    rows = []
    for name, one in found.methods.items():
        figures = [
            format_interval(figure)
            for figure in (one.hit, one.iou, one.insertion_gain, one.road_gain, one.shift)
        ]
        shuffled = one.random_weights
        figures.append(format_interval(shuffled) if shuffled else Text("not measured"))
        rows.append(render_row([f"`{name}`", *figures]))
    intro = Text(
        "Measured on {films} films of {set_name} by `hilum faithfulness`. Hit and IoU are of "
        "planted opacities; insertion and ROAD by how much the map's order is better than chance; "
        "shift and shuffled weights are rank correlations.",
        films=found.films,
        set_name=found.set_name,
    )
    head = [
        Text("map"),
        Text("hit"),
        "IoU",
        Text("insertion"),
        "ROAD",
        Text("shift"),
        Text("shuffled weights"),
    ]
    warnings = [
        Text("Warning: {warning}", warning=warning)
        for name in found.methods
        for warning in spec.list_map_warnings(name)
    ]
    points = [join_texts(["*", said]) for said in (*warnings, *_describe_gaze(found))]
    return join_texts(
        [
            _head(Text("Which maps deserve belief")),
            intro,
            _render_table(head, rows),
            join_texts(points, "\n"),
        ],
        "\n\n",
    )


def _describe_gaze(found: Faithfulness) -> list[Text]:
    return [
        Text("Of planted opacities a control hits {hit}.", hit=format_interval(found.control_hit)),
        Text(
            "AUC of these films {auc}; where all but the lungs is levelled {lungs}; where the "
            "lungs are levelled {levelled}.",
            auc=format_interval(found.auc),
            lungs=format_interval(found.auc_lungs_only),
            levelled=format_interval(found.auc_lungs_levelled),
        ),
        Text(
            "Of the positive evidence on films of pneumonia {outside} lies outside of the lungs; "
            "{flat:.3f} if it were everywhere alike.",
            outside=format_interval(found.outside_lungs),
            flat=found.outside_lungs_flat,
        ),
        Text(
            "A lead letter put into a corner changes the probability by {change} on average.",
            change=format_interval(found.put_in_marker),
        ),
    ]
