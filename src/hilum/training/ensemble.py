"""From several trained models to the one that joins them, calibrated as a whole."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from hilum.data import Split
from hilum.decision.conformal import DEFAULT_ALPHA
from hilum.errors import ConfigError
from hilum.models.ensemble import check_members, compute_factors, join_graphs
from hilum.models.export import ExportedGraph
from hilum.spec import (
    EnsembleMember,
    ModelSpec,
    Provenance,
    describe_faults,
    hash_bytes,
)
from hilum.training.calibrate import calibrate_model, check_fingerprint, read_validation
from hilum.training.model_folder import write_model


def make_ensemble(
    members: Sequence[tuple[ModelSpec, bytes]],
    shares: Sequence[float],
    folder: Path,
    *,
    name: str,
    description: str,
    root: Path,
    split: Split,
    alpha: float = DEFAULT_ALPHA,
    threads: int | None = None,
    report_stage: Callable[[str], None] = lambda _: None,
) -> ModelSpec:
    """Join models into one, fit everything that validation films decide, and write it.

    Parameters
    ----------
    members
        Spec and weights of each.
    shares
        How much each member says, in any unit; see
        :func:`hilum.models.ensemble.compute_factors`.
    folder
        Where graph, spec and gate are written; it must not hold a model of that name.
    root, split
        Where the films lie, and their split: that of the members' training.
    alpha
        Error that the conformal zone allows, see :func:`hilum.decision.fit_zone`.

    Raises
    ------
    ConfigError
        The members do not go together, the shares are wrong, or the folder holds a model.
    DatasetError
        A film cannot be read, or the split is not that of the members.
    ExportError
        The joined graph does not compute what its members do.
    """
    specs = [spec for spec, _ in members]
    check_members(specs)
    factors = compute_factors(specs, shares)
    if (folder / f"{name}.json").exists():
        raise ConfigError(f"The folder {folder} holds a model {name} already. Name another one.")
    check_fingerprint(specs[0], split)
    report_stage("joining the networks")
    graph = join_graphs(members, factors)
    provisional = _describe(specs, factors, graph, name, description)
    report_stage("reading validation films")
    films, labels = read_validation(root, split, provisional.input)
    spec, gate = calibrate_model(
        provisional,
        graph.data,
        root,
        split,
        films=films,
        labels=labels,
        alpha=alpha,
        threads=threads,
        report_stage=report_stage,
    )
    write_model(spec, folder, weights=graph.data, gate=gate)
    return spec


def _describe(
    specs: Sequence[ModelSpec],
    factors: Sequence[float],
    graph: ExportedGraph,
    name: str,
    description: str,
) -> ModelSpec:
    """Give the spec before anything is fitted: what the members share, and what is joined."""
    members = tuple(
        EnsembleMember(**spec.refer().model_dump(), factor=factor)
        for spec, factor in zip(specs, factors, strict=True)
    )
    made_of = " and ".join(f"{member.name} {member.version}" for member in members)
    recipe = f"ensemble of {made_of}"
    digest = hash_bytes("\n".join(member.model_dump_json() for member in members).encode())
    facts = specs[0].model_dump() | {
        "name": name,
        "version": "1.0",
        "description": description,
        "weights": {
            "file": f"{name}.onnx",
            "sha256": graph.sha256,
            "storage": graph.storage,
        },
        "architecture": graph.architecture,
        "metrics": {},
        "conformal": None,
        "gate": None,
        "provenance": Provenance(
            recipe=recipe,
            recipe_sha256=digest,
            initialisation="trained members",
            members=members,
            hilum_version=version("hilum"),
            created=datetime.datetime.now(datetime.UTC).date(),
            seed=specs[0].provenance.seed,
        ),
    }
    try:
        return ModelSpec.model_validate(facts)
    except ValidationError as error:
        faults = describe_faults(error, whole="ensemble")
        raise ConfigError(f"The ensemble cannot be described: {faults}") from error
