import subprocess
import sys
from pathlib import Path

import pytest
import torch

from byrote.training.hardware import fastest_matmul, has_bf16, one_thread, wins


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(torch.cpu, "get_capabilities"), reason="needs /proc/cpuinfo")
def test_bf16_is_fast_where_the_processor_says_so() -> None:
    flags = Path("/proc/cpuinfo").read_text().split()
    assert has_bf16("cpu") is bool({"avx512_bf16", "amx_bf16"} & set(flags))


def test_an_unknown_device_has_no_fast_bf16() -> None:
    assert has_bf16("mps") is False


@pytest.mark.parametrize(
    ("gains", "error", "expected"),
    [
        ([2.0, 2.1, 1.9], 3e-7, True),
        ([2.0, 2.1, 1.9], 3e-3, False),
        ([1.05, 1.3, 0.9], 3e-7, False),
        ([0.5, 0.5, 9.0], 3e-7, False),
    ],
)
def test_a_setting_must_be_accurate_and_clearly_faster(gains: list[float], error: float, expected: bool) -> None:
    assert wins(gains, error) is expected


def test_the_fastest_product_has_the_accuracy_of_fp32_and_nothing_else_changes() -> None:
    fastest_matmul.cache_clear()
    threads, before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    setting = fastest_matmul("cpu")
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == (threads, before)
    a, b = torch.randn(2, 300, 300, generator=torch.Generator().manual_seed(1))
    torch.set_float32_matmul_precision(setting)
    try:
        product = a @ b
    finally:
        torch.set_float32_matmul_precision(before)
    exact = a.double() @ b.double()
    assert (product.double() - exact).norm() < 1e-5 * exact.norm()


@pytest.mark.slow
def test_settings_of_single_backends_are_kept() -> None:
    """In a process of its own: torch cannot take them back."""
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this torch has none")
    code = (
        "import torch\n"
        "from byrote.training.hardware import fastest_matmul, products\n"
        "torch.backends.cuda.matmul.fp32_precision = 'tf32'\n"
        "fastest_matmul('cpu')\n"
        "with products('medium'):\n"
        "    pass\n"
        "print(torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "tf32 none\n"


def test_other_devices_keep_full_precision() -> None:
    assert fastest_matmul("cuda") == "highest"


def test_threads_are_given_back() -> None:
    threads = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads
