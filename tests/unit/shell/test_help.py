"""``--help`` of each command: examples that would be understood, and options whose values are said."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

import pytest

from ses_bounces.classify.causes import CAUSES
from ses_bounces.shell.arguments import parser
from ses_bounces.shell.examples import EXAMPLES


def parts(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield one
                yield from parts(one)


PARTS = {one.prog.removeprefix("ses-bounces "): one for one in parts(parser())}


def test_each_command_has_examples() -> None:
    assert set(PARTS) == set(EXAMPLES)


@pytest.mark.parametrize("command", PARTS)
def test_its_help_shows_examples_of_itself_that_the_parser_reads(command: str) -> None:
    shown = PARTS[command].format_help()
    for example in EXAMPLES[command]:
        assert f"\n  {example}\n" in shown
        program, *arguments = shlex.split(example.partition(" <")[0] if example.endswith(".txt") else example)
        assert program == "ses-bounces"
        assert arguments[: len(command.split())] == command.split()
        parser().parse_args(arguments)


@pytest.mark.parametrize("command", PARTS)
def test_what_can_be_chosen_is_said(command: str) -> None:
    for action in PARTS[command]._actions:
        if action.choices and not isinstance(action, argparse._SubParsersAction):
            said = " ".join(PARTS[command].format_help().split())
            assert all(str(choice) in said for choice in action.choices), action.option_strings


def test_causes_to_lift_are_said() -> None:
    said = " ".join(PARTS["unblock"].format_help().split())
    assert ", ".join(CAUSES) in said
