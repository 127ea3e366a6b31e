"""``hilum models``: what is shipped, what it is worth, and whether it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli import options
from hilum.cli.push import push_command

if TYPE_CHECKING:
    from hilum.spec import ModelSpec, SetMetrics

_MODEL_HELP = "Name of a shipped model, or path of a spec."


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="List, show, verify and publish models.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("list")(list_command)
    group.command("show")(show_command)
    group.command("card")(card_command)
    group.command("verify")(verify_command)
    group.command("push")(push_command)
    app.add_typer(group, name="models")


def list_command() -> None:
    """List the shipped models."""
    from hilum.models.zoo import DEFAULT_MODEL, list_models
    from hilum.report.figures import format_interval

    for spec in list_models():
        mark = " (default)" if spec.name == DEFAULT_MODEL else ""
        print(f"{spec.name} {spec.version}{mark}")
        print(f"    {spec.description}")
        for part, metrics in spec.metrics.items():
            print(f"    AUC on {part}: {format_interval(metrics.roc_auc)}")


def show_command(
    name: Annotated[str, typer.Argument(help=_MODEL_HELP, show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole spec.")] = False,
) -> None:
    """Show the facts and the figures of a model."""
    from hilum.models.zoo import resolve_model

    spec, _ = resolve_model(name)
    if as_json:
        print(json.dumps(spec.model_dump(mode="json", exclude_none=True), indent=2))
        return
    _print_facts(spec)
    _print_operating_points(spec)
    for part, metrics in spec.metrics.items():
        _print_metrics(part, metrics)


def card_command(
    name: Annotated[str, typer.Argument(help=_MODEL_HELP, show_default=False)],
) -> None:
    """Print the model card as Markdown."""
    from hilum.models.zoo import resolve_model
    from hilum.report.model_card import render_model_card

    spec, _ = resolve_model(name)
    print(render_model_card(spec), end="")


def verify_command(
    name: Annotated[str | None, typer.Argument(help=_MODEL_HELP, show_default=False)] = None,
    threads: options.Threads = None,
) -> None:
    """Check a model, or all shipped ones: digest, graph, and one film through it."""
    from hilum.models.zoo import list_models

    names = [spec.name for spec in list_models()] if name is None else [name]
    for one in names:
        _verify(one, threads)


def _verify(name: str, threads: int | None) -> None:
    from hilum.data.phantom import draw_phantom
    from hilum.decision import load_gate
    from hilum.inference import OnnxBackend
    from hilum.models.zoo import resolve_model
    from hilum.preprocess import preprocess
    from hilum.spec import read_weights
    from hilum.types import FilmHeader, Radiograph

    spec, folder = resolve_model(name)
    print(f"{spec.name} {spec.version}")
    weights = read_weights(spec, folder)
    digest = f"{spec.weights.sha256[:16]}... of {len(weights) / 1e6:.1f} MB"
    print(f"    SHA-256    {digest}: as in the spec")
    gate = load_gate(spec, folder)
    print(f"    gate       {'as in the spec' if gate else 'none: only headers are judged'}")
    with OnnxBackend(spec, weights, threads=threads) as backend:
        print("    graph      inputs and outputs: as in the spec")
        pixels = draw_phantom()
        header = FilmHeader(rows=pixels.shape[0], columns=pixels.shape[1], bits_stored=32)
        phantom = Radiograph(pixels, "ARRAY", str(spec.input.recipe), header)
        output = backend.run(preprocess(phantom, spec.input))
    logit = float(output.logit[0])
    total = spec.architecture.head_bias + float(output.evidence[0].mean())
    print(f"    phantom    logit {logit:.4f}, finite")
    print(f"    evidence   bias + mean of the map = {total:.4f}, off by {abs(total - logit):.1e}")


def _print_facts(spec: ModelSpec) -> None:
    network, film, data = spec.architecture, spec.input, spec.training_data
    grid = "x".join(map(str, network.evidence_shape))
    facts = {
        "Network": f"{network.timm_name}, {network.parameters / 1e6:.2f} million parameters",
        "Input": (
            f"{film.width_px}x{film.height_px} px, {film.channels} channel(s), "
            f"{film.resize}, recipe {film.recipe}"
        ),
        "Evidence": f"{grid} cells, head bias {network.head_bias:.4f}",
        "Calibration": (
            f"temperature {spec.calibration.temperature:.4f}, offset "
            f"{spec.calibration.offset:+.4f}, on {spec.calibration.fitted_on}"
        ),
        "Conformal": _describe_zone(spec),
        "Input gate": _describe_gate(spec),
        "Trained on": f"{data.name}, {data.train_films} films ({data.licence})",
        "Validated on": f"{data.validation_films} films",
        "Population": _describe_population(spec),
        "Licence": spec.licence,
        "Weights": f"{spec.weights.file}, {spec.weights.storage}",
        "Made": f"{spec.provenance.created} by hilum {spec.provenance.hilum_version}",
    }
    for title, kin in (
        ("Members", spec.provenance.members),
        ("Teachers", spec.provenance.teachers),
    ):
        if kin:
            facts[title] = ", ".join(f"{one.name} {one.version}" for one in kin)
    print(f"{spec.name} {spec.version}\n{spec.description}\n")
    for title, fact in facts.items():
        print(f"{title:13} {fact}")


def _describe_zone(spec: ModelSpec) -> str:
    zone = spec.conformal
    if zone is None:
        return "none"
    return (
        f"uncertain from {min(zone.positive_from, zone.negative_to):.4f} to "
        f"{max(zone.positive_from, zone.negative_to):.4f}, alpha {zone.alpha:g}"
    )


def _describe_gate(spec: ModelSpec) -> str:
    if spec.gate is None:
        return "none: only headers are judged"
    return f"{spec.gate.file}, refuses {spec.gate.validation_refused:.1%} of validation films"


def _describe_population(spec: ModelSpec) -> str:
    population = spec.training_data.population
    ages = (population.age_min_years, population.age_max_years)
    text = population.description
    if None not in ages:
        text += f" Ages {ages[0]:g} to {ages[1]:g} years."
    if population.views:
        text += f" Views {', '.join(population.views)}."
    return text


def _print_operating_points(spec: ModelSpec) -> None:
    print("\nOperating points, and what they gave on the films they were chosen on")
    for name, point in spec.operating_points.items():
        mark = " (default)" if name == spec.default_operating_point else ""
        print(
            f"    {name:16} threshold {point.threshold:.4f}  sensitivity {point.sensitivity:.3f}  "
            f"specificity {point.specificity:.3f}{mark}"
        )


def _print_metrics(part: str, metrics: SetMetrics) -> None:
    from hilum.report.figures import POINT_FIGURES, describe_restraint, format_interval

    print(
        f"\nOn {part}: {metrics.films} films, {metrics.positive} positive, "
        f"{metrics.negative} negative (95 % intervals: {metrics.interval_method})"
    )
    print(f"    AUC {format_interval(metrics.roc_auc)}, Brier {format_interval(metrics.brier)}")
    for name, point in metrics.operating_points.items():
        print(f"    {name}")
        for figure in POINT_FIGURES:
            print(f"        {figure:12} {format_interval(getattr(point, figure))}")
    if metrics.restraint is not None:
        for sentence in describe_restraint(metrics.films, metrics.restraint):
            print(f"    {sentence}")
