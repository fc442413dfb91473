"""Freeze, then unfreeze: which layers learn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn

_LISTS = (nn.Sequential, nn.ModuleList)
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)


def layer_groups(module: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of a network by depth, the layer next to the picture first.

    A group is one element of a list of blocks (a residual block, a transformer layer), or what stands alone
    beside the lists (a stem); a lone norm belongs to what it follows. Every parameter is in exactly one
    group.
    """
    groups: list[list[nn.Parameter]] = []
    own = list(module.parameters(recurse=False))
    if own:
        groups.append(own)
    for child in module.children():
        parameters = list(child.parameters())
        if isinstance(child, _LISTS) or (not isinstance(module, _LISTS) and _holds_lists(child)):
            groups.extend(layer_groups(child))
        elif isinstance(child, _NORMS) and groups:
            groups[-1].extend(parameters)
        elif parameters:
            groups.append(parameters)
    return _each_once(groups)


def _holds_lists(module: nn.Module) -> bool:
    return any(isinstance(child, _LISTS) or _holds_lists(child) for child in module.children())


def _each_once(groups: list[list[nn.Parameter]]) -> list[list[nn.Parameter]]:
    seen: set[int] = set()
    unique = []
    for group in groups:
        fresh = [parameter for parameter in group if id(parameter) not in seen]
        seen.update(id(parameter) for parameter in fresh)
        if fresh:
            unique.append(fresh)
    return unique


@contextmanager
def frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Parameters that do not learn inside the block, and do again after it (those that did before).

    The first half of "freeze, then unfreeze" (Howard and Ruder, "Universal Language Model Fine-tuning for
    Text Classification", ACL 2018; fast.ai's ``freeze`` and ``unfreeze``): a fresh head would otherwise send
    large, meaningless gradients into a trunk that is good already.
    """
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
