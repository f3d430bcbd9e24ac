"""`escalon topics`: make the topics of the catalogue, and see what is there."""


import typer

app = typer.Typer(no_args_is_help=True, help="Make the topics and see what is there.")
