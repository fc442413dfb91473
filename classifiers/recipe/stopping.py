"""Early stopping on what counts: average precision in held-out pictures."""

from __future__ import annotations

from torch import Tensor, nn


class EarlyStopping:
    """Keep the best weights, and say when there has been no better for a while (Prechelt, "Early Stopping -
    But When?", 1998).

    Args:
        model: whose state is kept and given back.
        patience: epochs without a better score that are put up with.

    Attributes:
        best: the highest score; None before the first.
    """

    def __init__(self, model: nn.Module, patience: int) -> None:
        self.best: float | None = None
        self._model = model
        self._patience = patience
        self._waited = 0
        self._state: dict[str, Tensor] = {}

    def enough(self, score: float) -> bool:
        """Take the score of an epoch, higher is better; True means: stop."""
        if self.best is None or score > self.best:
            self.best, self._waited = score, 0
            self._state = {name: value.detach().clone() for name, value in self._model.state_dict().items()}
        else:
            self._waited += 1
        return self._waited > self._patience

    def restore(self) -> None:
        """Give the model the weights of its best epoch; the waiting starts anew."""
        self._waited = 0
        if self._state:
            self._model.load_state_dict(self._state)
