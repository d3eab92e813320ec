"""The commands of `huopan`. Every module here has an `app`, a typer.Typer with its commands.

A module is found by being here. What is slow to import is imported inside the command.
"""
