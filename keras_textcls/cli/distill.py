"""`keras-textcls distill`: a small preset from a large one."""

from __future__ import annotations

from pathlib import Path

import click

# The defaults of the library, repeated here so that `--help` needs no Keras; a test checks them.
_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _SEED = 8, 128, 1e-3, 0


@click.command("distill")
@click.argument("teacher")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Preset to write.")
@click.option(
    "--student",
    type=click.Choice(["mini_encoder", "static_embedding"]),
    default="mini_encoder",
    show_default=True,
)
@click.option("--texts", type=int, default=300_000, show_default=True, help="Texts to sample.")
@click.option("--epochs", type=int, default=_EPOCHS, show_default=True)
@click.option("--batch-size", type=int, default=_BATCH_SIZE, show_default=True)
@click.option("--learning-rate", type=float, default=_LEARNING_RATE, show_default=True)
@click.option("--seed", type=int, default=_SEED, show_default=True)
@click.option("--work-directory", type=click.Path(path_type=Path), help="Where a run is kept.")
def distill_command(
    teacher: str,
    files: tuple[Path, ...],
    output: Path,
    student: str,
    texts: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    work_directory: Path | None,
) -> None:
    """Distill the preset TEACHER into a small preset, on texts of FILES.

    FILES hold one passage on each line, plain or compressed (.gz, .bz2, .xz). Sentences,
    pairs of sentences and whole passages are sampled from them. After a kill, the same
    command continues the run.
    """
    from keras_textcls.distillation.distillation import distill
    from keras_textcls.distillation.distiller import DistillationConfig
    from keras_textcls.distillation.unlabelled_texts import sample_texts

    config = DistillationConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed
    )
    chosen = sample_texts(files, texts, seed)
    click.echo(f"{len(chosen):,} texts from {len(files)} files")
    distill(teacher, chosen, student, output=output, work_directory=work_directory, config=config)
    click.echo(f"Saved {output}")
