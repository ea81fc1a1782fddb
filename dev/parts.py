"""What is started part by part, and ended as a whole."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Self


class Parts(ABC):
    """Entering it starts its parts; leaving it, for whatever reason, ends all that were started, the last one first."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._exit.close()

    @abstractmethod
    def _start(self) -> None:
        """Starts the parts, and enters each into `_exit`."""
