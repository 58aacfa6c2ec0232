"""Parts of torch are imported by what needs them: not by torch, nor by an optimiser."""

import subprocess
import sys

from tests.support.course import ROOT

USES = [
    "assert torch.func.grad(lambda x: x**2)(torch.tensor(3.0)) == 6",
    "assert torch.compile(lambda x: 2 * x, backend='eager')(torch.ones(1)) == 2",
    "from torch._dynamo import optimize",
    "import torch._dynamo.config as c; from torch._dynamo import convert_frame; assert convert_frame.config is c",
    "import torch.utils.debug_log",
    "import torch._dynamo.utils, torch._dynamo.config; assert torch._dynamo.config.recompile_limit",
    "assert torch._dynamo.list_backends() and torch._dynamo.__file__",
    "import torch.utils.checkpoint as c; c.checkpoint(torch.tanh, w, use_reentrant=False).sum().backward()",
]
ALONE = f"""
import os, sys, unittest, warnings
from grader.engine import later
later.put_off()
import torch
w = torch.ones(3, requires_grad=True)
for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad, torch.optim.RMSprop):
    optimiser = kind([w], lr=0.1)
    optimiser.zero_grad()
    (w**2).sum().backward()
    optimiser.step()
torch.optim.lr_scheduler.StepLR(optimiser, 1).step()
with unittest.TestCase().assertWarns(UserWarning):  # looks through all modules
    warnings.warn("x")
assert not any(name.startswith(("torch._dynamo.", "torch._refs")) for name in sys.modules)
for use in {USES}:
    if os.fork() == 0:  # each is the first to ask for it
        try:
            exec(use)
            assert "torch._dynamo.utils" in sys.modules
            optimiser.step()
            assert torch._dynamo.graph_break.__module__ == "torch._dynamo.decorators"
            print("well:", use, flush=True)
        finally:
            os._exit(0)
    os.wait()
import torch._meta_registrations as metas
assert "torch._refs" not in sys.modules and metas.__spec__ is not None
assert metas.meta_index_Tensor.__module__ == metas.__name__ and "torch._refs" in sys.modules
assert torch.nn.Conv2d(1, 2, 3, device="meta")(torch.empty(1, 1, 9, 9, device="meta")).shape == (1, 2, 7, 7)
"""


def test_an_optimiser_does_without_and_all_else_imports_them() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()) == (0, [f"well: {use}" for use in USES]), done.stderr
